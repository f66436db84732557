using IncidentFox.Core.Sandboxes;

namespace IncidentFox.Core.Tests.Sandboxes;

// One pod, one sandbox, once.
public sealed class SandboxPodTests(TestPostgres postgres)
{
    private const string Ns = "incidentfox-sandboxes";

    [Fact]
    public async Task A_pod_of_a_cold_start_is_its_sandboxes_from_the_first_moment()
    {
        await using var world = await World.CreateAsync(postgres);
        var (bot, gateway) = Stores(world);
        var sandbox = await SandboxAsync(world);
        var uid = Uid();
        await bot.RecordAsync(uid, Ns, "sandbox-1", "agent:1", sandbox, "bot-1", default);
        await bot.RecordAsync(uid, Ns, "sandbox-1", "agent:1", sandbox, "bot-1", default);

        Assert.True(await gateway.CagedAsync(uid, default));
        var pod = (await gateway.FindAsync(uid, default))!;
        Assert.Equal((SandboxPodState.Claimed, sandbox), (pod.State, pod.Sandbox));
        Assert.NotNull(pod.CagedAt);
        Assert.Equal(uid, (await bot.OfSandboxAsync(sandbox, default))!.Uid);
        Assert.Null(await gateway.FindAsync(Uid(), default));
    }

    [Fact]
    public async Task Of_twenty_claims_for_eight_warm_pods_eight_get_one_each()
    {
        await using var world = await World.CreateAsync(postgres);
        var (bot, gateway) = Stores(world);
        for (var i = 0; i < 8; i++)
            await WarmAsync(bot, gateway, "agent:1");
        await WarmAsync(bot, gateway, "agent:2");
        await bot.RecordAsync(Uid(), Ns, "not-caged", "agent:1", null, "bot-1", default);
        var sandboxes = new List<SandboxId>();
        for (var i = 0; i < 20; i++)
            sandboxes.Add(await SandboxAsync(world));

        var claims = await Task.WhenAll(sandboxes.Select(s => bot.ClaimAsync(s, Ns, "agent:1", "bot-2", default)));

        var got = claims.OfType<SandboxPod>().ToList();
        Assert.Equal(8, got.Count);
        Assert.Equal(8, got.Select(p => p.Uid).Distinct().Count());
        Assert.All(got, p => Assert.Equal("agent:1", p.Image));
        Assert.Equal(8, got.Select(p => p.Sandbox).Distinct().Count());
        Assert.Equal(10, (await bot.PresentAsync(Ns, default)).Count);
    }

    [Fact]
    public async Task A_pod_that_is_gone_stays_gone_and_a_claimed_one_is_not_drained()
    {
        await using var world = await World.CreateAsync(postgres);
        var (bot, gateway) = Stores(world);
        var uid = await WarmAsync(bot, gateway, "agent:1");
        Assert.NotNull(await bot.ClaimAsync(await SandboxAsync(world), Ns, "agent:1", "bot-1", default));
        Assert.False(await bot.GoneAsync(uid, unclaimedOnly: true, default));
        Assert.True(await bot.GoneAsync(uid, unclaimedOnly: false, default));
        Assert.False(await bot.GoneAsync(uid, unclaimedOnly: false, default));
        Assert.False(await gateway.CagedAsync(uid, default));
        Assert.Null(await bot.ClaimAsync(await SandboxAsync(world), Ns, "agent:1", "bot-1", default));
        Assert.Empty(await bot.PresentAsync(Ns, default));
    }

    [Theory]
    [InlineData("update app.sandbox_pods set state = 'claimed'")]
    [InlineData("update app.sandbox_pods set state = 'gone'")]
    [InlineData("update app.sandbox_pods set sandbox_id = null")]
    [InlineData("update app.sandbox_pods set image = 'x'")]
    [InlineData("insert into app.sandbox_pods (uid, namespace, name, image, state, owner) values ('x', 'x', 'x', 'x', 'starting', 'x')")]
    [InlineData("delete from app.sandbox_pods")]
    public async Task The_gateway_can_not_claim_make_or_remove_pods(string sql)
    {
        await using var world = await World.CreateAsync(postgres);
        var (bot, gateway) = Stores(world);
        await WarmAsync(bot, gateway, "agent:1");
        await using var connection = await world.Db.Gateway.OpenAsync(default);
        Assert.Equal("42501", (await Assert.ThrowsAsync<PostgresException>(() => connection.ExecuteAsync(sql))).SqlState);
    }

    [Theory]
    [InlineData("update app.sandbox_pods set sandbox_id = (select id from app.sandboxes where id <> sandbox_id limit 1)")]
    [InlineData("update app.sandbox_pods set state = 'idle', sandbox_id = null")]
    [InlineData("update app.sandbox_pods set state = 'starting', sandbox_id = null")]
    [InlineData("update app.sandbox_pods set caged_at = now()")]
    [InlineData("delete from app.sandbox_pods")]
    public async Task The_bot_can_not_give_a_pod_to_another_sandbox(string sql)
    {
        await using var world = await World.CreateAsync(postgres);
        var (bot, gateway) = Stores(world);
        await WarmAsync(bot, gateway, "agent:1");
        await SandboxAsync(world);
        Assert.NotNull(await bot.ClaimAsync(await SandboxAsync(world), Ns, "agent:1", "bot-1", default));
        await using var connection = await world.Db.Bot.OpenAsync(default);
        Assert.Equal("42501", (await Assert.ThrowsAsync<PostgresException>(() => connection.ExecuteAsync(sql))).SqlState);
    }

    private static (SandboxPodStore Bot, SandboxPodStore Gateway) Stores(World world) => (new(world.Db.Bot), new(world.Db.Gateway));

    private static string Uid() => Guid.NewGuid().ToString();

    private static async Task<string> WarmAsync(SandboxPodStore bot, SandboxPodStore gateway, string image)
    {
        var uid = Uid();
        await bot.RecordAsync(uid, Ns, $"warm-{uid}", image, null, "bot-1", default);
        Assert.True(await gateway.CagedAsync(uid, default));
        return uid;
    }

    private static async Task<SandboxId> SandboxAsync(World world) =>
        (await world.Investigations.TryStartAsync(await world.InvestigateAsync(), "kubernetes", default))!.Value;
}
