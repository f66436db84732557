using System.Text.Json.Nodes;
using IncidentFox.Bot.Sandboxes;
using IncidentFox.Bot.Sandboxes.Kubernetes;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core.Sandboxes;
using IncidentFox.Workbench.Estate.Cluster;
using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Bot.Tests.Sandboxes.Kubernetes;

/// <summary>The driver against the double of the API: what a person is told, and that nothing is left.</summary>
public sealed class KubernetesDriverTests(BotPostgres postgres)
{
    [Fact]
    public async Task A_sandbox_is_a_pod_with_its_name_written_down_and_gone_when_its_agent_has_finished()
    {
        await using var world = await PodCluster.CreateAsync(postgres);
        world.Program = PodProgram.Exits(0, TimeSpan.FromMilliseconds(200));
        var (_, id, sandbox) = await world.StartAsync(await world.DriverAsync());
        var pod = Assert.Single(world.ClusterPods);
        var row = (await world.Pods.OfSandboxAsync(id, TestBot.Ct))!;
        Assert.Equal(((string?)pod["metadata"]!["uid"], $"sandbox-{id.Value}", SandboxPodState.Claimed), (row.Uid, row.Name, row.State));

        var exit = await sandbox.Exited.WaitAsync(TimeSpan.FromSeconds(30), TestBot.Ct);

        Assert.Equal((SandboxExitKind.Finished, 0, null), (exit.Kind, exit.ExitCode, exit.Fault));
        Assert.Empty(world.ClusterPods);
        Assert.Equal(SandboxPodState.Gone, (await world.Pods.FindAsync(row.Uid, TestBot.Ct))!.State);
        Assert.All(world.Cluster.Requests.Where(r => r.Method == "POST"), r => Assert.Contains("fieldValidation=Strict", r.Query, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("crash", SandboxExitKind.Crashed, null)]
    [InlineData("memory", SandboxExitKind.OutOfMemory, null)]
    [InlineData("evicted", SandboxExitKind.Crashed, "evicted")]
    [InlineData("no-image", SandboxExitKind.Crashed, "image_pull_failed")]
    [InlineData("bad-image", SandboxExitKind.Crashed, "image_pull_failed")]
    [InlineData("never-pulled", SandboxExitKind.Crashed, "image_pull_failed")]
    [InlineData("config", SandboxExitKind.Crashed, "sandbox_misconfigured")]
    [InlineData("start", SandboxExitKind.Crashed, "sandbox_misconfigured")]
    [InlineData("no-room", SandboxExitKind.Crashed, "unschedulable")]
    [InlineData("mount", SandboxExitKind.Crashed, "slow_start")]
    [InlineData("not-caged", SandboxExitKind.Crashed, "not_caged")]
    public async Task Each_way_to_fail_has_its_own_reason_and_leaves_nothing(string how, SandboxExitKind kind, string? code)
    {
        await using var world = await PodCluster.CreateAsync(postgres);
        world.Options.StartWithin = TimeSpan.FromSeconds(how is "no-room" or "mount" ? 2 : 60);
        world.Options.CageWithin = TimeSpan.FromSeconds(how == "not-caged" ? 1 : 60);
        world.Program = how switch
        {
            "crash" => PodProgram.Exits(7, TimeSpan.FromMilliseconds(100), "first", "last \u001b[31mline"),
            "memory" => PodProgram.RunsOutOfMemory(TimeSpan.FromMilliseconds(100)),
            "evicted" => PodProgram.IsEvicted(TimeSpan.FromMilliseconds(100), "Usage of EmptyDir volume \"tmp\" exceeds the limit \"64Mi\". "),
            "no-image" => PodProgram.ImageCannotBePulled,
            "bad-image" => PodProgram.HasInvalidImageName("Failed to apply default image tag"),
            "never-pulled" => PodProgram.ImageIsNeverPulled("agent"),
            "config" => PodProgram.IsMisconfigured("agent", "container has runAsNonRoot and image will run as root"),
            "start" => PodProgram.FailsToStart("exec: no such file"),
            "no-room" => PodProgram.IsUnschedulable("1 Insufficient cpu."),
            "mount" => PodProgram.NeverStarts("FailedMount", "configmap \"incidentfox-gateway-ca\" not found"),
            _ => PodProgram.RunsUntilDeleted,
        };
        var (_, id, sandbox) = await world.StartAsync(await world.DriverAsync());

        var exit = await sandbox.Exited.WaitAsync(TimeSpan.FromSeconds(40), TestBot.Ct);

        Assert.Equal((kind, code), (exit.Kind, exit.Fault?.Code));
        Assert.Empty(world.ClusterPods);
        Assert.Equal(SandboxPodState.Gone, (await world.Pods.OfSandboxAsync(id, TestBot.Ct))!.State);
        if (how == "crash")
            Assert.Equal((7, "first\nlast [31mline"), (exit.ExitCode, exit.LogTail));
    }

    [Fact]
    public async Task An_agent_that_is_caged_runs_until_it_is_stopped_or_its_time_is_over_and_waiting_does_not_count()
    {
        await using var world = await PodCluster.CreateAsync(postgres);
        world.Options.CageWithin = TimeSpan.FromSeconds(5);
        world.Options.Duration = TimeSpan.FromSeconds(6);
        var driver = await world.DriverAsync();
        var (_, first, stopped) = await world.StartAsync(driver);
        await world.GatewayPods.CagedAsync((await world.Pods.OfSandboxAsync(first, TestBot.Ct))!.Uid, TestBot.Ct);
        await stopped.StopAsync(TestBot.Ct);
        Assert.Equal(SandboxExitKind.Stopped, (await stopped.Exited).Kind);

        var (_, second, waits) = await world.StartAsync(driver);
        waits.SuspendClock();
        await world.GatewayPods.CagedAsync((await world.Pods.OfSandboxAsync(second, TestBot.Ct))!.Uid, TestBot.Ct);
        var (_, third, late) = await world.StartAsync(driver);
        await world.GatewayPods.CagedAsync((await world.Pods.OfSandboxAsync(third, TestBot.Ct))!.Uid, TestBot.Ct);

        Assert.Equal(SandboxExitKind.TimedOut, (await late.Exited.WaitAsync(TimeSpan.FromSeconds(40), TestBot.Ct)).Kind);
        Assert.False(waits.Exited.IsCompleted);
        waits.ResumeClock();
        Assert.Equal(SandboxExitKind.TimedOut, (await waits.Exited.WaitAsync(TimeSpan.FromSeconds(40), TestBot.Ct)).Kind);
        Assert.Empty(world.ClusterPods);
    }

    [Fact]
    public async Task What_admission_refuses_is_said_with_what_to_do()
    {
        await using var world = await PodCluster.CreateAsync(postgres);
        var driver = await world.DriverAsync();
        world.Cluster.Create(PodCluster.Object("v1", "ResourceQuota", "team", """{"spec":{"hard":{"pods":"0"}}}"""));
        var quota = Assert.IsType<SandboxStart.Refused>(await driver.StartAsync((await world.AskAsync()).Spec, TestBot.Ct));
        Assert.Equal("quota_exceeded", quota.Code);
        Assert.Contains("exceeded quota: team", quota.Sentence, StringComparison.Ordinal);

        world.Cluster.Delete("ResourceQuota", PodCluster.Ns, "team");
        world.Options.PriorityClass = "nobody-has-it";
        world.Options.ServiceAccount = "nobody";
        Assert.Equal("admission_refused", Assert.IsType<SandboxStart.Refused>(await driver.StartAsync((await world.AskAsync()).Spec, TestBot.Ct)).Code);
        Assert.Empty(world.ClusterPods);
    }

    [Fact]
    public async Task An_answer_that_is_lost_makes_one_pod_all_the_same()
    {
        await using var world = await PodCluster.CreateAsync(postgres);
        var driver = await world.DriverAsync();
        static bool IsCreate(KubernetesRequest r) => r.Method == "POST" && r.Path.EndsWith("/pods", StringComparison.Ordinal);
        world.Cluster.Faults.Next(IsCreate, ApiFault.TooManyRequests);
        world.Cluster.Faults.Next(IsCreate, ApiFault.AnswerLost);
        world.Cluster.Faults.Next(IsCreate, ApiFault.ServerErrorAfterwards);

        var (_, id, sandbox) = await world.StartAsync(driver);

        Assert.Equal((string?)Assert.Single(world.ClusterPods)["metadata"]!["uid"], (await world.Pods.OfSandboxAsync(id, TestBot.Ct))!.Uid);
        await sandbox.StopAsync(TestBot.Ct);
        Assert.Empty(world.ClusterPods);
    }

    [Fact]
    public async Task A_watch_that_is_cut_or_too_old_misses_nothing()
    {
        await using var world = await PodCluster.CreateAsync(postgres);
        world.Program = PodProgram.Exits(0, TimeSpan.FromSeconds(2));
        world.Cluster.Faults.DecideEvent = (_, _, _) => WatchFault.Twice;
        var (_, _, sandbox) = await world.StartAsync(await world.DriverAsync());
        world.Cluster.Faults.CutWatches();
        world.Cluster.Compact();

        Assert.Equal(SandboxExitKind.Finished, (await sandbox.Exited.WaitAsync(TimeSpan.FromSeconds(40), TestBot.Ct)).Kind);
    }

    [Fact]
    public async Task A_pod_that_somebody_deletes_is_said_to_be_deleted()
    {
        await using var world = await PodCluster.CreateAsync(postgres);
        var (_, _, sandbox) = await world.StartAsync(await world.DriverAsync());
        world.Cluster.Delete("Pod", PodCluster.Ns, (string)Assert.Single(world.ClusterPods)["metadata"]!["name"]!);
        Assert.Equal("pod_removed", (await sandbox.Exited.WaitAsync(TimeSpan.FromSeconds(40), TestBot.Ct)).Fault!.Code);
    }

    [Fact]
    public async Task A_pod_outlives_its_bot_and_the_next_one_takes_it_over()
    {
        await using var world = await PodCluster.CreateAsync(postgres);
        var first = await world.DriverAsync();
        var (investigation, id, abandoned) = await world.StartAsync(first);
        await first.DisposeAsync();
        Assert.Single(world.ClusterPods);
        Assert.False(abandoned.Exited.IsCompleted);

        var second = await world.DriverAsync();
        var adopted = (await second.AdoptAsync(new SandboxSpec(id, world.Options.Limits), TestBot.Ct))!;
        await adopted.StopAsync(TestBot.Ct);

        Assert.Empty(world.ClusterPods);
        Assert.Null(await second.AdoptAsync(new SandboxSpec(id, world.Options.Limits), TestBot.Ct));
        Assert.Null(await second.AdoptAsync((await world.AskAsync()).Spec, TestBot.Ct));
    }

    [Fact]
    public async Task A_cluster_without_the_runtime_class_is_refused_unless_that_is_allowed()
    {
        await using var world = await PodCluster.CreateAsync(postgres);
        world.Options.RuntimeClass = "kata";
        var problem = await world.New().OpenAsync(TestBot.Ct);
        Assert.Contains("no RuntimeClass 'kata'", problem, StringComparison.Ordinal);
        world.Options.AllowWithoutRuntimeClass = true;
        var (_, _, sandbox) = await world.StartAsync(await world.DriverAsync());
        Assert.Null(Assert.Single(world.ClusterPods)["spec"]!["runtimeClassName"]);
        await sandbox.StopAsync(TestBot.Ct);
    }

    [Fact]
    public void A_kubeconfig_that_runs_a_program_or_checks_no_certificate_is_refused()
    {
        var file = Path.GetTempFileName();
        try
        {
            const string Head = "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n";
            File.WriteAllText(file, Head + "clusters: [{name: k, cluster: {server: 'https://127.0.0.1:1'}}]\nusers: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: touch, args: [/tmp/x]}}}]\n");
            Assert.Contains("running a program", Assert.Throws<InvalidOperationException>(() => ClusterAccess.Open(new() { Kubeconfig = file })).Message, StringComparison.Ordinal);
            File.WriteAllText(file, Head + "clusters: [{name: k, cluster: {server: 'https://127.0.0.1:1', insecure-skip-tls-verify: true}}]\nusers: [{name: u, user: {token: x}}]\n");
            Assert.Contains("insecure-skip-tls-verify", Assert.Throws<InvalidOperationException>(() => ClusterAccess.Open(new() { Kubeconfig = file })).Message, StringComparison.Ordinal);
            File.WriteAllText(file, Head + "clusters: [{name: k, cluster: {server: 'https://127.0.0.1:1'}}]\nusers: [{name: u, user: {token: x}}]\n");
            ClusterAccess.Open(new() { Kubeconfig = file }).Dispose();
        }
        finally
        {
            File.Delete(file);
        }
    }
}
