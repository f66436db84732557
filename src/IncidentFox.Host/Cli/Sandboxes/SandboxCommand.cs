using System.CommandLine;
using IncidentFox.Bot.Sandboxes;
using IncidentFox.Bot.Sandboxes.Conformance;
using IncidentFox.Bot.Sandboxes.Conformance.Clusters;
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
        var kubeconfig = new Option<FileInfo?>("--kubeconfig") { Description = "Check this cluster: a kubeconfig with a token or a client certificate." };
        var space = new Option<string>("--namespace") { Description = "Where the pods are made. One that is not there is made, and removed afterwards.", DefaultValueFactory = _ => "incidentfox-sandboxes" };
        var image = new Option<string?>("--image") { Description = $"The agent's image; else what the installed bot has, else {ClusterToCheck.DefaultImage}." };
        var gateway = new Option<string?>("--gateway") { Description = "A gateway that is there already, ADDRESS:PORT, whose authority is in the ConfigMap incidentfox-gateway-ca; else one is started here." };
        var listen = new Option<string?>("--listen") { Description = "At which ADDRESS or ADDRESS:PORT pods reach this machine; else that by which it reaches the cluster." };
        var runtimeClass = new Option<string>("--runtime-class") { Description = "The pods' isolation.", DefaultValueFactory = _ => "gvisor" };
        var local = new Option<bool>("--local") { Description = "Check this machine: gVisor and bubblewrap, each that is installed." };
        var driver = new Option<string?>("--driver") { Description = "With --local: only gvisor or bubblewrap." };
        driver.AcceptOnlyFromAmong([.. LocalConformance.Drivers]);
        var agent = new Option<FileInfo>("--agent") { Description = "With --local: the agent's executable.", DefaultValueFactory = _ => new(new LocalSandboxOptions().AgentPath) };
        var platform = new Option<string>("--gvisor-platform") { Description = "With --local: systrap, ptrace or kvm; runsc's own default if not given.", DefaultValueFactory = _ => "" };
        var command = new Command("check", "Shows that sandboxes hold what they promise, by trying: real ones are started, and the agent in them does what it must not be able to do.")
        {
            kubeconfig, space, image, gateway, listen, runtimeClass, local, driver, agent, platform,
        };
        command.SetAction((parse, ct) => (parse.GetValue(local), parse.GetValue(kubeconfig)) switch
        {
            (true, null) => LocalAsync(
                parse.GetValue(driver) is { } one ? [one] : LocalConformance.Drivers, new LocalSandboxOptions { AgentPath = parse.GetValue(agent)!.FullName, GVisorPlatform = parse.GetValue(platform)! }, ct),
            (false, { } file) when parse.GetValue(gateway) is null || parse.GetValue(listen) is null => ClusterAsync(
                new ClusterToCheck
                {
                    Kubeconfig = file.FullName,
                    Namespace = parse.GetValue(space)!,
                    Image = parse.GetValue(image),
                    Gateway = parse.GetValue(gateway),
                    Listen = parse.GetValue(listen),
                    RuntimeClass = parse.GetValue(runtimeClass)!,
                },
                ct),
            (false, not null) => Task.FromResult(SandboxTable.CannotRun("--gateway names a gateway that is there, --listen an address for one that is started here: give one of them.")),
            _ => Task.FromResult(SandboxTable.CannotRun("Say what to check: --kubeconfig FILE or --local.")),
        });
        return command;
    }

    private static async Task<int> ClusterAsync(ClusterToCheck cluster, CancellationToken ct)
    {
        try
        {
            await using var conformance = await KubernetesConformance.OpenAsync(cluster, Say, TimeProvider.System, NullLogger.Instance, ct);
            return await SandboxTable.PrintAsync($"namespace {cluster.Namespace}", conformance.Suite, ct);
        }
        catch (CannotCheckException e)
        {
            return SandboxTable.CannotRun(e.Message);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            return SandboxTable.CannotRun("Stopped.");
        }
        catch (Exception e) when (KubernetesConformance.Why(e, ct) is { } why)
        {
            return SandboxTable.CannotRun(why);
        }
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

    private static void Say(string text) => SandboxTable.Line(Inert.Text(text));
}
