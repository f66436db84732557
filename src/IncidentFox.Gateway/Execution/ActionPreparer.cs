using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;

namespace IncidentFox.Gateway.Execution;

/// <summary>
/// Makes of a call what people are asked: reads what must still hold, asks the target what would happen, freezes the request and renders its effect.
/// Nothing of it is the agent's word but the reason, which is kept apart.
/// </summary>
public sealed class ActionPreparer(AuditedSend send) : IActionPreparer
{
    private const int MaxValue = 300;
    private const int MaxReason = 1_000;
    private const int MaxRequest = 1_500;
    private const int MaxCaptured = 1_000;

    /// <inheritdoc />
    public async Task<PreparedAction> PrepareAsync(
        Integration integration, ToolRule rule, ToolCall call, string? reason, SendContext context, string policyDigest, CancellationToken cancellationToken)
    {
        var (preconditions, refused) = await ReadPreconditionsAsync(integration, rule, call, context, cancellationToken);
        if (preconditions is null)
            return refused!;
        var frozen = Freeze(integration, rule, call, preconditions, policyDigest);
        var dryRun = "The target offers no dry run for this.";
        if (rule.DryRun is not null)
        {
            var request = RequestBuilder.Build(integration, rule, call, preconditions, null, dryRun: true);
            var answer = await send.SendAsync(request, context, "dry_run", cancellationToken);
            if (answer.Status is null)
                return new PreparedAction.Refused(answer.Code!, $"Whether {call.Tool} would work could not be asked: {answer.Sentence}");
            if (!rule.DryRun.Accepts(answer.Status.Value))
                return new PreparedAction.Refused("dry_run_refused", $"The target refuses {call.Tool} in a dry run ({answer.Status}): {answer.Message()}");
            dryRun = $"The target accepts it in a dry run ({answer.Status}).";
        }
        // What was shown is what runs: a request too long for a card has an end that nobody would have seen.
        return Shown(frozen).Length > MaxRequest
            ? new PreparedAction.Refused("too_long_to_show", $"The request of {call.Tool} is too long to be shown to those who would approve it.")
            : new PreparedAction.Ready(frozen, Render(rule, frozen, dryRun, reason));
    }

    /// <summary>The frozen request of a call: the same for the same call, rules and preconditions.</summary>
    internal static FrozenRequest Freeze(Integration integration, ToolRule rule, ToolCall call, JsonObject preconditions, string policyDigest)
    {
        var request = RequestBuilder.Build(integration, rule, call, preconditions, null, dryRun: false);
        return new FrozenRequest
        {
            Call = call,
            Origin = integration.Origin,
            Method = request.Method,
            PathAndQuery = request.PathAndQuery,
            ContentType = request.ContentType,
            Body = request.Body is null ? null : Encoding.UTF8.GetString(request.Body),
            CredentialReference = integration.Auth.IdentityFor(request.UseWriteCredential),
            Preconditions = preconditions,
            PolicyDigest = policyDigest,
        };
    }

    private async Task<(JsonObject? Values, PreparedAction? Refused)> ReadPreconditionsAsync(
        Integration integration, ToolRule rule, ToolCall call, SendContext context, CancellationToken cancellationToken)
    {
        var values = new JsonObject();
        if (rule.Precondition is not { } precondition)
            return (values, null);
        var request = RuleReads.Build(integration, precondition.Tool, precondition.Arguments, call, null);
        var answer = await send.SendAsync(request, context, "precondition", cancellationToken);
        var target = InertText.Of(string.Join(" ", call.Parameters.Select(p => $"{p.Key} {p.Value}")), MaxValue);
        if (answer.Status is null)
            return (null, new PreparedAction.Refused(answer.Code!, $"The target of {call.Tool} ({target}) could not be read: {answer.Sentence}"));
        if (answer.Status == 404)
            return (null, new PreparedAction.Refused("target_not_found", $"The target of {call.Tool} ({target}) does not exist (any more)."));
        if (!answer.Succeeded || answer.Json() is not { } json)
            return (null, new PreparedAction.Refused("target_unreadable", $"The target of {call.Tool} ({target}) could not be read ({answer.Status}): {answer.Message()}"));
        foreach (var capture in precondition.Captures)
        {
            var (found, node) = AnswerPointer.Find(json, capture.Pointer);
            if (found && node is JsonValue captured && captured.ToJsonString().Length <= MaxCaptured)
                values[capture.Name] = node.DeepClone();
            else if (capture.HasDefault && (!found || node is null))
                values[capture.Name] = capture.Default?.DeepClone();
            else
                return (null, new PreparedAction.Refused("target_unreadable", $"The target of {call.Tool} ({target}) has no {capture.Name} ({capture.Pointer})."));
        }
        return (values, null);
    }

    private static string Shown(FrozenRequest frozen) =>
        InertText.Of($"{frozen.Method} {frozen.Origin}{frozen.PathAndQuery}{(frozen.Body is null ? "" : $" {frozen.Body}")}", MaxRequest + 1);

    private static EffectPreview Render(ToolRule rule, FrozenRequest frozen, string dryRun, string? reason)
    {
        var values = new TemplateValues(frozen.Call.Parameters, frozen.Preconditions);
        string Text(string template) => InertText.Of(Template.Text(template, values), MaxValue);
        var preview = rule.Preview ?? throw new InvalidOperationException($"The rule of {rule.Tool} does not say what its effect is.");
        return new EffectPreview
        {
            Title = Text(preview.Title),
            Request = Shown(frozen),
            Facts = [.. preview.Facts.Select(f => new EffectFact(Text(f.Label), Text(f.Value)))],
            Changes = [.. preview.Changes.Select(c => new EffectChange(Text(c.What), Text(c.Before), Text(c.After)))],
            DryRun = dryRun,
            AgentReason = string.IsNullOrWhiteSpace(reason) ? null : InertText.Of(reason, MaxReason),
        };
    }
}
