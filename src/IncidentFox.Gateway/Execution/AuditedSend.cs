using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Core.Audit;
using IncidentFox.Gateway.Sending;
using Npgsql;

namespace IncidentFox.Gateway.Execution;

/// <summary>
/// What the gateway asks a target on its own account: preconditions, dry runs, proofs. No audit row, no action holds for these as well:
/// <c>tool_requested</c> is committed before anything is sent, <c>tool_executed</c> follows.
/// </summary>
public sealed class AuditedSend(IUpstreamSender sender, AuditLog audit)
{
    private const int MaxBody = 2 * 1024 * 1024;

    /// <summary>Sends and reads the whole answer. An expected failure is an answer without a status.</summary>
    /// <param name="request">What to send.</param>
    /// <param name="context">On whose behalf.</param>
    /// <param name="purpose"><c>precondition, dry_run, hold, proof, on_call</c>.</param>
    /// <param name="cancellationToken">Cancels.</param>
    public async Task<TargetAnswer> SendAsync(OutgoingRequest request, SendContext context, string purpose, CancellationToken cancellationToken)
    {
        try
        {
            await audit.AppendAsync(Event(request, context, AuditEventTypes.ToolRequested, "pending", null, purpose, null), cancellationToken);
        }
        catch (NpgsqlException)
        {
            return new(null, "", "audit_unavailable", "The audit trail can't be written, so nothing was sent. Try again when the database is back.", MayHaveRun: false);
        }
        var started = Stopwatch.GetTimestamp();
        var answer = await ReadAsync(await sender.SendAsync(request, context, cancellationToken), cancellationToken);
        var status = answer.Succeeded ? "success" : answer.Status is null && answer.MayHaveRun ? "unknown" : "error";
        await audit.AppendAsync(
            Event(request, context, AuditEventTypes.ToolExecuted, status, (long)Stopwatch.GetElapsedTime(started).TotalMilliseconds, purpose, answer), CancellationToken.None);
        return answer;
    }

    /// <summary>Reads an answer whole, bounded.</summary>
    public static async Task<TargetAnswer> ReadAsync(UpstreamResult result, CancellationToken cancellationToken)
    {
        if (result is UpstreamResult.Failed failed)
            return new(null, "", failed.Code, failed.Sentence, failed.MayHaveRun);
        await using var response = (UpstreamResult.Response)result;
        var buffer = new MemoryStream();
        try
        {
            var chunk = new byte[16 * 1024];
            int read;
            while (buffer.Length < MaxBody && (read = await response.Body.ReadAsync(chunk, cancellationToken)) > 0)
                buffer.Write(chunk, 0, read);
        }
        catch (UpstreamBodyException)
        {
            // The status came: what it did is known. The body is cut where it broke off.
        }
        return new(response.Status, Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length), null, null, MayHaveRun: true);
    }

    private static AuditEvent Event(
        OutgoingRequest request, SendContext context, string type, string status, long? duration, string purpose, TargetAnswer? answer) => new()
        {
            EventType = type,
            OrgId = context.Org.Value,
            TeamId = context.Team.Value,
            UserId = context.UserId,
            Tool = request.Call.Tool,
            Parameters = request.Call.Parameters,
            DurationMs = duration,
            Status = status,
            InvestigationId = context.Investigation == default ? null : context.Investigation.Value,
            ApprovalId = context.Approval?.Value,
            SandboxId = context.Sandbox?.Value,
            CorrelationId = context.CorrelationId,
            Details = answer is null
                ? new JsonObject { ["purpose"] = purpose }
                : new JsonObject { ["purpose"] = purpose, ["upstream_status"] = answer.Status, ["code"] = answer.Code },
        };
}
