using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
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
    private const int MaxFact = 1_000;
    private const int MaxReason = 1_000;
    private const int MaxRequest = 1_500;
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <inheritdoc />
    public async Task<PreparedAction> PrepareAsync(
        Integration integration, ToolRule rule, ToolCall call, string? reason, SendContext context, string policyDigest, CancellationToken cancellationToken)
    {
        var (state, unusable) = await new TargetReading(send, integration, rule, call, context).ReadAsync(cancellationToken);
        if (state is null)
            return unusable!;
        var frozen = Freeze(integration, rule, call, state.Frozen, policyDigest);
        var dryRun = "The target offers no dry run for this.";
        if (rule.DryRun is not null)
        {
            var request = RequestBuilder.Build(integration, rule, call, state.Frozen, null, dryRun: true);
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
            : Render(rule, frozen, state, dryRun, reason);
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

    private static string Shown(FrozenRequest frozen) =>
        InertText.Of($"{frozen.Method} {frozen.Origin}{frozen.PathAndQuery}{(frozen.Body is null ? "" : $" {frozen.Body}")}", MaxRequest + 1);

    private static PreparedAction Render(ToolRule rule, FrozenRequest frozen, TargetState state, string dryRun, string? reason)
    {
        var values = new TemplateValues(Shown(frozen.Call.Parameters), frozen.Preconditions, Seen: state.Seen);
        var preview = rule.Preview ?? throw new InvalidOperationException($"The rule of {rule.Tool} does not say what its effect is.");
        string Text(string template, int max) => InertText.Of(Template.Text(template, values), max);
        // A command whose end nobody could see is not shown at all.
        if (rule.Effect == ToolEffect.Exec && preview.Facts.Any(f => Text(f.Value, MaxFact + 1).Length > MaxFact))
            return new PreparedAction.Refused("too_long_to_show", $"The command of {rule.Tool} is too long to be shown to those who would approve it.");
        return new PreparedAction.Ready(frozen, new EffectPreview
        {
            Title = Text(preview.Title, MaxValue),
            Request = Shown(frozen),
            Facts = [.. preview.Facts.Select(f => new EffectFact(Text(f.Label, MaxValue), Text(f.Value, MaxFact))).Where(f => f.Value.Length > 0)],
            Changes = [.. preview.Changes.Select(c => new EffectChange(Text(c.What, MaxValue), Text(c.Before, MaxValue), Text(c.After, MaxValue))),
                .. state.Changes.Select(c => new EffectChange(InertText.Of(c.What, MaxValue), InertText.Of(c.Before, MaxValue), InertText.Of(c.After, MaxValue)))],
            DryRun = dryRun,
            AgentReason = string.IsNullOrWhiteSpace(reason) ? null : InertText.Of(reason, MaxReason),
        });
    }

    /// <summary>What would happen, in the rule's words with the frozen values.</summary>
    internal static string Title(ToolRule rule, FrozenRequest frozen) =>
        InertText.Of(Template.Text(rule.Preview!.Title, new TemplateValues(Shown(frozen.Call.Parameters), frozen.Preconditions)), MaxValue);

    // Lists as JSON: where one item ends and the next begins must be seen.
    private static JsonObject Shown(JsonObject parameters) => new(parameters.Select(p =>
        KeyValuePair.Create(p.Key, p.Value is JsonArray list ? JsonValue.Create(list.ToJsonString(Readable)) : p.Value?.DeepClone())));
}
