using IncidentFox.Benchmarks.Measuring;
using IncidentFox.Workbench.Estate.Faults;
using IncidentFox.Workbench.SlackWorkspace;
using IncidentFox.Workbench.Stack;

namespace IncidentFox.Benchmarks.Spine;

/// <summary>Investigations of a healthy estate, one after the other: nothing waits for a person, so every one ends by itself.</summary>
internal sealed class SandboxTimes(FigureSheet sheet, string driver, bool isPreferred)
{
    private const int WarmUp = 2;
    private const int Measured = 20;

    // The card is written at most once a second per channel: the next question does not queue behind the last one's card.
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(1.5);

    public async Task RunAsync(CancellationToken ct)
    {
        FigureSheet.Say($"investigations in {driver}: {Measured}, one at a time, after {WarmUp} to warm up");
        using var folder = new BenchFolder();
        await using var stack = await WorkbenchStack.StartAsync(new StackOptions
        {
            DataDirectory = folder.Path,
            Ephemeral = true,
            DurableDatabase = true,
            SlackPort = 0,
            SlackLimits = new SlackLimits { RateLimitsOn = false },
            Fault = DemoFaults.None,
            SandboxDriver = driver,
        }, ct);
        var people = new WorkspaceSession(stack.Slack!);
        await using var timeline = new InvestigationTimeline(stack.Database.OwnerConnectionString);
        List<Lap> laps = [];
        for (var i = 0; i < WarmUp + Measured; i++)
        {
            var lap = await LapAsync(people, timeline, i, ct);
            if (i >= WarmUp)
                laps.Add(lap);
            await Task.Delay(Between, ct);
        }
        Write("sandbox_cold_start", laps, l => l.ColdStart);
        Write("command_to_first_instruction", laps, l => l.ToFirstCall);
        Write("investigate_to_report", laps, l => l.ToReport);
    }

    private static async Task<Lap> LapAsync(WorkspaceSession people, InvestigationTimeline timeline, int number, CancellationToken ct)
    {
        var clock = TimeProvider.System;
        var sent = clock.GetUtcNow();
        var (_, card) = await people.InvestigateAsync(DemoPeople.Omar, $"is anything wrong with the shop, round {number}", ct);
        await people.WaitForTextAsync(card, "the report", t => t.Contains("The agent's report, in its words", StringComparison.Ordinal), ct);
        var reported = clock.GetUtcNow();
        var times = await timeline.OfLatestAsync(ct);
        // The database is on this machine: its clock is ours.
        return new Lap((times.Caged - times.SandboxMade).TotalMilliseconds, (times.FirstCall - sent).TotalMilliseconds, (reported - sent).TotalMilliseconds);
    }

    // Without a driver in its name a figure is that of the driver which the product picks by itself.
    private void Write(string name, IReadOnlyCollection<Lap> laps, Func<Lap, double> part)
    {
        var times = laps.Select(part).ToArray();
        if (isPreferred)
            sheet.Median($"{name}_ms", times);
        sheet.Median($"{name}_{driver}_ms", times);
        sheet.Quantiles($"{name}_{driver}_max_ms", times, 1, isContext: true);
    }

    /// <summary>One investigation, in milliseconds.</summary>
    private sealed record Lap(double ColdStart, double ToFirstCall, double ToReport);
}
