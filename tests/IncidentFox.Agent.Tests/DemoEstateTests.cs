using IncidentFox.Agent.Investigating;
using IncidentFox.Contracts;
using IncidentFox.Workbench.Estate;
using IncidentFox.Workbench.Estate.Faults;
using Xunit;

namespace IncidentFox.Agent.Tests;

/// <summary>The agent in the demo estate, with real metrics of a shop that really breaks and is really mended.</summary>
public sealed class DemoEstateTests
{
    private const string Healthy = """sum(rate(http_requests_total{service="checkout",code="200"}[8s])) > 5 and sum(rate(http_requests_total{service="checkout",code=~"5.."}[8s])) == 0""";
    private const string Failing = """sum(rate(http_requests_total{service="storefront",code=~"5.."}[8s])) / sum(rate(http_requests_total{service="storefront"}[8s])) > 0.05""";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(DemoFaults.MemoryLeak, "OOMKilled")]
    [InlineData(DemoFaults.StuckPool, "pool")]
    [InlineData(DemoFaults.ScaledToZero, "payments is scaled to 0")]
    [InlineData(DemoFaults.BadImage, "can't be pulled")]
    public async Task The_cause_is_found_the_right_action_is_proposed_and_its_effect_is_seen(string fault, string cause)
    {
        await using var estate = await DemoEstate.StartAsync(new() { Fault = DemoFaults.None }, Cancel);
        using var live = new LiveEstate(estate);
        await UntilAsync(() => live.Shows(Healthy), 40);
        await estate.SeedAsync(fault);
        await UntilAsync(() => live.Shows(Failing) && live.Alerts("checkout"), 60);

        var now = TimeProvider.System.GetUtcNow();
        await using var gateway = new FakeGateway
        {
            ToolNames = LiveEstate.Tools,
            Answer = live.Answer,
            Task = new() { InvestigationId = "inv_1", Question = "checkout is returning 5xx", AskedAt = now, Deadline = now.AddMinutes(10), ParkAfterSeconds = 120 },
        };
        gateway.Approval = id => gateway.Calls.Last(c => c.Tool is "pod_restart" or "scale_deployment") is var call ? live.Execute(id, call.Tool, call.Arguments) : null;
        Assert.Equal(ExitCodes.Done, (await Run.AgentAsync(gateway, now, new Pace())).Code);

        var report = gateway.Final;
        TestContext.Current.TestOutputHelper?.WriteLine($"{report}\n{string.Join('\n', report.Evidence)}\n{string.Join('\n', report.NextSteps)}\n{string.Join('\n', report.NotSeen)}\n{string.Join('\n', gateway.Events.OfType<StepEvent>().Select(s => $"{s.At:O} {s.Title}: {s.State} {s.Note}"))}\n{gateway.Calls.Count} calls");
        Assert.Contains(cause, report.Why, StringComparison.Ordinal);
        Assert.Equal(Confidence.High, report.Confidence);
        Assert.Empty(report.NotSeen);
        Assert.Empty(gateway.Violations);
        if (fault == DemoFaults.ScaledToZero)
            Assert.Contains(report.NextSteps, s => s.Contains("night-scaler", StringComparison.Ordinal));
        if (estate.FaultTruth!.Fix is not { } fix)
        {
            Assert.Null(report.Action);
            return;
        }
        var proposed = Assert.Single(gateway.Calls, c => c.Tool is "pod_restart" or "scale_deployment");
        Assert.Equal(fix.Tool, proposed.Tool);
        Assert.Equal(fix.Parameters.OrderBy(p => p.Key), proposed.Arguments.EnumerateObject().Select(p => KeyValuePair.Create(p.Name, p.Value.ToString())).OrderBy(p => p.Key));
        Assert.StartsWith("Executed and seen to work", report.Action!.Outcome!, StringComparison.Ordinal);
    }

    private static async Task UntilAsync(Func<bool> condition, int seconds)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(seconds), "the estate did not get there in time");
            await Task.Delay(500, Cancel);
        }
    }
}
