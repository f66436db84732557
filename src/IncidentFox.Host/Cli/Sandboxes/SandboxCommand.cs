using System.CommandLine;
using IncidentFox.Bot.Sandboxes;
using IncidentFox.Bot.Sandboxes.Conformance;
using Microsoft.Extensions.Logging.Abstractions;

namespace IncidentFox.Host.Cli.Sandboxes;

/// <summary>
/// <c>incidentfox sandbox check</c>: shows that sandboxes hold what they promise, by trying. It reads no configuration and needs no database.
/// Exit code 0 when all holds, 1 when a check failed, 2 when it could not be run.
/// </summary>
internal static class SandboxCommand
{
    public static Command Create() => new("sandbox", "Sandboxes.") { Check() };

    private static Command Check()
    {
        var local = new Option<bool>("--local") { Description = "Check this machine: gVisor and bubblewrap, each that is installed." };
        var driver = new Option<string?>("--driver") { Description = "With --local: only gvisor or bubblewrap." };
        driver.AcceptOnlyFromAmong([.. LocalConformance.Drivers]);
        var agent = new Option<FileInfo>("--agent") { Description = "With --local: the agent's executable.", DefaultValueFactory = _ => new(new LocalSandboxOptions().AgentPath) };
        var platform = new Option<string>("--gvisor-platform") { Description = "With --local: systrap, ptrace or kvm; runsc's own default if not given.", DefaultValueFactory = _ => "" };
        var command = new Command("check", "Shows that sandboxes hold what they promise, by trying: real ones are started, and the agent in them does what it must not be able to do.")
        {
            local, driver, agent, platform,
        };
        command.SetAction((parse, ct) => parse.GetValue(local)
            ? LocalAsync(parse.GetValue(driver) is { } one ? [one] : LocalConformance.Drivers, new LocalSandboxOptions { AgentPath = parse.GetValue(agent)!.FullName, GVisorPlatform = parse.GetValue(platform)! }, ct)
            : Task.FromResult(SandboxTable.CannotRun("Say what to check: --local.")));
        return command;
    }

    private static async Task<int> LocalAsync(IReadOnlyList<string> drivers, LocalSandboxOptions settings, CancellationToken ct)
    {
        var worst = 0;
        foreach (var driver in drivers)
        {
            try
            {
                await using var conformance = await LocalConformance.OpenAsync(settings, driver, TimeProvider.System, NullLogger.Instance, ct);
                worst = Math.Max(worst, await SandboxTable.PrintAsync($"this machine, {driver}", conformance.Suite, ct));
            }
            catch (CannotCheckException e)
            {
                worst = SandboxTable.CannotRun(e.Message);
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                return SandboxTable.CannotRun("Stopped. Nothing of it is left.");
            }
        }
        return worst;
    }
}
