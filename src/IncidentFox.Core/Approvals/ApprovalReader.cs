using Dapper;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Storage;
using Npgsql;

namespace IncidentFox.Core.Approvals;

/// <summary>Reads approvals for cards, commands and agents.</summary>
public sealed class ApprovalReader(Database database, ColumnCipher cipher)
{
    /// <summary>One approval with its votes; null when there is none.</summary>
    public async Task<Approval?> FindAsync(ApprovalId id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await FindAsync(connection, id, cancellationToken);
    }

    /// <summary>The investigation's approvals, oldest first.</summary>
    public async Task<IReadOnlyList<ApprovalId>> OfInvestigationAsync(InvestigationId id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var ids = await connection.QueryAsync<Guid>(new CommandDefinition(
            "select id from app.approvals where investigation_id = @Value order by created_at, id", new { id.Value }, cancellationToken: cancellationToken));
        return [.. ids.Select(i => new ApprovalId(i))];
    }

    /// <summary>
    /// What waits for people in these teams, the soonest deadline first: pending approvals, and those where somebody acted alone and nobody reviewed it.
    /// And how many there are in all.
    /// </summary>
    public async Task<(IReadOnlyList<Approval> Shown, long All)> WaitingAsync(
        OrgId org, IReadOnlyCollection<TeamId> teams, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var ids = (await connection.QueryAsync<(Guid Id, long All)>(new CommandDefinition(
            """
            select a.id, count(*) over () from app.approvals a
             where a.org_id = @Org and a.team_id = any(@teams)
               and ((a.status = 'pending' and a.expires_at > app.clock())
                    or exists (select 1 from app.break_glass_reviews b where b.approval_id = a.id and b.closed_at is null))
             order by (a.status = 'pending') desc, a.expires_at, a.id limit @limit
            """, new { Org = org.Value, teams = teams.Select(t => t.Value).ToArray(), limit }, cancellationToken: cancellationToken))).AsList();
        var shown = new List<Approval>();
        foreach (var (id, _) in ids)
        {
            if (await FindAsync(connection, new ApprovalId(id), cancellationToken) is { } approval)
                shown.Add(approval);
        }
        return (shown, ids.Count == 0 ? 0 : ids[0].All);
    }

    private async Task<Approval?> FindAsync(NpgsqlConnection connection, ApprovalId id, CancellationToken cancellationToken)
    {
        var row = await connection.QuerySingleOrDefaultAsync<ApprovalRow>(new CommandDefinition(
            $"""
            select {ApprovalRow.Columns}, d.display_name as DecidedByName
              from app.approvals a left join app.people d on d.id = a.decided_by where a.id = @Value
            """, new { id.Value }, cancellationToken: cancellationToken));
        if (row is null)
            return null;
        var votes = await connection.QueryAsync<(Guid Person, string Name, string Identity, DateTime At, string? Reason)>(new CommandDefinition(
            """
            select v.person_id, p.display_name, v.identity, v.at, v.reason from app.approval_votes v join app.people p on p.id = v.person_id
             where v.approval_id = @Value and v.withdrawn_at is null order by v.at
            """, new { id.Value }, cancellationToken: cancellationToken));
        var requesters = await connection.QueryAsync<(Guid Person, string Name)>(new CommandDefinition(
            """
            select p.id, p.display_name from app.investigation_requesters r join app.people p on p.id = r.person_id
             where r.investigation_id = @InvestigationId order by r.since
            """, new { row.InvestigationId }, cancellationToken: cancellationToken));
        return row.ToApproval(
            cipher,
            [.. votes.Select(v => new ApprovalVote(new PersonId(v.Person), v.Name, v.Identity, v.At, v.Reason))],
            [.. requesters.Select(r => new ApprovalRow.Requester(new PersonId(r.Person), r.Name))],
            await BreakGlassAsync(connection, id, cancellationToken));
    }

    private static async Task<BreakGlass?> BreakGlassAsync(NpgsqlConnection connection, ApprovalId id, CancellationToken cancellationToken)
    {
        var row = await connection.QuerySingleOrDefaultAsync<(Guid Person, string Name, string Reason, DateTime At, string? ClosedBy, DateTime? ClosedAt, string? Note)?>(
            new CommandDefinition(
                """
                select b.person_id, p.display_name, b.reason, b.at, c.display_name, b.closed_at, b.close_note
                  from app.break_glass_reviews b join app.people p on p.id = b.person_id left join app.people c on c.id = b.closed_by
                 where b.approval_id = @Value
                """, new { id.Value }, cancellationToken: cancellationToken));
        return row is { } b
            ? new BreakGlass(new PersonId(b.Person), b.Name, b.Reason, b.At, b.ClosedBy, b.ClosedAt is { } closed ? new DateTimeOffset(closed) : null, b.Note)
            : null;
    }
}
