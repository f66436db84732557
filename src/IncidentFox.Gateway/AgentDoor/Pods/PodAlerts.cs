using System.Diagnostics.Metrics;
using System.Net;
using System.Text.Json.Nodes;
using IncidentFox.Core;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Sandboxes;
using IncidentFox.Gateway.Alerts.Storage;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Gateway.AgentDoor.Pods;

/// <summary>
/// What was refused before it was known which sandbox calls. Everything is counted; what no working agent does becomes a security alert, one a minute for each code
/// and address, so that nobody can fill the table or a channel.
/// </summary>
internal sealed partial class PodAlerts(AuditLog audit, AlertFacts facts, TimeProvider time, ILogger<PodAlerts> logger)
{
    private const int MaxRemembered = 10_000;

    private static readonly Meter Meter = new("IncidentFox.Gateway");
    private static readonly Counter<long> Count = Meter.CreateCounter<long>(
        "incidentfox.gateway.pod_refusals", "{request}", "Requests at the pods' door that were refused before it was known which sandbox calls, by code.");

    private readonly Dictionary<(string Code, IPAddress Address), (long Minute, int Suppressed)> _told = [];

    public async Task RefusedAsync(PodRefusal refusal, SandboxPod? pod, IPAddress address, string correlationId)
    {
        Count.Add(1, new KeyValuePair<string, object?>("code", refusal.Code));
        if (!refusal.IsSuspicious || Suppressed(refusal.Code, address) is not { } suppressed)
            return;
        Alert(logger, refusal.Code, address, pod?.Name ?? "unknown", correlationId);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5), time);
        try
        {
            var owner = pod?.Sandbox is { } sandbox ? await facts.OwnerAsync(sandbox, limit.Token) : null;
            await audit.AppendAsync(new AuditEvent
            {
                EventType = AuditEventTypes.SecurityAlert,
                OrgId = owner?.Org.Value,
                TeamId = owner?.Team.Value,
                UserId = owner?.UserId ?? "system",
                Status = "denied",
                InvestigationId = owner?.Investigation.Value,
                SandboxId = pod?.Sandbox?.Value,
                CorrelationId = correlationId,
                Details = new JsonObject
                {
                    ["kind"] = refusal.Code == "not_caged" ? SecurityAlertKinds.NotCaged : SecurityAlertKinds.StolenIdentity, ["code"] = refusal.Code, ["address"] = address.ToString(), ["pod"] = pod?.Name, ["suppressed_before"] = suppressed,
                },
            }, limit.Token);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or OperationCanceledException)
        {
            // The refusal stands; only telling of it failed.
            NotTold(logger, e, refusal.Code, correlationId);
        }
    }

    // How many were not told of since the last one; null: this one is not told of either.
    private int? Suppressed(string code, IPAddress address)
    {
        lock (_told)
        {
            var minute = time.GetUtcNow().ToUnixTimeSeconds() / 60;
            var before = _told.GetValueOrDefault((code, address));
            if (before.Minute == minute)
            {
                _told[(code, address)] = (minute, before.Suppressed + 1);
                return null;
            }
            if (_told.Count >= MaxRemembered)
                _told.Clear();
            _told[(code, address)] = (minute, 0);
            return before.Suppressed;
        }
    }

    [LoggerMessage(55, LogLevel.Warning, "Security alert: a caller at the pods' door was refused with {Code}, from {Address}, pod {Pod} ({CorrelationId})")]
    private static partial void Alert(ILogger logger, string code, IPAddress address, string pod, string correlationId);

    [LoggerMessage(56, LogLevel.Error, "A security alert of the pods' door could not be written: {Code} ({CorrelationId})")]
    private static partial void NotTold(ILogger logger, Exception e, string code, string correlationId);
}
