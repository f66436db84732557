using System.Text.Json.Nodes;
using Dapper;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Gateway.Admission;

/// <summary>
/// Closes calls whose gateway was gone before it could say how they ended: <c>unknown</c>, because that is what it is. Approved calls are not its
/// business: their execution proves or says unknown itself.
/// </summary>
internal sealed class UnfinishedCallsSweep(Database database, AuditLog audit, TimeProvider time, ILogger<UnfinishedCallsSweep> logger) : BackgroundService
{
    /// <summary>Longer than any call takes, so that no call is closed that still runs somewhere.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromMinutes(30);

    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, time);
        do
        {
            try
            {
                while (await SweepAsync(stoppingToken) > 0)
                {
                    // Until none is left.
                }
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException)
            {
                logger.LogWarning("Closing unfinished calls failed ({Reason}); trying again in a minute", e.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>Closes up to a hundred; how many it closed. Several gateways take turns.</summary>
    internal Task<int> SweepAsync(CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            if (!await connection.QuerySingleAsync<bool>(new CommandDefinition(
                "select pg_try_advisory_xact_lock(hashtext('incidentfox:unfinished-calls'))", cancellationToken: ct)))
                return 0;
            var rows = (await connection.QueryAsync<Row>(new CommandDefinition(
                """
                select r.event_type as EventType, r.org_id as OrgId, r.team_id as TeamId, r.user_id as UserId, r.tool, r.parameters::text as Parameters,
                       r.investigation_id as InvestigationId, r.sandbox_id as SandboxId, r.correlation_id as CorrelationId
                  from app.audit_events r
                 where r.event_type in ('tool_requested', 'model_requested') and r.approval_id is null and r.correlation_id is not null
                   and r.at < app.clock() - @Grace and r.at > app.clock() - interval '7 days'
                   and not exists (select 1 from app.audit_events e
                                    where e.correlation_id = r.correlation_id and e.event_type in ('tool_executed', 'tool_refused', 'approval_requested', 'model_answered'))
                 order by r.at limit 100
                """, new { Grace }, cancellationToken: ct))).AsList();
            foreach (var row in rows)
            {
                await audit.AppendAsync(connection, new AuditEvent
                {
                    EventType = row.EventType == AuditEventTypes.ModelRequested ? AuditEventTypes.ModelAnswered : AuditEventTypes.ToolExecuted,
                    OrgId = row.OrgId,
                    TeamId = row.TeamId,
                    UserId = row.UserId,
                    Tool = row.Tool,
                    Parameters = row.Parameters is null ? null : JsonNode.Parse(row.Parameters) as JsonObject,
                    Status = "unknown",
                    InvestigationId = row.InvestigationId,
                    SandboxId = row.SandboxId,
                    CorrelationId = row.CorrelationId,
                    Details = new JsonObject { ["code"] = "gateway_lost", ["reason"] = "The gateway was gone before it could say how this ended." },
                }, ct);
            }
            return rows.Count;
        }, cancellationToken);

    private sealed record Row
    {
        public string? EventType { get; init; }
        public string? OrgId { get; init; }
        public string? TeamId { get; init; }
        public string? UserId { get; init; }
        public string? Tool { get; init; }
        public string? Parameters { get; init; }
        public Guid? InvestigationId { get; init; }
        public Guid? SandboxId { get; init; }
        public string? CorrelationId { get; init; }
    }
}
