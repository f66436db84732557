using System.Text.Json.Nodes;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;

namespace IncidentFox.Gateway.Execution;

/// <summary>How an execution ended.</summary>
/// <param name="State">Executed, failed or unknown.</param>
/// <param name="Sentence">For people.</param>
/// <param name="Details">For the audit trail.</param>
public sealed record ExecutionOutcome(ApprovalState State, string Sentence, JsonObject Details)
{
    /// <summary>What a command printed, as JSON: for the agent that asked, never stored. Null: it was no command.</summary>
    public string? Output { get; init; }
}

/// <summary>
/// Runs one claimed call. What was shown is what runs: the request is rebuilt from the frozen call and must equal the frozen one. It is sent again only when
/// a proof says that the earlier try did not run.
/// </summary>
public sealed class FrozenCallRunner(IntegrationSource integrations, IUpstreamSender sender, AuditedSend send)
{
    /// <summary>What else the tool of a frozen call is called, for policy. None when it is not there any more: then it does not run.</summary>
    public IReadOnlyList<string> OtherNames(Core.TeamId team, ToolCall call) => integrations.Current.Find(team, call.Integration)?.FindRule(call.Tool)?.OtherNames ?? [];

    /// <summary>Runs it. Expected failures are outcomes.</summary>
    public async Task<ExecutionOutcome> RunAsync(ClaimedExecution execution, SendContext context, CancellationToken cancellationToken)
    {
        var call = execution.Frozen.Call;
        if (integrations.Current.Find(execution.Resource.Team, call.Integration) is not { } integration || integration.FindRule(call.Tool) is not { } rule)
            return Changed($"the tool {call.Tool} of {call.Integration} is not there any more", execution.Attempt);
        if (Difference(integration, rule, execution.Frozen) is { } difference)
            return Changed(difference, execution.Attempt);
        if (execution.Attempt > 1)
        {
            switch (await ProveAsync(integration, rule, execution, context, cancellationToken))
            {
                case ProofVerdict.Done:
                    return new(ApprovalState.Executed, "It ran: the gateway was interrupted while it waited for the answer, and the target shows the effect.",
                        new JsonObject { ["proof"] = "done", ["attempt"] = execution.Attempt });
                case null:
                    return Unknown(rule, execution, "The gateway was interrupted while it ran this.");
                case ProofVerdict.NotDone:
                    break;
            }
        }
        if (await new TargetReading(send, integration, rule, call, context).DifferenceAsync(execution.Frozen.Preconditions, cancellationToken) is { } changed)
        {
            // The earlier try may be what changed it: it was on its way when the proof was read.
            if (execution.Attempt > 1)
                return await LandedSinceAsync(integration, rule, execution, context, $"The gateway was interrupted while it ran this, and now: {changed}", cancellationToken);
            return new(ApprovalState.Failed, $"Nothing was sent: {changed}",
                new JsonObject { ["code"] = "target_changed", ["attempt"] = execution.Attempt });
        }
        return await SendAsync(integration, rule, execution, context, cancellationToken);
    }

    private async Task<ExecutionOutcome> SendAsync(
        Integration integration, ToolRule rule, ClaimedExecution execution, SendContext context, CancellationToken cancellationToken)
    {
        var request = RequestBuilder.Build(integration, rule, execution.Frozen.Call, execution.Frozen.Preconditions, execution.Id, dryRun: false);
        var answer = await AuditedSend.ReadAsync(await sender.SendAsync(request, context, cancellationToken), cancellationToken);
        var details = new JsonObject { ["attempt"] = execution.Attempt, ["upstream_status"] = answer.Status, ["code"] = answer.Code };
        if (answer.Succeeded && RuleReads.MeansSuccess(rule, answer, execution.Frozen.Call, execution.Frozen.Preconditions, execution.Id))
            return rule.Transport == RuleTransport.KubernetesExec ? Ended(answer, details) : new(ApprovalState.Executed, $"It ran; the target answered {answer.Status}.", details);
        // It says in its answer that it did not do it. An answer that can't be read says nothing.
        if (execution.Attempt == 1 && answer.Succeeded && answer.Json() is not null)
            return new(ApprovalState.Failed, $"The target refused it, although it answered {answer.Status}. The target says: {answer.Message()}", details);
        // A refusal is believed when nothing was sent before it: after a crash the earlier try may have landed meanwhile, and be why this one is refused.
        if (execution.Attempt == 1 && answer.Status is { } status && Refuses(status))
            return new(ApprovalState.Failed, Failure(status, answer.Message()), details);
        if (execution.Attempt == 1 && answer.Status is null && !answer.MayHaveRun)
            return new(ApprovalState.Failed, $"It did not run: {answer.Sentence}", details);
        switch (await ProveAsync(integration, rule, execution, context, cancellationToken))
        {
            case ProofVerdict.Done:
                details["proof"] = "done";
                return new(ApprovalState.Executed, $"It ran: {NoAnswer(answer)}, and the target shows the effect.", details);
            // After a crash the earlier try may still be on its way: that nothing shows yet is no proof for that one.
            case ProofVerdict.NotDone when execution.Attempt == 1:
                details["proof"] = "not_done";
                return new(ApprovalState.Failed, $"It did not run: {NoAnswer(answer)}, and the target shows no effect.", details);
            default:
                return Unknown(rule, execution, $"The target was sent this; {NoAnswer(answer)}.");
        }
    }

