using Microsoft.Extensions.Logging.Abstractions;

namespace IncidentFox.Core.Tests.Storage;

public sealed class SignalTests(TestPostgres postgres)
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_change_wakes_who_waits_for_that_row_and_nobody_else()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync();
        using var signals = new DatabaseSignals(world.Db.Gateway, NullLogger<DatabaseSignals>.Instance);
        using var ready = signals.WatchFor("approval", Guid.NewGuid());
        await signals.StartAsync(default);
        Assert.True(await ready.WaitAsync(Long, default));   // listening: everybody is woken once
        using var mine = signals.WatchFor("approval", id.Value);
        using var other = signals.WatchFor("approval", Guid.NewGuid());
        await world.ApproveAsync(id, "UADM1");
        Assert.True(await mine.WaitAsync(Long, default));
        Assert.False(await other.WaitAsync(TimeSpan.Zero, default));
        await signals.StopAsync(default);
    }

    [Fact]
    public async Task After_its_connection_was_cut_everybody_is_woken_and_it_goes_on()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync();
        using var signals = new DatabaseSignals(world.Db.Gateway, NullLogger<DatabaseSignals>.Instance);
        using var watch = signals.WatchFor("approval", id.Value);
        await signals.StartAsync(default);
        Assert.True(await watch.WaitAsync(Long, default));
        Assert.Single(await world.Db.QueryAsync<bool>("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query = 'listen incidentfox'"));
        Assert.True(await watch.WaitAsync(Long, default));   // after the reconnect, although nothing changed
        await world.ApproveAsync(id, "UADM1");
        Assert.True(await watch.WaitAsync(Long, default));
        await signals.StopAsync(default);
    }

    [Fact]
    public async Task An_instance_whose_session_is_cut_takes_another_name_and_the_old_one_is_free()
    {
        await using var world = await World.CreateAsync(postgres);
        using var instance = new InstanceLock(world.Db.Gateway, TimeProvider.System, NullLogger<InstanceLock>.Instance);
        await instance.StartAsync(default);
        var first = await NameAsync(instance, null);
        Assert.False(await FreeAsync(world, first));
        await world.Db.QueryAsync<bool>("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())");
        await BecomesFreeAsync(world, first);
        var second = await NameAsync(instance, first);
        Assert.False(await FreeAsync(world, second));
        await instance.StopAsync(default);
        Assert.Null(instance.Name);
        await BecomesFreeAsync(world, second);
    }

    private static async Task<bool> FreeAsync(World world, string name) =>
        Assert.Single(await world.Db.QueryAsync<bool>("select pg_try_advisory_xact_lock(hashtextextended(@name, 0))", new { name }));

    private static async Task BecomesFreeAsync(World world, string name)
    {
        using var limit = new CancellationTokenSource(Long);
        while (!await FreeAsync(world, name))
            await Task.Delay(20, limit.Token);
    }

    private static async Task<string> NameAsync(InstanceLock instance, string? not)
    {
        using var limit = new CancellationTokenSource(Long);
        while (instance.Name is not { } name || name == not)
            await Task.Delay(20, limit.Token);
        return instance.Name;
    }
}
