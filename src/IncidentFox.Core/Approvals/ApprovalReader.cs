using Dapper;
using IncidentFox.Core.Storage;

namespace IncidentFox.Core.Approvals;

/// <summary>Reads approvals for cards, commands and agents.</summary>
public sealed class ApprovalReader(Database database, ColumnCipher cipher)
{
    /// <summary>One approval with its votes; null when there is none.</summary>
    public async Task<Approval?> FindAsync(ApprovalId id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var row = await connection.QuerySingleOrDefaultAsync<ApprovalRow>(new CommandDefinition(
            $"""
            select {ApprovalRow.Columns}, d.display_name as DecidedByName
              from app.approvals a left join app.people d on d.id = a.decided_by where a.id = @Value
            """, new { id.Value }, cancellationToken: cancellationToken));
        if (row is null)
            return null;
        var votes = await connection.QueryAsync<(Guid Person, string Name, string Identity, DateTime At)>(new CommandDefinition(
            """
            select v.person_id, p.display_name, v.identity, v.at from app.approval_votes v join app.people p on p.id = v.person_id
             where v.approval_id = @Value order by v.at
            """, new { id.Value }, cancellationToken: cancellationToken));
        var requesters = await connection.QueryAsync<string>(new CommandDefinition(
            """
            select p.display_name from app.investigation_requesters r join app.people p on p.id = r.person_id
             where r.investigation_id = @InvestigationId order by r.since
            """, new { row.InvestigationId }, cancellationToken: cancellationToken));
        return row.ToApproval(cipher, [.. votes.Select(v => new ApprovalVote(new PersonId(v.Person), v.Name, v.Identity, v.At))], [.. requesters]);
    }

    /// <summary>The investigation's approvals, oldest first.</summary>
    public async Task<IReadOnlyList<ApprovalId>> OfInvestigationAsync(InvestigationId id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var ids = await connection.QueryAsync<Guid>(new CommandDefinition(
            "select id from app.approvals where investigation_id = @Value order by created_at, id", new { id.Value }, cancellationToken: cancellationToken));
        return [.. ids.Select(i => new ApprovalId(i))];
    }
}
