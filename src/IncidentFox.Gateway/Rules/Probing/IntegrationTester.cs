using System.Diagnostics;
using System.Text.Json.Nodes;
using IncidentFox.Core;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Admission;
using IncidentFox.Gateway.Sending;
using Npgsql;

namespace IncidentFox.Gateway.Rules.Probing;

/// <summary>What a test of an integration showed.</summary>
/// <param name="Worked">The target answered with 2xx.</param>
/// <param name="Sentence">For whoever asked; never the target's own words.</param>
public sealed record IntegrationTest(bool Worked, string Sentence);

/// <summary>
/// Asks an integration's target its declared harmless read, with the real credential, over the way that every call takes. As with every call: no audit row,
/// nothing sent.
/// </summary>
public sealed class IntegrationTester(IUpstreamSender sender, AuditLog audit)
{
    /// <summary>Asks.</summary>
    /// <param name="integration">Which.</param>
    /// <param name="context">On whose behalf.</param>
    /// <param name="cancellationToken">Cancels.</param>
    public async Task<IntegrationTest> TestAsync(Integration integration, SendContext context, CancellationToken cancellationToken)
    {
        if (integration.Probe is not { } probe || integration.FindRule(probe.Tool) is not { Effect: ToolEffect.Read } rule)
            return new(false, $"Integration {integration.Name} declares no probe: name a harmless read, such as probe: {integration.Rules.FirstOrDefault(r => r.Effect == ToolEffect.Read)?.Tool ?? "list_things"}");
        var arguments = Parsing.Arguments.Check(rule, (JsonObject)probe.Arguments.DeepClone());
        if (arguments.Parameters is null)
            return new(false, $"The probe of {integration.Name} can't be called: {string.Join("; ", arguments.Problems)}");
        var call = new ToolCall { Integration = integration.Name, Tool = rule.Tool, Effect = rule.Effect, RuleVersion = rule.Version, Parameters = arguments.Parameters };
        var request = RequestBuilder.Build(integration, rule, call, null, null, dryRun: false);
        try
        {
            await audit.AppendAsync(Event(call, context, AuditEventTypes.ToolRequested, "pending", null, []), cancellationToken);
        }
        catch (NpgsqlException e)
        {
            return new(false, $"The audit trail can't be written, so nothing was sent: {e.Message}");
        }
        var started = Stopwatch.GetTimestamp();
        var (status, rows, code, sentence) = await AskAsync(request, rule, context, cancellationToken);
        var took = (long)Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        var worked = code is null && status is >= 200 and < 300;
        await audit.AppendAsync(Event(call, context, AuditEventTypes.ToolExecuted, worked ? "success" : "error", took,
            new JsonObject { ["upstream_status"] = status, ["row_count"] = rows, ["code"] = code }), CancellationToken.None);
        var what = $"{request.Method} {integration.Origin}{request.PathAndQuery} as {integration.Auth.ReferenceFor(write: false)}";
        return new(worked, sentence is null
            ? $"{what}: {status}{(rows is null ? "" : $", {rows} rows")}, {took} ms{(worked ? "" : Hint(status!.Value))}"
            : $"{what}: {code}: {sentence}");
    }

    private async Task<(int? Status, long? Rows, string? Code, string? Sentence)> AskAsync(
        OutgoingRequest request, ToolRule rule, SendContext context, CancellationToken cancellationToken)
    {
        var result = await sender.SendAsync(request, context, cancellationToken);
        if (result is UpstreamResult.Failed failed)
            return (null, null, failed.Code, failed.Sentence);
        await using (var response = (UpstreamResult.Response)result)
        {
            var counter = new RowCounter(response.Status is >= 200 and < 300 ? rule.RowCountPointer : null);
            var buffer = new byte[16 * 1024];
            try
            {
                int read;
                while ((read = await response.Body.ReadAsync(buffer, cancellationToken)) > 0)
                    counter.Add(buffer.AsSpan(0, read));
                counter.Add([], last: true);
                return (response.Status, counter.Rows, null, null);
            }
            catch (UpstreamBodyException e)
            {
                return (response.Status, null, e.Code, e.Message);
            }
        }
    }

    private static string Hint(int status) => status switch
    {
        401 or 403 => ". The target refuses the credential: look at its scopes and at 'auth'",
        404 => ". There is nothing at this address: look at 'base_url' and 'settings'",
        >= 300 and < 400 => ". It redirects, which is never followed: give the address that it redirects to as 'base_url'",
        _ => "",
    };

    private static AuditEvent Event(ToolCall call, SendContext context, string type, string status, long? duration, JsonObject details)
    {
        details["purpose"] = "test";
        details["integration"] = call.Integration;
        return new()
        {
            EventType = type,
            OrgId = context.Org.Value,
            TeamId = context.Team.Value,
            UserId = context.UserId,
            Tool = call.Tool,
            Parameters = (JsonObject)call.Parameters.DeepClone(),
            DurationMs = duration,
            Status = status,
            CorrelationId = context.CorrelationId,
            Details = details,
        };
    }
}
