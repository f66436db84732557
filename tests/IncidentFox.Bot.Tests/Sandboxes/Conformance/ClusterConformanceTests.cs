using System.Net;
using IncidentFox.Bot.Sandboxes.Conformance;
using IncidentFox.Bot.Sandboxes.Conformance.Clusters;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Bot.Tests.Sandboxes.Kubernetes;
using IncidentFox.Workbench.Estate.Cluster;

namespace IncidentFox.Bot.Tests.Sandboxes.Conformance;

/// <summary>The suite on a cluster: the double of the API, with pods that really run. Needs root, as a node does.</summary>
public sealed class ClusterConformanceTests
{
    [Fact]
    public async Task Every_check_holds_and_nothing_is_left_of_what_was_made()
    {
        await using var world = await CheckedCluster.CreateAsync();
        var before = world.Objects();
        var results = await world.RunAsync();
        Assert.All(results, r => Assert.True(r.Outcome == CheckOutcome.Ok, $"{r.Check}: {r.Outcome}: {r.Detail}"));
        Assert.Equal(ConformanceSuite.Checks.Select(c => c.Name), results.Select(r => r.Check));
        Assert.Contains("refused 7 ways, at once after the pod's end", results.Single(r => r.Check == "stolen token refused").Detail, StringComparison.Ordinal);
        Assert.Equal(before, world.Objects());
        Assert.Equal(world.Said.Where(s => s.StartsWith("made ", StringComparison.Ordinal)).Select(s => s["made ".Length..]).Reverse(), world.Said.Where(s => s.StartsWith("removed ", StringComparison.Ordinal)).Select(s => s["removed ".Length..]));
        Assert.Equal(6, world.Said.Count(s => s.StartsWith("made ", StringComparison.Ordinal)));
        Assert.All(world.Cluster.Requests.Where(r => r.Method == "POST"), r => Assert.Contains("fieldValidation=Strict", r.Query, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(Breakage.NoPolicies, "caged", "It reached ")]
    [InlineData(Breakage.RunsAsRoot, "non-root", "user 0")]
    [InlineData(Breakage.WritableRoot, "read-only", "/incidentfox-check")]
    [InlineData(Breakage.ApiToken, "no secrets", "a token for the Kubernetes API")]
    [InlineData(Breakage.SecretVariable, "no secrets", "variable DATABASE_PASSWORD")]
    [InlineData(Breakage.WrongAudience, "token bound", "should be for 'incidentfox-gateway' alone")]
    [InlineData(Breakage.NoMemoryLimit, "memory held", "It took 1024 MiB where 256 are allowed.")]
    internal async Task What_is_broken_in_a_cluster_fails_its_check(Breakage broken, string check, string detail)
    {
        Assert.SkipWhen(broken is Breakage.NoMemoryLimit && !AgentPod.HasCgroups, "Without cgroups nothing is limited here anyway.");
        await using var world = await CheckedCluster.CreateAsync();
        var before = world.Objects();
        world.Broken = broken;
        var result = Assert.Single(await world.RunAsync(check));
        Assert.Equal(CheckOutcome.Failed, result.Outcome);
        Assert.Contains(detail, result.Detail, StringComparison.Ordinal);
        Assert.Equal(before, world.Objects());
    }

    [Theory]
    [InlineData("credulous", "from another machine, by another pod, with another signature")]
    [InlineData("forgetful", "after its pod was gone")]
    [InlineData("careless", "by another pod")]
    public async Task A_gateway_that_lets_a_thief_in_fails_the_check(string how, string detail)
    {
        await using var world = await CheckedCluster.CreateAsync();
        world.Judging = judge => new BadJudge(judge, how);
        var result = Assert.Single(await world.RunAsync("stolen token refused"));
        Assert.Equal(CheckOutcome.Failed, result.Outcome);
        Assert.Contains(detail, result.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_cluster_only_plays_is_called_simulated()
    {
        await using var world = await CheckedCluster.CreateAsync();
        world.Cluster.Delete("RuntimeClass", "", "gvisor");
        world.Cluster.Create(PodCluster.Object("node.k8s.io/v1", "RuntimeClass", "gvisor", """{"metadata":{"annotations":{"incidentfox.io/simulates":"caged, pids held"}},"handler":"runsc"}""", ns: null));
        var results = await world.RunAsync("caged", "non-root", "pids held");
        Assert.Equal([CheckOutcome.Simulated, CheckOutcome.Ok, CheckOutcome.Simulated], results.Select(r => r.Outcome));
    }

    [Fact]
    public async Task A_node_that_puts_out_who_writes_too_much_holds_the_disk()
    {
        await using var world = await CheckedCluster.CreateAsync();
        world.Program = PodProgram.IsEvicted(TimeSpan.FromMilliseconds(300), "Usage of EmptyDir volume \"tmp\" exceeds the limit \"16Mi\". ");
        Assert.Equal((CheckOutcome.Ok, "put out with more than 16 MiB"), Assert.Single((await world.RunAsync("disk held")).Select(r => (r.Outcome, r.Detail))));
    }

    [Fact]
    public async Task What_is_there_is_used_and_left_as_it_is()
    {
        await using var world = await CheckedCluster.CreateAsync();
        world.Cluster.Create(PodCluster.Object("v1", "Namespace", PodCluster.Ns, """{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"restricted"}}}""", ns: null));
        world.Cluster.Create(PodCluster.Object("v1", "ServiceAccount", "incidentfox-sandbox"));
        world.Cluster.Create(PodCluster.Object("networking.k8s.io/v1", "NetworkPolicy", "default-deny", """{"spec":{"podSelector":{},"policyTypes":["Ingress","Egress"]}}"""));
        var before = world.Objects();
        Assert.Equal(CheckOutcome.Ok, Assert.Single(await world.RunAsync("caged")).Outcome);
        Assert.Equal(before, world.Objects());
        Assert.Equal(["made NetworkPolicy ", "made ConfigMap "], world.Said.Where(s => s.StartsWith("made", StringComparison.Ordinal)).Select(s => s[..(s.IndexOf("incidentfox", StringComparison.Ordinal))]));
        Assert.Contains(world.Said, s => s.StartsWith("relies on NetworkPolicy default-deny", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Stopping_it_in_the_middle_removes_what_was_made()
    {
        await using var world = await CheckedCluster.CreateAsync();
        var before = world.Objects();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestBot.Ct);
        await using (var conformance = await world.OpenAsync())
        {
            var run = conformance.Only("deadline kills").RunAsync(stop.Token).ToListAsync(stop.Token).AsTask();
            await Eventually.TrueAsync(() => world.Cluster.List("Pod", PodCluster.Ns).Any(p => (string?)p["status"]?["phase"] == "Running"), "a pod that runs");
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        }
        Assert.Equal(before, world.Objects());
    }

    private sealed class BadJudge(IPodJudge good, string how) : IPodJudge
    {
        private string? uid;

        public async Task<TokenJudgement> JudgeAsync(string token, IPAddress from, CancellationToken ct)
        {
            var judgement = await good.JudgeAsync(token, from, ct);
            uid ??= judgement.Uid;
            return how switch
            {
                "credulous" => new(uid, null),
                "forgetful" => judgement.Refusal == "its sandbox is over, or was never ours" ? new(uid, null) : judgement,
                _ => judgement.OtherAddress ? new(judgement.Uid, null) : judgement,
            };
        }

        public Task<bool> IsGoodForApiAsync(string token, CancellationToken ct) => good.IsGoodForApiAsync(token, ct);
    }
}
