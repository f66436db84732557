using System.Text.Json;
using Dapper;
using IncidentFox.Core;
using IncidentFox.Core.Storage;

namespace IncidentFox.Gateway.AgentDoor.Storage;

/// <summary>What the door itself asks the database.</summary>
internal sealed class SandboxFacts(Database database)
{
    /// <summary>When the sandbox was made and whether it is over; null when there is none.</summary>
    public async Task<(DateTimeOffset CreatedAt, bool Ended)?> FindAsync(SandboxId sandbox, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var row = await connection.QuerySingleOrDefaultAsync<(DateTime? CreatedAt, bool Ended)>(new CommandDefinition(
            """
            select s.created_at, s.state = 'ended' or i.ended_at is not null
              from app.sandboxes s join app.investigations i on i.id = s.investigation_id where s.id = @Value
            """, new { sandbox.Value }, cancellationToken: cancellationToken));
        return row.CreatedAt is { } at ? (new DateTimeOffset(at), row.Ended) : null;
    }

    /// <summary>The parameters of an approval's call, as they were audited when people were asked.</summary>
    public async Task<JsonElement> ParametersAsync(ApprovalId approval, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var json = await connection.QueryFirstOrDefaultAsync<string>(new CommandDefinition(
            "select parameters::text from app.audit_events where approval_id = @Value and event_type = 'approval_requested' order by at limit 1",
            new { approval.Value }, cancellationToken: cancellationToken));
        return JsonSerializer.Deserialize<JsonElement>(json ?? "{}");
    }
}
