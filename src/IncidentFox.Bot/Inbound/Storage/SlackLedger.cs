using Dapper;
using IncidentFox.Core.Storage;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Inbound.Storage;

/// <summary>Which of Slack's deliveries were seen, in PostgreSQL and so shared by all replicas. Times are the database's.</summary>
internal sealed class SlackLedger(Database database) : ISlackRequestLedger
{
    public async ValueTask<bool> TryClaimAsync(string key, TimeSpan keepFor, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.ExecuteAsync(new CommandDefinition(
            """
            insert into app.slack_requests (key, expires_at) values (@key, app.clock() + @keepFor)
            on conflict (key) do update set expires_at = excluded.expires_at where slack_requests.expires_at <= app.clock()
            """, new { key, keepFor }, cancellationToken: cancellationToken)) == 1;
    }

    public async ValueTask<bool> IsClaimedAsync(string key, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleAsync<bool>(new CommandDefinition(
            "select exists (select 1 from app.slack_requests where key = @key and expires_at > app.clock())", new { key }, cancellationToken: cancellationToken));
    }

    public async ValueTask ReleaseAsync(string key, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            "delete from app.slack_requests where key = @key", new { key }, cancellationToken: cancellationToken));
    }

    /// <summary>Forgets what is over. Bounded, so that it never holds locks for long.</summary>
    public async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.ExecuteAsync(new CommandDefinition(
            """
            delete from app.slack_requests where key in (
              select key from app.slack_requests where expires_at <= app.clock() order by expires_at limit 5000 for update skip locked)
            """, cancellationToken: cancellationToken));
    }
}
