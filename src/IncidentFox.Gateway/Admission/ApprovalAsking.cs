using IncidentFox.Contracts;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Policy;
using IncidentFox.Gateway.AgentDoor;
using IncidentFox.Gateway.Execution;
using IncidentFox.Gateway.Rules.Parsing;

namespace IncidentFox.Gateway.Admission;

/// <summary>A call that needs people: it is prepared, frozen and shown to them. Nothing runs here.</summary>
internal sealed class ApprovalAsking(
    IActionPreparer preparer, ApprovalExecution execution, ApprovalReader approvals, SandboxSessions sessions, SessionCache cache, CallTrail trail,
    GatewayOptions options, TimeProvider time)
{
    // False: the session that it was decided under does not stand any more, and nothing was done.
    public async Task<bool> TryAskAsync(AgentRequest request, ParsedCall.Call call, string? reason, Workflow workflow, ToolPolicy policy)
    {
        var session = request.Session!;
        if ((await approvals.OfInvestigationAsync(session.Investigation, request.Aborted)).Count >= options.MaxApprovals)
        {
            await RefuseAsync(request, call, 429, "too_many_approvals", $"An investigation may ask people {options.MaxApprovals} times; this one has.");
            return true;
        }
        // Preparing reads the target and asks it what would happen: that is a call, too, and has its row first.
        var details = ToolAdmission.Details(call);
        details["decision"] = "needs_approval";
        var written = await trail.RequestedAsync(request, call.ToolCall, details);
        if (written != AuditOutcome.Committed)
            return await ToolAdmission.WasAnsweredAsync(request, written);
        var started = time.GetTimestamp();
        var end = new CallEnd("error", null, "not_asked", null, 0);
        var closed = false;
        try
        {
            await cache.RecordFirstCallAsync(request.Sandbox, request.Aborted);
            var prepared = await preparer.PrepareAsync(
                call.Integration, call.Rule, call.ToolCall, reason, ToolAdmission.ContextOf(request), policy.Digest, request.Aborted);
            if (prepared is PreparedAction.Refused refused)
            {
                closed = true;
                await RefuseAsync(request, call, ToolAdmission.StatusOf(refused.Code), refused.Code, refused.Sentence);
                return true;
            }
            // It may have been stopped while the target was asked; then nobody is bothered.
            if (await sessions.FindAsync(request.Sandbox, request.Aborted) is null)
            {
                closed = true;
                await RefuseAsync(request, call, 403, "session_over", "This sandbox's investigation is over.");
                return true;
            }
            var ready = (PreparedAction.Ready)prepared;
            var asked = await execution.RequestAsync(new ApprovalRequest
            {
                Resource = session.Resource,
                Investigation = session.Investigation,
                Sandbox = session.Sandbox,
                UserId = session.UserId,
                Frozen = ready.Frozen,
                Effect = ready.Effect,
                Workflow = workflow,
                MaxPending = policy.MaxPendingPerTeam,
                CorrelationId = request.CorrelationId,
            }, request.Aborted);
            if (asked.Refused is { } no)
            {
                closed = true;
                await RefuseAsync(request, call, no.Code == "too_many_pending" ? 429 : 403, no.Code, no.Reason);
                return true;
            }
            // The row that asks closes the call; when the same was asked before there is none.
            closed = !asked.Joined;
            end = new CallEnd("pending", null, "joined", null, 0);
            await request.AnswerAsync(202, new ApprovalRequired { ApprovalId = asked.Id.ToString(), ExpiresAt = asked.ExpiresAt }, ContractsJson.Default.ApprovalRequired);
            return true;
        }
        finally
        {
            if (!closed)
                await trail.EndedAsync(request, call.Rule, call.ToolCall, sent: null, end, time.GetElapsedTime(started));
        }
    }

    private async Task RefuseAsync(AgentRequest request, ParsedCall.Call call, int status, string code, string sentence)
    {
        if (await trail.RefusedAsync(request, call.Rule.Tool, call.ToolCall, code, sentence, afterRequest: true) == AuditOutcome.Committed)
            await request.RefuseAsync(status, code, sentence);
        else
            await ToolAdmission.AuditUnavailableAsync(request);
    }
}
