using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Core;
using IncidentFox.Gateway.Sending;

namespace IncidentFox.Gateway.Rules.Parsing;

/// <summary>
/// The property that everything rests on, in one place for tests and fuzzers: what a request means, what would be sent for it, and what that means again.
/// </summary>
/// <param name="Parsed">What came in.</param>
/// <param name="Outgoing">What would be sent; null for a refusal and for what an approval has to come first for.</param>
/// <param name="Again">What the sent request means to the base-URL door; null when nothing would be sent.</param>
internal sealed record RoundTrip(ParsedCall Parsed, OutgoingRequest? Outgoing, ParsedCall? Again)
{
    /// <summary>A request of the base-URL door.</summary>
    public static RoundTrip OfRequest(
        IntegrationCatalog catalog, TeamId team, string integration, string method, string rawTarget, ReadOnlyMemory<byte> body,
        IReadOnlyList<KeyValuePair<string, string>>? headers = null) =>
        Of(catalog, team, BaseUrlDoor.Parse(catalog, team, integration, method, rawTarget, body, headers));

    /// <summary>A call of the tools' door.</summary>
    public static RoundTrip OfTool(IntegrationCatalog catalog, TeamId team, string tool, JsonElement arguments) =>
        Of(catalog, team, ToolDoor.Parse(catalog, team, tool, arguments));

    /// <summary>Whether the same call comes back. A refusal is consistent; so is what only the tools' door can say, if it is refused when it comes back.</summary>
    public bool Holds() => (Parsed, Again) switch
    {
        (ParsedCall.Refused, null) => true,
        (ParsedCall.Call { Rule.Precondition: not null }, null) => true,
        (ParsedCall.Call a, ParsedCall.Call b) => Same(a, b),
        (ParsedCall.Call a, ParsedCall.Refused) => !CanComeBack(a.Rule),
        _ => false,
    };

    private static RoundTrip Of(IntegrationCatalog catalog, TeamId team, ParsedCall parsed)
    {
        // A precondition is read from the target first, and what only the gateway knows can't come from a client.
        if (parsed is not ParsedCall.Call { Rule.Precondition: null } call)
            return new(parsed, null, null);
        var sent = RequestBuilder.Build(call.Integration, call.Rule, call.ToolCall, [], null, dryRun: false);
        var prefix = call.Integration.BaseUrl.AbsolutePath.TrimEnd('/');
        List<KeyValuePair<string, string>> headers = [.. sent.Headers.Select(h => KeyValuePair.Create(h.Name, h.Value))];
        if (sent.ContentType is { } type)
            headers.Add(KeyValuePair.Create("Content-Type", type));
        return new(parsed, sent, BaseUrlDoor.Parse(catalog, team, call.Integration.Name, sent.Method, sent.PathAndQuery[prefix.Length..], sent.Body, headers));
    }

    private static bool Same(ParsedCall.Call a, ParsedCall.Call b) =>
        ReferenceEquals(a.Integration, b.Integration) && ReferenceEquals(a.Rule, b.Rule)
        && Core.Tools.CanonicalJson.Write(a.ToolCall.Parameters).AsSpan().SequenceEqual(Core.Tools.CanonicalJson.Write(b.ToolCall.Parameters));

    // Two placeholders in one text can't be told apart again, and {approval.id} is the gateway's.
    private static bool CanComeBack(ToolRule rule)
    {
        var texts = rule.Query.Concat(rule.Form ?? []).Select(f => f.Text).OfType<string>().Concat(Texts(rule.Body));
        return texts.Where(t => Template.Names(t).Any()).All(t => Template.Single(t) is { } single && !single.Name.Contains('.'));
    }

    internal static IEnumerable<string> Texts(JsonNode? node) => node switch
    {
        JsonObject o => o.SelectMany(m => Texts(m.Value)),
        JsonArray a => a.SelectMany(Texts),
        JsonValue v when v.TryGetValue<string>(out var text) => [text],
        _ => [],
    };
}
