using Dapper;
using IncidentFox.Core;
using IncidentFox.Core.Storage;

namespace IncidentFox.Gateway.Alerts.Storage;

/// <summary>Whose a sandbox is or was.</summary>
/// <param name="OverFor">How long ago it, or its investigation, ended; zero while both are open.</param>
internal sealed record SandboxOwner(OrgId Org, TeamId Team, InvestigationId Investigation, string UserId, TimeSpan OverFor);

/// <summary>What an alert needs to know and the refusal did not have to.</summary>
internal sealed class AlertFacts(Database database)
{
    /// <summary>Whose it is, also after its end; null when there never was such a sandbox.</summary>
    public async Task<SandboxOwner?> OwnerAsync(SandboxId sandbox, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var row = await connection.QuerySingleOrDefaultAsync<(string Org, string Team, Guid Investigation, string Label, double OverFor)>(new CommandDefinition(
            """
            select i.org_id, i.team_id, i.id, i.requester_label,
                   coalesce(extract(epoch from app.clock() - least(s.ended_at, i.ended_at)), 0)::float8
              from app.sandboxes s join app.investigations i on i.id = s.investigation_id
             where s.id = @Value
            """, new { sandbox.Value }, cancellationToken: cancellationToken));
        return row.Org is null
            ? null
            : new(new OrgId(row.Org), new TeamId(row.Team), new InvestigationId(row.Investigation), row.Label, TimeSpan.FromSeconds(row.OverFor));
    }

    /// <summary>Whether there is such an approval, of another investigation.</summary>
    public async Task<bool> IsOfAnotherAsync(ApprovalId approval, InvestigationId investigation, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleAsync<bool>(new CommandDefinition(
            "select exists (select 1 from app.approvals where id = @approval and investigation_id <> @investigation)",
            new { approval = approval.Value, investigation = investigation.Value }, cancellationToken: cancellationToken));
    }
}
