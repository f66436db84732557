using Dapper;
using IncidentFox.Core;
using IncidentFox.Core.Storage;

namespace IncidentFox.Bot.Cards.Storage;

/// <summary>A card that this process is to bring up to date.</summary>
internal sealed record CardRow
{
    public Guid Id { get; init; }
    public string Kind { get; init; } = "";
    public Guid SubjectId { get; init; }
    public string? ChannelId { get; init; }
    public string? Ts { get; init; }
    public byte[]? ShownHash { get; init; }
    public int Failures { get; init; }
    public string? Note { get; init; }
}

/// <summary>What Slack shows, as far as we know.</summary>
internal sealed class CardStore(Database database)
{
    public const string Investigation = "investigation";
    public const string Approval = "approval";

    /// <summary>Gives every investigation and approval its card. Returns the approvals that are new.</summary>
    public async Task<IReadOnlyList<ApprovalId>> DiscoverAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            insert into app.slack_messages (id, kind, subject_id, channel_id)
            select gen_random_uuid(), 'investigation', i.id, i.channel_id from app.investigations i
             where (i.created_at > app.clock() - interval '1 day' or i.status in ('queued', 'starting', 'running', 'waiting'))
               and not exists (select 1 from app.slack_messages m where m.kind = 'investigation' and m.subject_id = i.id)
            on conflict do nothing
            """, cancellationToken: cancellationToken));
        var seen = await connection.QueryAsync<Guid>(new CommandDefinition(
            """
            insert into app.slack_messages (id, kind, subject_id)
            select gen_random_uuid(), 'approval', a.id from app.approvals a
             where (a.created_at > app.clock() - interval '1 day' or a.status in ('pending', 'approved', 'executing'))
               and not exists (select 1 from app.slack_messages m where m.kind = 'approval' and m.subject_id = a.id)
            on conflict do nothing
            returning subject_id
            """, cancellationToken: cancellationToken));
        return [.. seen.Select(id => new ApprovalId(id))];
    }

    /// <summary>Something of these subjects may have changed; null: of any.</summary>
    public async Task MarkDirtyAsync(IReadOnlyCollection<Guid>? subjects, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            update app.slack_messages m set dirty = true
             where not m.settled and not m.dirty
               and (@all or m.subject_id = any(@ids)
                    or m.subject_id in (select a.investigation_id from app.approvals a where a.id = any(@ids)))
            """, new { all = subjects is null, ids = (subjects ?? []).ToArray() }, cancellationToken: cancellationToken));
    }

    /// <summary>Takes cards that need a look: dirty ones, and each unsettled one now and then, so that a lost signal costs seconds, not truth.</summary>
    public async Task<IReadOnlyList<CardRow>> ClaimAsync(Guid owner, int limit, TimeSpan lease, TimeSpan lookAgain, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<CardRow>(new CommandDefinition(
            """
            update app.slack_messages set lease_owner = @owner, lease_until = app.clock() + @lease, dirty = false, checked_at = app.clock()
             where id in (
               select id from app.slack_messages
                where not settled and next_attempt_at <= app.clock() and (lease_until is null or lease_until < app.clock())
                  and (dirty or checked_at is null or checked_at < app.clock() - @lookAgain)
                order by kind, dirty desc, next_attempt_at limit @limit for update skip locked)
            returning id, kind, subject_id as SubjectId, channel_id as ChannelId, ts, shown_hash as ShownHash, failures, note
            """, new { owner, limit, lease, lookAgain }, cancellationToken: cancellationToken));
        return rows.AsList();
    }

    /// <summary>Which processes hold cards now.</summary>
    public async Task<IReadOnlyList<Guid>> HoldersAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<Guid>(new CommandDefinition(
            "select distinct lease_owner from app.slack_messages where not settled and lease_owner is not null and lease_until > app.clock()",
            cancellationToken: cancellationToken))).AsList();
    }

    /// <summary>A process is gone: what it held is to be looked at again.</summary>
    public Task FreeAsync(Guid owner, CancellationToken cancellationToken) =>
        ExecuteAsync("update app.slack_messages set lease_owner = null, lease_until = null, dirty = true where lease_owner = @owner and not settled",
            new { owner }, cancellationToken);

    /// <summary>It goes to this channel; a note says why where that is not the one it was meant for.</summary>
    public Task PlaceAsync(Guid id, string channelId, string? note, CancellationToken cancellationToken) =>
        ExecuteAsync("update app.slack_messages set channel_id = @channelId, note = @note where id = @id", new { id, channelId, note }, cancellationToken);

    /// <summary>Slack shows this now; a null time stamp means that the message is gone and has to be posted anew.</summary>
    public Task ShownAsync(Guid id, string? ts, byte[]? hash, CancellationToken cancellationToken) =>
        ExecuteAsync("update app.slack_messages set ts = @ts, shown_hash = @hash, failures = 0, last_error = null where id = @id",
            new { id, ts, hash }, cancellationToken);

    /// <summary>Done with it for now.</summary>
    public Task ReleaseAsync(Guid id, bool settled, CancellationToken cancellationToken) =>
        ExecuteAsync("update app.slack_messages set lease_owner = null, lease_until = null, settled = @settled and not dirty, failures = 0, last_error = null where id = @id",
            new { id, settled }, cancellationToken);

    /// <summary>It did not work; look again after this time.</summary>
    public Task FailedAsync(Guid id, string error, TimeSpan again, CancellationToken cancellationToken) =>
        ExecuteAsync(
            """
            update app.slack_messages set lease_owner = null, lease_until = null, dirty = true, failures = failures + 1, last_error = @error,
                   next_attempt_at = app.clock() + @again where id = @id
            """, new { id, error, again }, cancellationToken);

    /// <summary>Where a subject's card is; null until it was posted.</summary>
    public async Task<(string Channel, string Ts)?> PlaceOfAsync(string kind, Guid subject, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var row = await connection.QuerySingleOrDefaultAsync<(string? Channel, string? Ts)>(new CommandDefinition(
            "select channel_id, ts from app.slack_messages where kind = @kind and subject_id = @subject", new { kind, subject }, cancellationToken: cancellationToken));
        return row is { Channel: { } channel, Ts: { } ts } ? (channel, ts) : null;
    }

    /// <summary>Replies that were posted.</summary>
    public async Task<IReadOnlySet<string>> RepliedAsync(InvestigationId id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<string>(new CommandDefinition(
            "select key from app.slack_replies where investigation_id = @Value", new { id.Value }, cancellationToken: cancellationToken))).ToHashSet();
    }

    /// <summary>A reply was posted.</summary>
    public Task ReplyPostedAsync(InvestigationId id, string key, string ts, CancellationToken cancellationToken) =>
        ExecuteAsync("insert into app.slack_replies (investigation_id, key, ts) values (@Value, @key, @ts) on conflict do nothing",
            new { id.Value, key, ts }, cancellationToken);

    /// <summary>How the investigation's latest sandbox was isolated.</summary>
    public async Task<string?> DriverAsync(InvestigationId id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<string?>(new CommandDefinition(
            "select driver from app.sandboxes where investigation_id = @Value order by created_at desc limit 1", new { id.Value }, cancellationToken: cancellationToken));
    }

    private async Task ExecuteAsync(string sql, object parameters, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(sql, parameters, cancellationToken: cancellationToken));
    }
}
