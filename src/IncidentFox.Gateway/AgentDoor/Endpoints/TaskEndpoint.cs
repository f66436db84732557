using System.Text.Json;
using IncidentFox.Contracts;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Investigations;
using IncidentFox.Gateway.AgentDoor.Storage;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Gateway.AgentDoor.Endpoints;

/// <summary><c>GET /v1/agent/task</c>: the question, once the sandbox has one and has shown that it is caged.</summary>
internal sealed class TaskEndpoint(
    SandboxSessions sessions, SandboxFacts facts, ApprovalReader approvals, GatewayOptions options, TimeProvider time, ILogger<TaskEndpoint> logger)
{
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(500);

    public async Task HandleAsync(AgentRequest request)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            var sandbox = await facts.FindAsync(request.Sandbox, request.Aborted);
            if (sandbox is { Ended: true })
            {
                await request.RefuseAsync(403, "session_over", "This sandbox's investigation is over.");
                return;
            }
            var session = await sessions.FindAsync(request.Sandbox, request.Aborted);
            if (session is { State: "starting" })
            {
                await request.RefuseAsync(403, "not_caged", $"Say hello first: POST {Protocol.HelloPath}.");
                return;
            }
            if (session is not null && sandbox is { } known && await sessions.TakeTaskAsync(session, request.Aborted) is { } investigation)
            {
                await request.AnswerAsync(200, await TaskAsync(investigation, known.CreatedAt, request.Aborted), ContractsJson.Default.AgentTask);
                return;
            }
            if (time.GetElapsedTime(started) + Poll > Wait)
            {
                await request.AnswerAsync(204);
                return;
            }
            await Task.Delay(Poll, time, request.Aborted);
        }
    }

    private async Task<AgentTask> TaskAsync(Investigation investigation, DateTimeOffset sandboxMade, CancellationToken ct) => new()
    {
        InvestigationId = investigation.Id.ToString(),
        Question = investigation.Question,
        AskedAt = investigation.CreatedAt,
        Deadline = sandboxMade.AddMinutes(options.MaxSandboxMinutes),
        ParkAfterSeconds = options.ParkAfterSeconds,
        Resume = await ResumeAsync(investigation, ct),
    };

    // An earlier sandbox reported and proposed, and people have decided: look at the effect instead of starting anew.
    private async Task<ResumedWork?> ResumeAsync(Investigation investigation, CancellationToken ct)
    {
        if (investigation.ReportJson is null || (await approvals.OfInvestigationAsync(investigation.Id, ct)) is not [.., var last])
            return null;
        if (await approvals.FindAsync(last, ct) is not { } approval || !approval.State.IsFinal())
            return null;
        try
        {
            return JsonSerializer.Deserialize(investigation.ReportJson, ContractsJson.Default.Report) is { } report
                ? new ResumedWork { Report = report, Approval = ApprovalEndpoint.Status(approval, await facts.ParametersAsync(last, ct)) }
                : null;
        }
        catch (JsonException e)
        {
            logger.LogWarning("The report of {Investigation} can't be read ({Reason}); the investigation starts anew", investigation.Id, e.Message);
            return null;
        }
    }
}
