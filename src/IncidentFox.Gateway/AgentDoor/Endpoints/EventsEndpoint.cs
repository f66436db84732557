using System.Text.Json;
using IncidentFox.Contracts;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Investigations;

namespace IncidentFox.Gateway.AgentDoor.Endpoints;

/// <summary><c>POST /v1/agent/events</c>: the timeline, in the agent's words, bounded and capped. Sending twice is harmless.</summary>
internal sealed class EventsEndpoint(SandboxSessions sessions, ApprovalReader approvals, GatewayOptions options)
{
    public async Task HandleAsync(AgentRequest request, byte[] body)
    {
        var (batch, error) = MessageCodec.Read(body, "events", ContractsJson.Default.EventBatch);
        if (batch is null || (error = Bounds.Problem(batch)) is not null)
        {
            await request.RefuseAsync(400, "bad_message", $"The events can't be kept: {error}");
            return;
        }
        var session = request.Session!;
        if (await StrangeApprovalAsync(batch, session, request.Aborted) is { } strange)
        {
            request.NamedApproval = strange;
            await request.RefuseAsync(404, "no_approval", "This investigation has no such approval.");
            return;
        }
        if (await sessions.CountEventsAsync(session.Sandbox, request.Aborted) + batch.Events.Count > options.MaxEvents)
        {
            await request.RefuseAsync(429, "too_many_events", $"A sandbox may send {options.MaxEvents} events; say less, and report.");
            return;
        }
        foreach (var e in batch.Events.Select(Bounds.Within))
        {
            // First the report, then the event that wakes its readers: an answer that got lost between the two is mended by sending again.
            if (e is ReportEvent report)
                await sessions.SaveReportAsync(session, JsonSerializer.Serialize(report.Report, ContractsJson.Default.Report), report.Final, request.Aborted);
            await sessions.AppendEventAsync(session, e.Sequence, Kind(e), JsonSerializer.Serialize(e, ContractsJson.Default.AgentEvent), request.Aborted);
        }
        await request.AnswerAsync(202);
    }

    private async Task<ApprovalId?> StrangeApprovalAsync(EventBatch batch, SandboxSession session, CancellationToken ct)
    {
        var named = batch.Events.OfType<ParkedEvent>().Select(p => p.ApprovalId)
            .Concat(batch.Events.OfType<ReportEvent>().Select(r => r.Report.Action?.ApprovalId).OfType<string>()).Distinct().ToList();
        if (named.Count == 0)
            return null;
        var own = await approvals.OfInvestigationAsync(session.Investigation, ct);
        foreach (var name in named)
        {
            // What is no id at all is nobody's.
            if (!ApprovalId.TryParse(name, out var id) || !own.Contains(id))
                return id;
        }
        return null;
    }

    private static string Kind(AgentEvent e) => e switch
    {
        PlanEvent => "plan",
        StepEvent => "step",
        ReportEvent => "report",
        NoticeEvent => "notice",
        ParkedEvent => "parked",
        _ => throw new InvalidOperationException($"An event {e.GetType().Name} has no name."),
    };
}
