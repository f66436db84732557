using System.Text.Json.Nodes;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Execution.Derivations;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;

namespace IncidentFox.Gateway.Execution;

/// <summary>What was read of a target before people are asked.</summary>
/// <param name="Frozen">Goes into the frozen request.</param>
/// <param name="Seen">Is shown, and frozen nowhere: it changes by itself.</param>
/// <param name="Changes">Is shown after the rule's own changes.</param>
internal sealed record TargetState(JsonObject Frozen, JsonObject Seen, IReadOnlyList<EffectChange> Changes)
{
    public static TargetState None => new([], [], []);
}

/// <summary>Reads a call's target as its rule says.</summary>
internal sealed class TargetReading(AuditedSend send, Integration integration, ToolRule rule, ToolCall call, SendContext context)
{
    private const int MaxName = 300;
    private const int MaxCaptured = 1_000;

    private string Target => $"The target of {call.Tool} ({InertText.Of(string.Join(" ", call.Parameters.Select(p => $"{p.Key} {p.Value}")), MaxName)})";

    /// <summary>Reads. Null with why nobody is asked.</summary>
    public async Task<(TargetState? State, PreparedAction.Refused? Refused)> ReadAsync(CancellationToken cancellationToken)
    {
        if (rule.Precondition is not { } precondition)
            return (TargetState.None, null);
        var (answer, json, refused) = await AskAsync(precondition, "precondition", cancellationToken);
        if (refused is not null)
            return (null, refused);
        if (precondition.Refusals.FirstOrDefault(r => RuleReads.Hold(r.When, answer, call)) is { } state)
            return (null, new("no_use", $"{Target}: {state.Sentence}"));
        var (frozen, missing) = Take(precondition.Captures, json!);
        var (seen, unseen) = Take(precondition.Seen, json!);
        if ((missing ?? unseen) is { } capture)
            return (null, new("target_unreadable", $"{Target} has no {capture.Name} ({capture.Pointer})."));
        if (precondition.Derivation is not { } use)
            return (new(frozen, seen, []), null);
        var derived = await Derivations.KnownDerivations.Find(use.Name)!.DeriveAsync(new(call, json!, (read, arguments) => MoreAsync(use.Reads[read], arguments, cancellationToken)), cancellationToken);
        if (derived.Refusal is { } why)
            return (null, new("no_use", $"{Target}: {why}"));
        foreach (var (name, value) in derived.Frozen)
            frozen[name] = value?.DeepClone();
        foreach (var (name, value) in derived.Seen)
            seen[name] = value?.DeepClone();
        return (new(frozen, seen, derived.Changes), null);
    }

    /// <summary>Right before it runs: what a rule holds must be as it was. Null: it is; else why nothing is sent.</summary>
    public async Task<string?> DifferenceAsync(JsonObject frozen, CancellationToken cancellationToken)
    {
        if (rule.Precondition is not { Hold.Count: > 0 } precondition)
            return null;
        var (_, json, refused) = await AskAsync(precondition, "hold", cancellationToken);
        if (refused is not null)
            return refused.Sentence;
        var (now, missing) = Take([.. precondition.Captures.Where(c => precondition.Hold.Contains(c.Name))], json!);
        var name = missing?.Name ?? precondition.Hold.FirstOrDefault(n => !CanonicalJson.Write(now[n]).AsSpan().SequenceEqual(CanonicalJson.Write(frozen[n])));
        return name is null ? null : $"{Target} is not the one that people saw: its {name} is another.";
    }

    private async Task<(TargetAnswer Answer, JsonNode? Json, PreparedAction.Refused? Refused)> AskAsync(Precondition precondition, string purpose, CancellationToken cancellationToken)
    {
        var answer = await send.SendAsync(RuleReads.Build(integration, precondition.Tool, precondition.Arguments, call, null), context, purpose, cancellationToken);
        if (answer.Status is null)
            return (answer, null, new(answer.Code!, $"{Target} could not be read: {answer.Sentence}"));
        if (answer.Status == 404)
            return (answer, null, new("target_not_found", $"{Target} does not exist (any more)."));
        return answer.Succeeded && answer.Json() is { } json
            ? (answer, json, null)
            : (answer, null, new("target_unreadable", $"{Target} could not be read ({answer.Status}): {answer.Message()}"));
    }

    private async Task<JsonNode?> MoreAsync(string tool, JsonObject arguments, CancellationToken cancellationToken)
    {
        // The read's own limits hold: what a target says of itself may be no argument.
        var checkedArguments = Rules.Parsing.Arguments.Check(integration.FindRule(tool)!, arguments);
        if (checkedArguments.Parameters is null)
            return null;
        var answer = await send.SendAsync(RuleReads.Build(integration, tool, checkedArguments.Parameters), context, "precondition", cancellationToken);
        return answer.Succeeded ? answer.Json() : null;
    }

    // The first that is not there and has no default comes back with nothing.
    private static (JsonObject Values, Capture? Missing) Take(IEnumerable<Capture> captures, JsonNode json)
    {
        var values = new JsonObject();
        foreach (var capture in captures)
        {
            var (found, node) = AnswerPointer.Find(json, capture.Pointer);
            if (found && node is JsonValue captured && captured.ToJsonString().Length <= MaxCaptured)
                values[capture.Name] = node.DeepClone();
            else if (capture.HasDefault && (!found || node is null))
                values[capture.Name] = capture.Default?.DeepClone();
            else
                return (values, capture);
        }
        return (values, null);
    }
}
