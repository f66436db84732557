using IncidentFox.Contracts;
using Xunit;

namespace IncidentFox.Agent.Tests;

/// <summary>Fourteen recorded faults: the report must name the true cause and workload, and must not blame the healthy ones.</summary>
public sealed class RecordedEstatesTests
{
    [Theory]
    [InlineData("01-oomkilled", "why does imaging keep restarting?", "imaging", "OOMKilled|96Mi")]
    [InlineData("02-crashloop-missing-env", "checkout is returning 5xx", "checkout", "DATABASE_URL is not set|exit code 1")]
    [InlineData("02-crashloop-missing-env", "storefront is returning 5xx", "checkout", "DATABASE_URL is not set|storefront calls checkout")]
    [InlineData("03-image-pull", "storefront has errors", "catalog", "catalog:5.0.3|can't be pulled")]
    [InlineData("04-unschedulable", "search does not come up", "search", "Insufficient cpu|can't be scheduled")]
    [InlineData("05-readiness-failing", "storefront is returning 5xx", "catalog", "Readiness probe failed|404")]
    [InlineData("06-init-container-failing", "orders is down", "orders", "migrate|0042_orders_total_not_null|migration failed")]
    [InlineData("07-missing-secret", "checkout is returning 5xx", "payments", "payments-provider|not found")]
    [InlineData("07-missing-secret", "what is wrong in shop-07?", "payments", "payments-provider|not found")]
    [InlineData("08-pvc-pending", "store is pending", "store", "store-data|fast-ssd")]
    [InlineData("09-evicted-ephemeral-storage", "spooler pods disappear", "spooler", "evicted|ephemeral local storage|24Mi")]
    [InlineData("10-cronjob-backoff-limit", "the report job fails", "report", "cannot parse exchange rates|BackoffLimitExceeded|exit code 2")]
    [InlineData("11-scaled-to-zero", "checkout is returning 5xx", "payments", "scaled to 0|checkout calls payments")]
    [InlineData("12-rollout-stuck", "the checkout rollout hangs", "checkout", "DATABASE_URL is not set|ProgressDeadlineExceeded|old revision still serve")]
    [InlineData("13-node-not-ready", "checkout is returning 5xx", "node-1", "NotReady|Kubelet stopped posting node status")]
    [InlineData("14-node-memory-pressure", "storefront was evicted", "node-1", "MemoryPressure|evicts pods")]
    public async Task The_report_names_the_true_cause(string estate, string question, string workload, string words)
    {
        var (report, gateway) = await InvestigateAsync(estate, question);
        var told = $"{report.Why}\n{string.Join('\n', report.Evidence.Select(e => e.Statement + " " + e.Excerpt))}";
        Assert.Contains(workload, report.Why, StringComparison.Ordinal);
        foreach (var word in words.Split('|'))
            Assert.Contains(word, told, StringComparison.Ordinal);
        Assert.Empty(gateway.Violations);
        Assert.Equal(Confidence.Medium, report.Confidence);
    }

    [Theory]
    [InlineData("01-oomkilled", "why does imaging keep restarting?")]
    [InlineData("02-crashloop-missing-env", "checkout is returning 5xx")]
    [InlineData("03-image-pull", "catalog is down")]
    [InlineData("05-readiness-failing", "catalog is down")]
    [InlineData("12-rollout-stuck", "the checkout rollout hangs")]
    [InlineData("13-node-not-ready", "checkout is returning 5xx")]
    [InlineData("14-node-memory-pressure", "storefront was evicted")]
    public async Task Nothing_is_proposed_where_a_new_pod_would_fail_the_same_way(string estate, string question)
    {
        var (report, gateway) = await InvestigateAsync(estate, question, "pod_restart", "scale_deployment");
        Assert.Null(report.Action);
        Assert.DoesNotContain(gateway.Calls, c => c.Tool is "pod_restart" or "scale_deployment");
    }

    [Fact]
    public async Task A_healthy_workload_is_not_blamed_and_what_is_wrong_elsewhere_is_said()
    {
        var (report, _) = await InvestigateAsync("01-oomkilled", "checkout is returning 5xx");
        Assert.Equal(Confidence.Low, report.Confidence);
        Assert.Contains("No cause was found", report.Why, StringComparison.Ordinal);
        Assert.Contains(report.NextSteps, s => s.Contains("imaging", StringComparison.Ordinal) && s.Contains("unrelated", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_metrics_the_report_says_what_it_could_not_see()
    {
        var (report, _) = await InvestigateAsync("11-scaled-to-zero", "checkout is returning 5xx");
        Assert.Contains(report.NotSeen, n => n.Contains("error rates", StringComparison.Ordinal) && n.Contains("query_metrics_range is not offered", StringComparison.Ordinal));
    }

    private static async Task<(Report Report, FakeGateway Gateway)> InvestigateAsync(string name, string question, params string[] more)
    {
        var estate = new RecordedEstate(name);
        await using var gateway = new FakeGateway { Task = estate.Ask(question), ToolNames = [.. RecordedEstate.ReadTools, .. more], Answer = estate.Answer };
        var ending = await Run.AgentAsync(gateway, estate.RecordedAt);
        Assert.Equal(new(ExitCodes.Done, null), ending);
        return (gateway.Final, gateway);
    }
}
