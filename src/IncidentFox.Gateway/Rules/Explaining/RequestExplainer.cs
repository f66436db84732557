using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Rules.Parsing;

namespace IncidentFox.Gateway.Rules.Explaining;

/// <summary>Says what would become of a request, by the very code that decides on it: which rule, which call, what would be sent, what policy says.</summary>
public static class RequestExplainer
{
    private const string Door = "/i/";

    /// <summary>Explains; nothing is sent and no secret is fetched.</summary>
    public static Explanation Explain(IntegrationCatalog catalog, ToolPolicy policy, RequestQuestion question)
    {
        var (integration, target) = Find(catalog, question);
        if (integration is null)
        {
            var known = string.Join(", ", catalog.Of(question.Team).Select(i => $"{i.Name} ({i.BaseUrl.AbsoluteUri})"));
            return new(false,
                [("refused", $"No integration of team {question.Team} is at this address. There {(known.Length == 0 ? "are none" : $"are: {known}")}.")],
                target is null ? null : SuggestedRule.File(question, target));
        }
        var body = question.Body is null ? default : Encoding.UTF8.GetBytes(question.Body);
        var parsed = BaseUrlDoor.Parse(catalog, question.Team, integration.Name, question.Method, target!, body, question.Headers);
        return parsed is ParsedCall.Call call
            ? Allowed(policy, question, call)
            : Refused(catalog, question, integration, target!, (ParsedCall.Refused)parsed);
    }

    private static Explanation Allowed(ToolPolicy policy, RequestQuestion question, ParsedCall.Call call)
    {
        var (integration, rule) = (call.Integration, call.Rule);
        // What is read first is not known here: its places stay as they are written.
        var preconditions = new JsonObject((rule.Precondition?.Captures ?? []).Select(c => KeyValuePair.Create(c.Name, (JsonNode?)$"{{precondition.{c.Name}}}")));
        var request = RequestBuilder.Build(integration, rule, call.ToolCall, preconditions, null, dryRun: false);
        List<(string, string)> facts =
        [
            ("integration", integration.Name), ("tool", $"{rule.Tool} ({rule.Effect.ToString().ToLowerInvariant()})"), ("rule", NearestRule.Request(rule)),
            ("version", rule.Version), ("arguments", call.ToolCall.Parameters.ToJsonString()), ("would send", $"{request.Method} {integration.Origin}{request.PathAndQuery}"),
        ];
        facts.AddRange(request.Headers.Select(h => ("header", $"{h.Name}: {h.Value}")));
        if (request.Body is not null)
            facts.Add(("body", $"{request.ContentType}: {Encoding.UTF8.GetString(request.Body)}"));
        if (rule.Precondition is { } precondition)
            facts.Add(("reads first", $"{precondition.Tool} {precondition.Arguments.ToJsonString()}"));
        facts.Add(("credential", $"{AuthSchemes.Of(integration.Auth.Scheme).Name}, {integration.Auth.ReferenceFor(request.UseWriteCredential)}"));
        facts.Add(("policy", Policy(policy, question, call)));
        return new(true, facts, null);
    }

    private static string Policy(ToolPolicy policy, RequestQuestion question, ParsedCall.Call call) => ToolDecider.Decide(policy, ToolFacts.Of(call.ToolCall, call.Rule.OtherNames, question.Role, question.At)) switch
    {
        ToolDecision.Allow when call.Rule.Effect == ToolEffect.Read => "allowed",
        ToolDecision.NeedsApproval { Workflow: var w } => $"stops until {w.Describe()}",
        ToolDecision.Deny deny => $"denied: {deny.Reason}",
        _ => "denied: it changes something and no approval is asked for",
    };

    private static Explanation Refused(IntegrationCatalog catalog, RequestQuestion question, Integration integration, string target, ParsedCall.Refused refused)
    {
        List<(string, string)> facts = [("integration", integration.Name), ("refused", $"{refused.Code}: {refused.Sentence}")];
        var (canonical, _) = CanonicalTarget.Parse(target);
        if (canonical is null)
            return new(false, facts, null);
        if (NearestRule.Find(integration, question.Method, canonical) is { } nearest)
            facts.Add(("nearest", $"{nearest.Tool} ({nearest.Effect.ToString().ToLowerInvariant()}): {NearestRule.Request(nearest)}"));
        // A rule that means it is there already: another one would only make it unclear.
        var isNew = refused.Code == "no_rule" && refused.Tool is null;
        return new(false, facts, isNew ? SuggestedRule.Tool(catalog, integration, question, canonical) : null);
    }

    private static (Integration? Integration, string? Target) Find(IntegrationCatalog catalog, RequestQuestion question)
    {
        var url = question.Url;
        if (url.StartsWith(Door, StringComparison.Ordinal))
        {
            var slash = url.IndexOfAny(['/', '?'], Door.Length);
            var name = slash < 0 ? url[Door.Length..] : url[Door.Length..slash];
            return catalog.Find(question.Team, name) is { } named ? (named, slash < 0 ? "" : url[slash..]) : (null, null);
        }
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("https" or "http"))
            return (null, null);
        // Byte for byte as it was written: System.Uri would tidy it up.
        var start = url.IndexOfAny(['/', '?', '#'], url.IndexOf("://", StringComparison.Ordinal) + 3);
        var rest = start < 0 ? "" : url[start..];
        foreach (var integration in catalog.Of(question.Team))
        {
            var path = integration.BaseUrl.AbsolutePath.TrimEnd('/');
            if (integration.Origin == uri.GetLeftPart(UriPartial.Authority) && rest.StartsWith(path, StringComparison.Ordinal) && (rest.Length == path.Length || rest[path.Length] is '/' or '?'))
                return (integration, rest[path.Length..]);
        }
        return (null, rest);
    }
}