    private async Task<ExecutionOutcome> LandedSinceAsync(
        Integration integration, ToolRule rule, ClaimedExecution execution, SendContext context, string why, CancellationToken cancellationToken) =>
        await ProveAsync(integration, rule, execution, context, cancellationToken) == ProofVerdict.Done
            ? new(ApprovalState.Executed, "It ran: the gateway was interrupted while it waited for the answer, and the target shows the effect.",
                new JsonObject { ["proof"] = "done", ["attempt"] = execution.Attempt })
            : Unknown(rule, execution, why);

    private async Task<ProofVerdict?> ProveAsync(
        Integration integration, ToolRule rule, ClaimedExecution execution, SendContext context, CancellationToken cancellationToken)
    {
        if (rule.Proof is not { } proof)
            return null;
        var read = RuleReads.Build(integration, proof.Tool, proof.Arguments, execution.Frozen.Call, execution.Frozen.Preconditions, execution.Id);
        var answer = await send.SendAsync(read, context, "proof", cancellationToken);
        return RuleReads.Judge(proof, answer, execution.Frozen.Call, execution.Frozen.Preconditions, execution.Id);
    }

    // Everything that decides what is sent must be as it was when people saw it.
    private static string? Difference(Integration integration, ToolRule rule, FrozenRequest frozen)
    {
        if (rule.Version != frozen.Call.RuleVersion)
            return $"the rule of {rule.Tool} was changed";
        if (rule.Effect != frozen.Call.Effect)
            return $"the effect of {rule.Tool} was changed";
        var now = ActionPreparer.Freeze(integration, rule, frozen.Call, frozen.Preconditions, frozen.PolicyDigest);
        if (now.Origin != frozen.Origin)
            return "the address of the target was changed";
        if (now.CredentialReference != frozen.CredentialReference)
            return "another credential was configured";
        return now.Digest().AsSpan().SequenceEqual(frozen.Digest()) ? null : "the request would be another one";
    }

    // The target decided and says so. An error of its own (5xx), or a time-out of something on the way (408), says nothing of what it did.
    private static bool Refuses(int status) => status is >= 300 and < 500 and not 408;

    // What a target answers besides its status is in its own words.
    private static string NoAnswer(TargetAnswer answer) => answer.Status is not { } status ? "it did not answer"
        : answer.Message() is { Length: > 0 } message ? $"it answered {status} ({message})" : $"it answered {status}";

    // How much it printed is told here; what it printed goes to the agent only, and is kept nowhere.
    private static ExecutionOutcome Ended(TargetAnswer answer, JsonObject details)
    {
        var end = answer.Json();
        foreach (var member in (string[])["exit_code", "stdout_bytes", "stderr_bytes"])
            details[member] = end?[member]?.DeepClone();
        return new(ApprovalState.Executed, $"The command ran and ended with exit code {end?["exit_code"]}; it printed {end?["stdout_bytes"]} bytes, and {end?["stderr_bytes"]} bytes of errors.", details)
        {
            Output = answer.Text,
        };
    }

    private static string Failure(int status, string message) => status switch
    {
        404 => "It did not run: the target does not exist any more (404).",
        409 or 412 or 422 => $"It did not run: the target changed since it was looked at ({status}). The target says: {message}",
        401 or 403 => $"It did not run: the gateway's credential may not do this ({status}). The target says: {message}",
        _ => $"The target refused it ({status}). The target says: {message}",
    };

    private static ExecutionOutcome Changed(string what, int attempt) => attempt > 1
        ? new(ApprovalState.Unknown,
            $"The gateway was interrupted while it ran this, and {what} since: what it sent then can't be looked for any more. Look at the target yourself.",
            new JsonObject { ["code"] = "changed_since_approved", ["attempt"] = attempt })
        : new(ApprovalState.Failed, $"Nothing was sent: {what} since it was approved. Ask again, so that people see what would run now.", new JsonObject { ["code"] = "changed_since_approved" });

    private static ExecutionOutcome Unknown(ToolRule rule, ClaimedExecution execution, string why) => new(
        ApprovalState.Unknown,
        $"{why} It can't be seen whether it took effect: either it ran ({ActionPreparer.Title(rule, execution.Frozen)}), or it did not and nothing changed. "
        + "Look at the target yourself before you ask again; nothing more is sent.",
        new JsonObject { ["proof"] = rule.Proof is null ? "none" : "undecided", ["attempt"] = execution.Attempt });
}
