using Dapper;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Storage;

namespace IncidentFox.Core.Safety;

/// <summary>What a stop ended.</summary>
/// <param name="Investigations">Investigations; their sandboxes are destroyed like any that ended.</param>
/// <param name="Approvals">Approvals that had not started.</param>
public sealed record Enforced(int Investigations, int Approvals);

/// <summary>
/// Ends what is open where a stop is in force. Safe to repeat and to run in several processes: each end is one guarded update. It is repeated while the stop
/// lasts, so that a process that dies in between leaves nothing running.
/// </summary>
public sealed class StopEnforcement(Database database, InvestigationStore investigations, ApprovalVoting approvals)
{
    private const string InForce =
        "exists (select from app.stops s where s.lifted_at is null and s.org_id = x.org_id and (s.team_id is null or s.team_id = x.team_id))";

    /// <summary>Ends it all.</summary>
    public async Task<Enforced> RunAsync(CancellationToken cancellationToken)
    {
        var (open, asked) = await FindAsync(cancellationToken);
        var ended = 0;
        foreach (var id in open)
            ended += await investigations.EndAsync(id, InvestigationState.Stopped, "system", "frozen", "Everything is stopped by an admin.", cancellationToken) ? 1 : 0;
        var cancelled = 0;
        foreach (var id in asked)
            cancelled += (await approvals.CancelForAsync(id, "system", "Everything is stopped by an admin.", cancellationToken)).Count;
        return new Enforced(ended, cancelled);
    }

    private async Task<(IReadOnlyList<InvestigationId> Open, IReadOnlyList<InvestigationId> Asked)> FindAsync(CancellationToken ct)
    {
        await using var connection = await database.OpenAsync(ct);
        var open = await connection.QueryAsync<Guid>(new CommandDefinition(
            $"select x.id from app.investigations x where x.status in ('queued', 'starting', 'running', 'waiting') and {InForce}", cancellationToken: ct));
        var asked = await connection.QueryAsync<Guid>(new CommandDefinition(
            $"select distinct x.investigation_id from app.approvals x where x.status in ('pending', 'approved') and {InForce}", cancellationToken: ct));
        return ([.. open.Select(i => new InvestigationId(i))], [.. asked.Select(i => new InvestigationId(i))]);
    }
}
