using IncidentFox.Bot.Sandboxes;
using IncidentFox.Bot.Sandboxes.Kubernetes;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Sandboxes;
using k8s.Models;
using Microsoft.Extensions.Logging.Abstractions;

namespace IncidentFox.Bot.Tests.Sandboxes.Kubernetes;

public sealed class ReconcilerTests(BotPostgres postgres)
{
    [Fact]
    public async Task The_pool_is_filled_claimed_by_one_each_refilled_and_drained_when_the_image_changes()
    {
        await using var world = await PodCluster.CreateAsync(postgres);
        world.Options.WarmPods = 3;
        var driver = await world.DriverAsync();
        var reconciler = new SandboxReconciler(driver, "bot-1");
        await reconciler.RoundAsync(TestBot.Ct);
        await reconciler.RoundAsync(TestBot.Ct);
        var warm = await world.Pods.PresentAsync(PodCluster.Ns, TestBot.Ct);
        Assert.Equal(3, warm.Count);
        Assert.All(world.ClusterPods, p => Assert.Null(p["metadata"]!["labels"]!["incidentfox.io/sandbox"]));
        foreach (var pod in warm)
            Assert.True(await world.GatewayPods.CagedAsync(pod.Uid, TestBot.Ct));

        var taken = await Task.WhenAll(world.StartAsync(driver), world.StartAsync(driver));
        var own = new HashSet<string>();
        foreach (var (_, id, _) in taken)
            own.Add((await world.Pods.OfSandboxAsync(id, TestBot.Ct))!.Uid);
        Assert.All(own, uid => Assert.Contains(warm, w => w.Uid == uid));
        Assert.Equal((2, 3), (own.Count, world.ClusterPods.Count));
        await reconciler.RoundAsync(TestBot.Ct);
        Assert.Equal(5, world.ClusterPods.Count);

        world.Options.Image = "registry.example/incidentfox-agent:0.2.0";
        await reconciler.RoundAsync(TestBot.Ct);
        await reconciler.RoundAsync(TestBot.Ct);
        await Eventually.TrueAsync(() => Task.FromResult(world.ClusterPods.Count == 5), "two at work and three of the new image");
        Assert.Equal(3, world.ClusterPods.Count(p => (string?)p["spec"]!["containers"]![0]!["image"] == world.Options.Image));
        Assert.All(taken, t => Assert.False(t.Sandbox.Exited.IsCompleted));
        foreach (var (_, _, sandbox) in taken)
            await sandbox.StopAsync(TestBot.Ct);
    }

    [Fact]
    public async Task Of_two_bots_the_holder_of_the_Lease_looks_after_the_pods()
    {
        await using var world = await PodCluster.CreateAsync(postgres);
        world.Options.WarmPods = 1;
        string[] bots = ["bot-1", "bot-2"];
        var loops = new List<ReconcilerLoop>();
        foreach (var bot in bots)
        {
            var driver = await world.DriverAsync();
            loops.Add(new ReconcilerLoop(world.Client(), new SandboxReconciler(driver, bot), world.Options, bot, TimeProvider.System, NullLogger.Instance));
        }
        await Task.WhenAll(loops.Select(l => l.StartAsync(TestBot.Ct)));

        await Eventually.TrueAsync(() => Task.FromResult(world.ClusterPods.Count == 1), "one waiting pod");
        var lease = Assert.Single(world.Cluster.List("Lease", PodCluster.Ns), l => (string?)l["metadata"]!["name"] == $"incidentfox-reconciler-{world.Options.Installation}");
        Assert.Contains((string?)lease["spec"]!["holderIdentity"], bots);

        await Task.WhenAll(loops.Select(l => l.StopAsync(TestBot.Ct)));
        Assert.Single(world.ClusterPods);
    }

    [Fact]
    public async Task A_pod_in_use_is_left_alone_and_one_whose_investigation_is_over_is_judged_an_orphan()
    {
        await using var world = await PodCluster.CreateAsync(postgres);
        var driver = await world.DriverAsync();
        var (investigation, id, _) = await world.StartAsync(driver);
        var pod = (await driver.World.Api.ListAsync(TestBot.Ct)).Items.Single();
        var row = (await world.Pods.OfSandboxAsync(id, TestBot.Ct))!;
        Assert.Null(SandboxReconciler.Judge(world.Options, pod, row).Reason);

        await world.Bot.Get<InvestigationStore>().EndAsync(investigation, InvestigationState.Stopped, "system", null, null, TestBot.Ct);

        row = (await world.Pods.OfSandboxAsync(id, TestBot.Ct))!;
        Assert.Equal(("orphan", false), SandboxReconciler.Judge(world.Options, pod, row));
        Assert.Equal(("over_time", true), SandboxReconciler.Judge(world.Options, pod, row with { InUse = true, Age = TimeSpan.FromMinutes(32) }));
        Assert.Equal(("nobodys", false), SandboxReconciler.Judge(world.Options, pod, null));
        Assert.Equal(("gone", false), SandboxReconciler.Judge(world.Options, null, row));
    }

    [Fact]
    public async Task A_pod_that_nobody_has_written_down_is_removed_and_another_installations_is_not_touched()
    {
        await using var world = await PodCluster.CreateAsync(postgres);
        var driver = await world.DriverAsync();
        var other = new KubernetesSandboxOptions { Image = world.Options.Image, GatewayAddress = world.Options.GatewayAddress, Installation = "other" };
        await driver.World.Api.CreateAsync(SandboxPodBuilder.Warm(world.Options, Guid.NewGuid()), TestBot.Ct);
        await driver.World.Api.CreateAsync(SandboxPodBuilder.Warm(other, Guid.NewGuid()), TestBot.Ct);
        var reconciler = new SandboxReconciler(driver, "bot-1");

        await reconciler.RoundAsync(TestBot.Ct);
        Assert.Equal(2, world.ClusterPods.Count); // it may be somebody's in a moment
        await Eventually.TrueAsync(
            async () =>
            {
                await reconciler.RoundAsync(TestBot.Ct);
                return world.ClusterPods.Count == 1;
            }, "the pod to be removed");

        Assert.Equal("other", (string?)Assert.Single(world.ClusterPods)["metadata"]!["labels"]!["incidentfox.io/installation"]);
    }

    [Theory]
    [InlineData("starting", 10, null)]
    [InlineData("starting", 151, "not_caged")]
    [InlineData("idle", 151, null)]
    [InlineData("idle", 3601, "not_needed")]
    public void A_waiting_pod_is_replaced_when_it_is_not_caged_in_time_or_too_old(string state, int seconds, string? reason)
    {
        var options = new KubernetesSandboxOptions { Image = "a", WarmPods = 1 };
        var row = new SandboxPod
        {
            Uid = "u", Namespace = "n", Name = "warm-1", Image = "a", State = Enum.Parse<SandboxPodState>(state, ignoreCase: true), CreatedAt = default,
            Age = TimeSpan.FromSeconds(seconds), InUse = false,
        };
        var pod = new V1Pod { Metadata = new() { Name = "warm-1", Uid = "u" }, Status = new() { Phase = "Running" } };
        Assert.Equal(reason, SandboxReconciler.Judge(options, pod, row).Reason);
        Assert.Equal("ended", SandboxReconciler.Judge(options, new V1Pod { Metadata = pod.Metadata, Status = new() { Phase = "Failed" } }, row with { Age = TimeSpan.Zero }).Reason);
        Assert.Equal("other_image", SandboxReconciler.Judge(options, pod, row with { Image = "b" }).Reason);
    }
}
