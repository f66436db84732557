namespace IncidentFox.Core.Tests.Tools;

public sealed class ToolDirectoryTests(TestPostgres postgres)
{
    private static readonly ListedTool Restart = new(null, "kubernetes", "pod_restart", ToolEffect.Write, "Restarts a pod.", true);
    private static readonly ListedTool Own = new(new TeamId("sre"), "grafana", "search", ToolEffect.Read, "Searches.", false);

    [Fact]
    public async Task A_team_sees_what_all_teams_have_and_what_is_its_own()
    {
        await using var world = await World.CreateAsync(postgres);
        Assert.True(await new ToolDirectory(world.Db.Gateway).PublishAsync([Restart, Own], default));

        var directory = new ToolDirectory(world.Db.Bot);
        Assert.Equal([Own, Restart], await directory.OfAsync(new TeamId("sre"), default));
        Assert.Equal([Restart], await directory.OfAsync(new TeamId("web"), default));
    }

    [Fact]
    public async Task A_list_replaces_the_one_before_whole_and_the_same_list_writes_nothing()
    {
        await using var world = await World.CreateAsync(postgres);
        var gateway = new ToolDirectory(world.Db.Gateway);
        await gateway.PublishAsync([Restart, Own], default);

        Assert.False(await gateway.PublishAsync([Own, Restart], default));
        var changed = Restart with { Effect = ToolEffect.Exec, Description = new string('x', 3_000) + '\0' };
        var published = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => gateway.PublishAsync([changed], default)));

        Assert.Single(published, p => p);
        var listed = Assert.Single(await new ToolDirectory(world.Db.Bot).OfAsync(new TeamId("sre"), default));
        Assert.Equal(ToolEffect.Exec, listed.Effect);
        Assert.InRange(listed.Description.Length, 1, 500);
    }

    [Fact]
    public async Task The_bot_cannot_write_it()
    {
        await using var world = await World.CreateAsync(postgres);
        var refused = await Assert.ThrowsAsync<Npgsql.PostgresException>(() => new ToolDirectory(world.Db.Bot).PublishAsync([Restart], default));
        Assert.Equal("42501", refused.SqlState);
    }
}
