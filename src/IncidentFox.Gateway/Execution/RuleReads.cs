using System.Text.Json.Nodes;
using IncidentFox.Core;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;

namespace IncidentFox.Gateway.Execution;

/// <summary>Makes the reads that a rule names for its precondition and its proof.</summary>
internal static class RuleReads
{
    /// <summary>The request of a read tool with arguments that are templates of the call's values.</summary>
    public static OutgoingRequest Build(Integration integration, string tool, JsonObject arguments, ToolCall call, JsonObject? preconditions, ApprovalId? approval = null)
    {
        return Build(integration, tool, (JsonObject)Template.Json(arguments, new TemplateValues(call.Parameters, preconditions, approval))!);
    }

    /// <summary>The request of a read tool with these arguments.</summary>
    public static OutgoingRequest Build(Integration integration, string tool, JsonObject parameters)
    {
        var rule = integration.FindRule(tool) is { Effect: ToolEffect.Read } read
            ? read
            : throw new InvalidOperationException($"{tool} is no read of {integration.Name}.");
        foreach (var parameter in rule.Parameters.Where(p => p.Default is not null && !parameters.ContainsKey(p.Name)))
            parameters[parameter.Name] = parameter.Default!.DeepClone();
        return RequestBuilder.Build(integration, rule, new ToolCall
        {
            Integration = integration.Name,
            Tool = tool,
            Effect = ToolEffect.Read,
            RuleVersion = rule.Version,
            Parameters = parameters,
        }, null, null, dryRun: false);
    }

    /// <summary>What an answer proves.</summary>
    public static ProofVerdict? Judge(ProofOfEffect proof, TargetAnswer answer, ToolCall call, JsonObject preconditions, ApprovalId approval)
    {
        if (answer.Status is null)
            return null;
        var json = answer.Succeeded ? answer.Json() : null;
        var values = new TemplateValues(call.Parameters, preconditions, approval);
        return proof.Rules.FirstOrDefault(r => r.When.Count > 0 && r.When.All(c => Holds(c, answer.Status.Value, json, values)))?.Then;
    }

    /// <summary>Whether a 2xx answer means that the call ran: GraphQL and others answer 200 to what they refuse.</summary>
    public static bool MeansSuccess(ToolRule rule, TargetAnswer answer, ToolCall call, JsonObject preconditions, ApprovalId approval)
    {
        var json = rule.Success.Count == 0 ? null : answer.Json();
        var values = new TemplateValues(call.Parameters, preconditions, approval);
        return rule.Success.All(c => Holds(c, answer.Status ?? 0, json, values));
    }

    /// <summary>Whether all conditions hold of an answer.</summary>
    public static bool Hold(IReadOnlyList<ProofCondition> conditions, TargetAnswer answer, ToolCall call)
    {
        var json = answer.Succeeded ? answer.Json() : null;
        return conditions.All(c => Holds(c, answer.Status ?? 0, json, new TemplateValues(call.Parameters)));
    }

    private static bool Holds(ProofCondition condition, int status, JsonNode? json, TemplateValues values)
    {
        if (condition.Test == ProofTest.StatusIs)
            return status == condition.Status;
        if (json is null)
            return false;
        var (found, node) = AnswerPointer.Find(json, condition.Pointer!);
        return condition.Test switch
        {
            ProofTest.Exists => found && node is not null,
            ProofTest.Absent => !found || node is null,
            ProofTest.Equals => found && Same(node, Template.Json(condition.Value, values)),
            ProofTest.NotEquals => found && node is not null && Template.Json(condition.Value, values) is { } other && !Same(node, other),
            ProofTest.Contains => found && Template.Json(condition.Value, values) is JsonValue text && Contains(node, text.GetValue<string>()),
            _ => false,
        };
    }

    private static bool Contains(JsonNode? node, string text) => node switch
    {
        JsonObject o => o.Any(m => Contains(m.Value, text)),
        JsonArray a => a.Any(i => Contains(i, text)),
        JsonValue v when v.TryGetValue<string>(out var value) => value.Contains(text, StringComparison.Ordinal),
        _ => false,
    };

    private static bool Same(JsonNode? a, JsonNode? b) => CanonicalJson.Write(a).AsSpan().SequenceEqual(CanonicalJson.Write(b));
}
