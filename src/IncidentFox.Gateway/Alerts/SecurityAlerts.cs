using System.Diagnostics.Metrics;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using IncidentFox.Core;
using IncidentFox.Core.Audit;
using IncidentFox.Gateway.AgentDoor;
using IncidentFox.Gateway.AgentDoor.Pods;
using IncidentFox.Gateway.AgentDoor.Proxy;
using IncidentFox.Gateway.Alerts.Storage;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Rules.Parsing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Gateway.Alerts;

/// <summary>
/// Tells people of refusals that look like an attack: an audit row, a log line and a count; the bot posts it. One row per kind, sandbox and minute, so
/// that nobody can fill the table or a channel. It works behind the refusal: an answer takes as long whether or not what was named exists.
/// </summary>
internal sealed partial class SecurityAlerts(
    IntegrationSource integrations, AlertFacts facts, AuditLog audit, TimeProvider time, ILogger<SecurityAlerts> logger) : BackgroundService
{
    /// <summary>How long after the end a call is only late: stopping reaches an agent through its driver.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    private const int MaxWaiting = 4_096;
    private const int MaxRemembered = 10_000;
    private const int MaxPath = 200;

    private static readonly Meter Meter = new("IncidentFox.Gateway");
    private static readonly Counter<long> Count = Meter.CreateCounter<long>(
        "incidentfox.gateway.security_alerts", "{alert}", "Refusals that look like an attack, by kind; every one is counted, one a minute and sandbox is audited.");

    private readonly Channel<RefusalReport> _waiting = Channel.CreateBounded<RefusalReport>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });
    private readonly Dictionary<(SandboxId Sandbox, string Kind), (long Minute, int Suppressed)> _told = [];

    /// <summary>Looks at what a sandbox was refused, and returns at once.</summary>
    public void Refused(AgentRequest request)
    {
        if (request.RefusedWith is not ("no_rule" or "no_approval" or "session_over" or "forged_identity" or "not_caged"))
            return;
        // The policies of a pod's network are enforced late on some clusters: told when it is too late for that.
        if (request is { RefusedWith: "not_caged", Path: Contracts.Protocol.HelloPath } && request.Http.Features.Get<PodConnection>() is not null)
            return;
        TeamId? other = null;
        if (request.RefusedWith == "no_rule" && (request.Session is not { } session
            || (other = RefusalReport.OwnerOfNamed(integrations.Current, session.Resource.Team, request.Path)) is null))
            return;
        if (request is { RefusedWith: "no_approval", NamedApproval: null })
            return;
        var report = new RefusalReport
        {
            Sandbox = request.Sandbox,
            Code = request.RefusedWith,
            Method = Arguments.Printable(request.Http.Request.Method),
            Path = Arguments.Printable(request.Path.Length > MaxPath ? request.Path[..MaxPath] : request.Path),
            CorrelationId = request.CorrelationId,
            OtherTeam = other,
            Approval = request.NamedApproval,
        };
        if (!_waiting.Writer.TryWrite(report))
            NoRoom(logger, request.Sandbox, request.RefusedWith, request.CorrelationId);
    }

    /// <summary>The same for a CONNECT, which never became a request.</summary>
    public void Refused(SandboxId sandbox, string code, ConnectHead target, string correlationId)
    {
        var other = code == "no_rule" ? RefusalReport.OwnerOfPlace(integrations.Current, target.Host, target.Port) : null;
        if (code is not ("no_rule" or "session_over" or "not_caged") || (code == "no_rule" && other is null))
            return;
        var report = new RefusalReport
        {
            Sandbox = sandbox, Code = code, Method = "CONNECT", Path = Arguments.Printable(target.Authority), CorrelationId = correlationId, OtherTeam = other,
        };
        if (!_waiting.Writer.TryWrite(report))
            NoRoom(logger, sandbox, code, correlationId);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var report in _waiting.Reader.ReadAllAsync(stoppingToken))
                await TellAsync(report, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // What waits is told below.
        }
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        while (_waiting.Reader.TryRead(out var left) && !limit.IsCancellationRequested)
            await TellAsync(left, limit.Token);
    }

    private async Task TellAsync(RefusalReport report, CancellationToken cancellationToken)
    {
        try
        {
            if (await facts.OwnerAsync(report.Sandbox, cancellationToken) is not { } owner
                || await KindAsync(report, owner, cancellationToken) is not { } kind)
                return;
            Count.Add(1, new KeyValuePair<string, object?>("kind", kind));
            var minute = time.GetUtcNow().ToUnixTimeSeconds() / 60;
            var before = _told.GetValueOrDefault((report.Sandbox, kind));
            if (before.Minute == minute)
            {
                _told[(report.Sandbox, kind)] = (minute, before.Suppressed + 1);
                return;
            }
            await audit.AppendAsync(Event(report, owner, kind, before.Suppressed), cancellationToken);
            if (_told.Count >= MaxRemembered)
                _told.Clear();
            _told[(report.Sandbox, kind)] = (minute, 0);
            Alert(logger, kind, report.Sandbox, owner.Investigation, owner.Team, report.Method, report.Path, report.CorrelationId);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or OperationCanceledException)
        {
            // The refusal stands; only telling of it failed. The next one of its kind is told.
            NotTold(logger, e, report.Sandbox, report.Code, report.Path, report.CorrelationId);
        }
    }

    private async Task<string?> KindAsync(RefusalReport report, SandboxOwner owner, CancellationToken cancellationToken) => report.Code switch
    {
        "no_rule" => SecurityAlertKinds.OtherTeam,
        "forged_identity" => SecurityAlertKinds.ForgedIdentity,
        "not_caged" => SecurityAlertKinds.NotCaged,
        "session_over" => owner.OverFor > Grace ? SecurityAlertKinds.CallAfterEnd : null,
        "no_approval" => await facts.IsOfAnotherAsync(report.Approval!.Value, owner.Investigation, cancellationToken) ? SecurityAlertKinds.OtherApproval : null,
        _ => null,
    };

    private static AuditEvent Event(RefusalReport report, SandboxOwner owner, string kind, int suppressed)
    {
        var details = new JsonObject
        {
            ["kind"] = kind, ["code"] = report.Code, ["method"] = report.Method, ["path"] = report.Path, ["suppressed_before"] = suppressed,
        };
        if (report.OtherTeam is { } other)
            details["other_team"] = other.Value;
        return new AuditEvent
        {
            EventType = AuditEventTypes.SecurityAlert,
            OrgId = owner.Org.Value,
            TeamId = owner.Team.Value,
            UserId = owner.UserId,
            Status = "denied",
            InvestigationId = owner.Investigation.Value,
            SandboxId = report.Sandbox.Value,
            CorrelationId = report.CorrelationId,
            Details = details,
        };
    }

    [LoggerMessage(50, LogLevel.Warning, "Security alert {Kind}: sandbox {Sandbox} of {Investigation}, team {Team}, was refused {Method} {Path} ({CorrelationId})")]
    private static partial void Alert(
        ILogger logger, string kind, SandboxId sandbox, InvestigationId investigation, TeamId team, string method, string path, string correlationId);

    [LoggerMessage(51, LogLevel.Error, "A security alert of sandbox {Sandbox} could not be written: {Code} for {Path} ({CorrelationId})")]
    private static partial void NotTold(ILogger logger, Exception e, SandboxId sandbox, string code, string path, string correlationId);

    [LoggerMessage(52, LogLevel.Error, "Too many security alerts wait; one of sandbox {Sandbox} is only logged: {Code} ({CorrelationId})")]
    private static partial void NoRoom(ILogger logger, SandboxId sandbox, string code, string correlationId);
}
