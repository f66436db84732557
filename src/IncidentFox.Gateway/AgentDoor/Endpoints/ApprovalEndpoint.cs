using System.Globalization;
using System.Text.Json;
using IncidentFox.Contracts;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Storage;
using IncidentFox.Gateway.AgentDoor.Storage;
using IncidentFox.Gateway.Execution;

namespace IncidentFox.Gateway.AgentDoor.Endpoints;

/// <summary><c>GET /v1/approvals/{id}?wait=25</c>: where an approval of the sandbox's own investigation stands; answers early when that changes.</summary>
internal sealed class ApprovalEndpoint(ApprovalReader approvals, DatabaseSignals signals, SandboxFacts facts, ExecutionOutputs outputs, TimeProvider time)
{
    private const int MaxWait = 25;

    // A lost wake-up costs this much, never more.
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(2);

    public async Task HandleAsync(AgentRequest request)
    {
        if (!TryWait(request.Query, out var wait))
        {
            await request.RefuseAsync(400, "bad_request", $"The query may be wait=SECONDS, 0 to {MaxWait}.");
            return;
        }
        if (!ApprovalId.TryParse(request.Path[Protocol.ApprovalPathPrefix.Length..], out var id))
        {
            await NoneAsync(request);
            return;
        }
        request.NamedApproval = id;
        using var watch = signals.WatchFor("approval", id.Value);
        var started = time.GetTimestamp();
        ApprovalState? first = null;
        while (true)
        {
            // Somebody else's looks like none at all.
            if (await approvals.FindAsync(id, request.Aborted) is not { } approval || approval.Investigation != request.Session!.Investigation)
            {
                await NoneAsync(request);
                return;
            }
            first ??= approval.State;
            var left = TimeSpan.FromSeconds(wait) - time.GetElapsedTime(started);
            if (approval.State.IsFinal() || approval.State != first || left <= TimeSpan.Zero)
            {
                await request.AnswerAsync(200, Status(approval, await facts.ParametersAsync(id, request.Aborted)) with { Output = approval.State == ApprovalState.Executed ? outputs.Find(id) : null }, ContractsJson.Default.ApprovalStatus);
                return;
            }
            await watch.WaitAsync(left < Poll ? left : Poll, request.Aborted);
        }
    }

    public static ApprovalStatus Status(Approval approval, JsonElement parameters) => new()
    {
        ApprovalId = approval.Id.ToString(),
        Tool = approval.Tool,
        Parameters = parameters,
        State = approval.State.Name(),
        Detail = Bounds.Cut(approval.Outcome ?? approval.DecisionReason, 1_000),
        Final = approval.State.IsFinal(),
    };

    private static Task NoneAsync(AgentRequest request) => request.RefuseAsync(404, "no_approval", "This investigation has no such approval.");

    private static bool TryWait(string query, out int seconds)
    {
        seconds = 0;
        return query.Length == 0 || (query.StartsWith("wait=", StringComparison.Ordinal)
            && int.TryParse(query.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out seconds) && seconds <= MaxWait);
    }
}
