using IncidentFox.Bot.Tests.Kit;
using Npgsql;

namespace IncidentFox.Bot.Tests.Storage;

public sealed class TestPostgresTests(BotPostgres postgres)
{
    [Fact]
    public async Task The_bots_login_cannot_replace_the_clock()
    {
        await using var database = await postgres.CreateAsync(TestContext.Current.CancellationToken);

        var refused = await Assert.ThrowsAsync<PostgresException>(() => database.Bot.InTransactionAsync(async (connection, ct) =>
        {
            await using var command = new NpgsqlCommand("create or replace function app.clock() returns timestamptz language sql return now()", connection);
            return await command.ExecuteNonQueryAsync(ct);
        }, TestContext.Current.CancellationToken));

        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
    }

    [Fact]
    public async Task The_clock_can_be_moved_and_each_test_has_its_own()
    {
        await using var moved = await postgres.CreateAsync(TestContext.Current.CancellationToken);
        await using var other = await postgres.CreateAsync(TestContext.Current.CancellationToken);
        await moved.ShiftClockAsync(TimeSpan.FromHours(5));

        var ahead = await moved.Bot.NowAsync(TestContext.Current.CancellationToken) - await other.Gateway.NowAsync(TestContext.Current.CancellationToken);

        Assert.InRange(ahead, TimeSpan.FromHours(4.9), TimeSpan.FromHours(5.1));
    }
}
