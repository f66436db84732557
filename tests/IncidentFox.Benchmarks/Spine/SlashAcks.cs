using IncidentFox.Benchmarks.Measuring;
using IncidentFox.Workbench.Estate.Faults;
using IncidentFox.Workbench.SlackWorkspace;
using IncidentFox.Workbench.Stack;

namespace IncidentFox.Benchmarks.Spine;

/// <summary>
/// How long Slack waits for the answer to a command, with 50 of them in flight at all times. The one place for a sandbox is taken by an investigation that
/// waits for a decision: those of the load are accepted, audited, queued and shown as they always are, but no sandbox starts beside the measurement.
/// </summary>
internal sealed class SlashAcks(FigureSheet sheet)
{
    private const int Concurrent = 50;
    private const int WarmUp = 1_000;
    private const int Measured = 2_000;

    public async Task RunAsync(CancellationToken ct)
    {
        FigureSheet.Say($"slash commands: {Measured} with {Concurrent} in flight, after {WarmUp} to warm up");
        using var folder = new BenchFolder();
        await using var stack = await WorkbenchStack.StartAsync(new StackOptions
        {
            DataDirectory = folder.Path,
            Ephemeral = true,
            DurableDatabase = true,
            SlackPort = 0,
            SlackLimits = new SlackLimits { RateLimitsOn = false },
            Fault = DemoFaults.StuckPool,
            HealthyFor = TimeSpan.FromSeconds(5),
            MaxSandboxes = 1,
            ParkAfterSeconds = 3_600,
        }, ct);
        var secret = await File.ReadAllTextAsync(Path.Combine(stack.Files.RunDirectory, "secrets", "slack-signing-secret"), ct);
        using var commands = new SignedCommands(stack.HttpUrl, secret, Concurrent);
        sheet.Add(new Figure("slash_first_ack_ms", (await commands.SendAsync("status", ct)).TotalMilliseconds, "ms", 1, IsContext: true));
        await TakeTheOnlyPlaceAsync(stack, ct);

        var load = new CommandLoad(commands, Concurrent);
        await load.RunAsync(WarmUp, ct);
        var (acks, perSecond) = await load.RunAsync(Measured, ct);
        var times = acks.Select(a => a.Milliseconds).ToArray();
        sheet.Quantiles("slash_ack_p99_ms", times, 0.99);
        sheet.Median("slash_ack_p50_ms", times);
        sheet.Quantiles("slash_ack_max_ms", times, 1, isContext: true);
        sheet.Add(new Figure("slash_acks_per_second", perSecond, "1/s", times.Length, IsContext: true));
        foreach (var kind in acks.GroupBy(a => a.Command, a => a.Milliseconds, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal))
            sheet.Quantiles($"slash_ack_{kind.Key}_p99_ms", kind.ToArray(), 0.99, isContext: true);
    }

    private static async Task TakeTheOnlyPlaceAsync(WorkbenchStack stack, CancellationToken ct)
    {
        await stack.Estate.FaultBegan.WaitAsync(ct);
        await stack.Estate.WaitForAlertAsync(ct);
        var people = new WorkspaceSession(stack.Slack!);
        await people.InvestigateAsync(DemoPeople.Omar, "checkout is returning 5xx", ct);
        await people.WaitForApprovalAsync(after: null, ct);
    }
}
