using System.Text.Json.Nodes;
using IncidentFox.Bot.Sandboxes;
using IncidentFox.Bot.Sandboxes.Kubernetes;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core.Sandboxes;
using IncidentFox.Workbench.Estate.Cluster;
using IncidentFox.Workbench.Estate.Kubernetes;
using k8s.Models;

namespace IncidentFox.Bot.Tests.Sandboxes.Kubernetes;

/// <summary>What the cluster does to pods behind the bot's back, and answers that come at the wrong moment.</summary>
public sealed class LostPodTests(BotPostgres postgres)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    [Theory]
    [InlineData(4, "gateway_unreachable")]
    [InlineData(5, "gateway_refused")]
    [InlineData(6, "gateway_untrusted")]
    [InlineData(1, null)]
    public void An_agent_that_found_no_gateway_is_told_apart_by_its_exit_code(int code, string? fault)
    {
        var pod = new V1Pod { Status = new V1PodStatus { Phase = "Failed", ContainerStatuses = [new V1ContainerStatus { State = new V1ContainerState { Terminated = new V1ContainerStateTerminated { ExitCode = code, Reason = "Error" } } }] } };
        var ended = Assert.IsType<PodReading.Ended>(PodReading.Of(pod));
        Assert.Equal((SandboxExitKind.Crashed, code, fault), (ended.Kind, ended.ExitCode, ended.Fault?.Code));
    }

    [Fact]
    public async Task A_name_that_is_taken_is_looked_at_again_until_the_API_says_by_whom()
    {
        await using var world = await PodCluster.CreateAsync(postgres);
        var driver = await world.DriverAsync();
        world.Cluster.Faults.Next(r => r.Method == "POST", ApiFault.AnswerLost);
        world.Cluster.Faults.Next(IsRead, ApiFault.ServerError, times: 2);

        var (_, id, sandbox) = await world.StartAsync(driver);

        Assert.Equal(2, world.Cluster.Requests.Count(r => IsRead(r) && r.Status == 500));
        Assert.Equal((string?)Assert.Single(world.ClusterPods)["metadata"]!["uid"], (await world.Pods.OfSandboxAsync(id, TestBot.Ct))!.Uid);
        await sandbox.StopAsync(TestBot.Ct);
    }

    [Fact]
    public async Task A_pod_of_that_name_on_its_way_out_is_waited_for_and_not_taken()
    {
        await using var world = await PodCluster.CreateAsync(postgres);
        world.Program = PodProgram.Runs(_ => new Deaf());
        var driver = await world.DriverAsync();
        var (_, spec) = await world.AskAsync();
        var earlier = await driver.World.Api.CreateAsync(SandboxPodBuilder.Cold(world.Options, spec), TestBot.Ct);
        await Eventually.TrueAsync(() => (string?)world.ClusterPods.Single()["status"]?["phase"] == "Running", "the earlier pod to run");
        Assert.True(await driver.World.Api.DeleteAsync(earlier.Metadata.Name, earlier.Metadata.Uid, 2, TestBot.Ct));

        var sandbox = Assert.IsType<SandboxStart.Started>(await driver.StartAsync(spec, TestBot.Ct)).Sandbox;

        Assert.NotEqual(earlier.Metadata.Uid, (await world.Pods.OfSandboxAsync(spec.Id, TestBot.Ct))!.Uid);
        await sandbox.StopAsync(TestBot.Ct);
        Assert.Empty(world.ClusterPods);
    }

    [Fact]
    public async Task A_pod_that_its_node_does_not_end_is_removed_by_force()
    {
        await using var world = await PodCluster.CreateAsync(postgres);
        world.Time = new FastTime(10);
        var (_, _, sandbox) = await world.StartAsync(await world.DriverAsync());
        await Eventually.TrueAsync(() => (string?)world.ClusterPods.Single()["status"]?["phase"] == "Running", "the pod to run");
        world.Cluster.NodeIsDown = true;

        await sandbox.StopAsync(TestBot.Ct);

        Assert.Empty(world.ClusterPods);
        var deletes = world.Cluster.Requests.Where(r => r.Method == "DELETE").ToList();
        Assert.Contains("\"gracePeriodSeconds\":2", deletes[0].Body, StringComparison.Ordinal);
        Assert.Contains("\"gracePeriodSeconds\":0", deletes[^1].Body, StringComparison.Ordinal);
        Assert.All(deletes, d => Assert.Contains("\"preconditions\":{\"uid\":", d.Body, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_sandbox_whose_node_stays_silent_is_lost_and_one_whose_node_comes_back_goes_on()
    {
        await using var world = await PodCluster.CreateAsync(postgres);
        world.Time = new FastTime(10);
        world.Options.CageWithin = TimeSpan.FromMinutes(10);
        var driver = await world.DriverAsync();
        var (_, id, sandbox) = await world.StartAsync(driver);
        await Eventually.TrueAsync(() => IsReading<PodReading.Running>(driver), "the pod to run");
        world.Cluster.NodeIsDown = true;
        await Eventually.TrueAsync(() => IsReading<PodReading.Silent>(driver), "its node to be silent");
        world.Cluster.NodeIsDown = false;
        await Eventually.TrueAsync(() => IsReading<PodReading.Running>(driver), "its node to be back");
        Assert.False(sandbox.Exited.IsCompleted);
        world.Cluster.NodeIsDown = true;

        var exit = await sandbox.Exited.WaitAsync(Patience, TestBot.Ct);

        Assert.Equal((SandboxExitKind.Crashed, "node_lost"), (exit.Kind, exit.Fault?.Code));
        Assert.True(exit.Fault!.TryAgain);
        Assert.Empty(world.ClusterPods);
        Assert.Equal(SandboxPodState.Gone, (await world.Pods.OfSandboxAsync(id, TestBot.Ct))!.State);
    }

    [Fact]
    public async Task The_nodes_own_deadline_is_a_time_out_whatever_the_bots_clock_says()
    {
        await using var world = await PodCluster.CreateAsync(postgres);
        (world.Options.Duration, world.Options.LongestWait) = (TimeSpan.FromSeconds(1), TimeSpan.Zero);
        var (_, _, sandbox) = await world.StartAsync(await world.DriverAsync());
        sandbox.SuspendClock();

        var exit = await sandbox.Exited.WaitAsync(Patience, TestBot.Ct);

        Assert.Equal((SandboxExitKind.TimedOut, null), (exit.Kind, exit.Fault));
        Assert.Empty(world.ClusterPods);
    }

    [Fact]
    public async Task A_watch_that_falls_silent_without_an_end_is_given_up()
    {
        await using var world = await PodCluster.CreateAsync(postgres);
        world.Options.CageWithin = TimeSpan.FromMinutes(10);
        var (_, id, _) = await world.StartAsync(await world.DriverAsync());
        await Eventually.TrueAsync(() => (string?)world.ClusterPods.Single()["status"]?["phase"] == "Running", "the pod to run");
        world.Cluster.Faults.Next(IsWatch, ApiFault.Silence);
        world.Time = new FastTime(30);
        var second = await world.DriverAsync(); // it lists the pod, and hears nothing after that
        var adopted = (await second.AdoptAsync(new SandboxSpec(id, world.Options.Limits), TestBot.Ct))!;
        await Eventually.TrueAsync(() => IsReading<PodReading.Running>(second), "the second bot to know the pod");
        world.Cluster.Delete("Pod", PodCluster.Ns, (string)world.ClusterPods.Single()["metadata"]!["name"]!);

        Assert.Equal("pod_removed", (await adopted.Exited.WaitAsync(Patience, TestBot.Ct)).Fault?.Code);
        Assert.True(world.Cluster.Requests.Count(IsWatch) >= 3);
    }

    [Fact]
    public async Task Nobody_is_said_to_be_uncaged_who_has_gone_unseen()
    {
        await using var world = await PodCluster.CreateAsync(postgres);
        var first = await world.DriverAsync();
        var (_, id, _) = await world.StartAsync(first);
        await Eventually.TrueAsync(() => (string?)world.ClusterPods.Single()["status"]?["phase"] == "Running", "the pod to run");
        await first.DisposeAsync();
        world.Cluster.Faults.Next(IsWatch, ApiFault.Silence);
        world.Time = new FastTime(10);
        var second = await world.DriverAsync(); // its watch shows a pod that runs, to the end
        var adopted = (await second.AdoptAsync(new SandboxSpec(id, world.Options.Limits), TestBot.Ct))!;
        await Eventually.TrueAsync(() => second.World.Watch.Find((string)world.ClusterPods.Single()["metadata"]!["uid"]!) is not null, "the second bot to know the pod");
        world.Cluster.Delete("Pod", PodCluster.Ns, (string)world.ClusterPods.Single()["metadata"]!["name"]!);
        // While the API can't say, nothing is said.
        world.Cluster.Faults.Next(IsRead, ApiFault.ServerError, times: 2);

        Assert.Equal("pod_removed", (await adopted.Exited.WaitAsync(Patience, TestBot.Ct)).Fault?.Code);
        Assert.Equal(2, world.Cluster.Requests.Count(r => IsRead(r) && r.Status == 500));
    }

    [Fact]
    public async Task More_waiting_pods_than_wanted_are_removed_the_youngest_first_and_those_of_a_silent_node_are_replaced()
    {
        await using var world = await PodCluster.CreateAsync(postgres);
        world.Time = new FastTime(10);
        world.Options.WarmPods = 3;
        var driver = await world.DriverAsync();
        var reconciler = new SandboxReconciler(driver, "bot-1");
        await reconciler.RoundAsync(TestBot.Ct);
        var rows = await world.Pods.PresentAsync(PodCluster.Ns, TestBot.Ct);
        await Eventually.TrueAsync(() => world.ClusterPods.Count(IsReady) == 3, "three pods to run");
        // Else they are late with their cage after fifteen seconds, which a busy machine takes for the rest.
        foreach (var row in rows)
            await world.GatewayPods.CagedAsync(row.Uid, TestBot.Ct);
        world.Options.WarmPods = 1;
        await reconciler.RoundAsync(TestBot.Ct);
        Assert.Equal(rows[0].Uid, Assert.Single(await world.Pods.PresentAsync(PodCluster.Ns, TestBot.Ct)).Uid);
        await Eventually.TrueAsync(() => world.ClusterPods.Count == 1, "two of three pods to be gone");

        world.Cluster.NodeIsDown = true;
        await Eventually.TrueAsync(
            async () =>
            {
                await reconciler.RoundAsync(TestBot.Ct);
                return world.ClusterPods.All(p => (string?)p["metadata"]!["uid"] != rows[0].Uid);
            }, "the pod of the silent node to be removed");
        Assert.Equal(SandboxPodState.Gone, (await world.Pods.FindAsync(rows[0].Uid, TestBot.Ct))!.State);
    }

    [Fact]
    public void A_pod_that_was_put_out_and_ended_well_all_the_same_is_evicted_not_finished()
    {
        // As recorded under memory pressure: phase Succeeded, exit code 0, and only a condition that says why.
        var pod = new V1Pod
        {
            Metadata = new(),
            Status = new()
            {
                Phase = "Succeeded",
                Conditions = [new() { Type = "DisruptionTarget", Status = "True", Reason = "TerminationByKubelet", Message = "The node was low on resource: memory." }],
                ContainerStatuses = [new() { Name = "agent", State = new() { Terminated = new() { ExitCode = 0, Reason = "Completed" } } }],
            },
        };
        var ended = Assert.IsType<PodReading.Ended>(PodReading.Of(pod));
        Assert.Equal((SandboxExitKind.Crashed, "evicted"), (ended.Kind, ended.Fault?.Code));
        pod.Status.Conditions.Clear();
        Assert.Equal(SandboxExitKind.Finished, Assert.IsType<PodReading.Ended>(PodReading.Of(pod)).Kind);
    }

    private static bool IsRead(KubernetesRequest r) => r.Method == "GET" && r.Path.Contains("/pods/sandbox-", StringComparison.Ordinal);

    private static bool IsWatch(KubernetesRequest r) => r.Query.Contains("watch=true", StringComparison.Ordinal);

    private static async Task<bool> IsReading<T>(KubernetesSandboxDriver driver)
        where T : PodReading => (await driver.World.Api.ListAsync(TestBot.Ct)).Items.Select(PodReading.Of).SingleOrDefault() is T;

    /// <summary>Pays no heed to TERM.</summary>
    private sealed class Deaf : IPodProcess
    {
        public PodExit? Poll() => null;

        public void Stop()
        {
        }

        public void Kill()
        {
        }
    }

    private static bool IsReady(JsonObject pod) =>
        (pod["status"]?["conditions"] as JsonArray ?? []).Any(c => (string?)c!["type"] == "Ready" && (string?)c["status"] == "True");
}
