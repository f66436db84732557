using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Rules.Parsing;
using IncidentFox.Gateway.Sending;

namespace IncidentFox.Fuzz.Fuzzers;

/// <summary>What must hold of every accepted call, by means other than the parser's own.</summary>
internal static partial class RoundTrip
{
    /// <summary>A sentence when what would be sent is not exactly the call.</summary>
    public static string? Problem(ParsedCall.Call call, IntegrationCatalog? catalog = null)
    {
        OutgoingRequest request;
        try
        {
            request = RequestBuilder.Build(call.Integration, call.Rule, call.ToolCall, Preconditions(call.Rule), null, dryRun: false);
        }
        catch (ArgumentException e)
        {
            return $"an accepted call of {call.Rule.Tool} can't be built: {e.Message}";
        }
        return Shape(request, call) ?? Back(request, call, catalog ?? Catalogs.All);
    }

    /// <summary>What of a refusal must hold: it is a sentence that can be shown and logged as it is.</summary>
    public static string? Problem(ParsedCall.Refused refused) =>
        refused.Sentence.Any(c => c is (< ' ' or > '~') and not '…' and not '–') ? $"a refusal holds what can't be shown: {Uri.EscapeDataString(refused.Sentence)}"
        : refused.Sentence.Length > 8_000 ? $"a refusal has {refused.Sentence.Length} characters"
        : refused.Code is not ("no_rule" or "bad_arguments" or "bad_request" or "no_credential") ? $"an unknown code {refused.Code}"
        : null;

    // The bytes alone: one path below the base URL, nothing that another server could read in another way.
    private static string? Shape(OutgoingRequest request, ParsedCall.Call call)
    {
        var target = request.PathAndQuery;
        var prefix = call.Integration.BaseUrl.AbsolutePath.TrimEnd('/');
        if (!target.StartsWith(prefix + "/", StringComparison.Ordinal))
            return $"{target} is not below {prefix}";
        if (target.Any(c => c is <= ' ' or > '~' or '#' or '\\'))
            return $"{target} has characters that no target has";
        var path = target.Split('?')[0];
        var segments = (call.Rule.TrailingSlash && path.EndsWith("/", StringComparison.Ordinal) ? path[..^1] : path).Split("/").Skip(1);
        if (segments.Any(s => s is "." or ".." || Uri.UnescapeDataString(s) is "." or ".." || s.Length == 0))
            return $"{path} has a segment that is none";
        if (EncodedSeparator().IsMatch(path))
            return $"{path} has an encoded separator";
        if (!Uri.TryCreate(call.Integration.BaseUrl.GetLeftPart(UriPartial.Authority) + target, UriKind.Absolute, out var uri)
            || uri.Host != call.Integration.BaseUrl.Host || uri.Port != call.Integration.BaseUrl.Port || uri.AbsolutePath != path)
            return $"{target} is another address to a client library: {uri}";
        // A command stops at people, and is the only thing that may be asked of that path.
        var isCommand = call.Rule is { Tool: "docker_exec", Effect: ToolEffect.Exec, Precondition: not null } && path.EndsWith("/exec", StringComparison.Ordinal);
        if (call.Integration.Name == "kubernetes" && !isCommand && ForbiddenInKubernetes().IsMatch(path))
            return $"{path} is nothing that a rule allows";
        if (request.Method != call.Rule.Method)
            return $"{request.Method} instead of {call.Rule.Method}";
        return request.Headers.Any(h => h.Value.Any(char.IsControl)) ? "a header has control characters" : null;
    }

    // Read back by the base-URL door it is the same call. Bodies with what only the gateway knows can't come from a client, and are left out.
    private static string? Back(OutgoingRequest request, ParsedCall.Call call, IntegrationCatalog catalog)
    {
        if (!call.Rule.IsReadable())
            return null;
        var prefix = call.Integration.BaseUrl.AbsolutePath.TrimEnd('/');
        var body = call.Rule.Precondition is null ? request.Body ?? [] : [];
        var headers = request.Headers.Select(h => KeyValuePair.Create(h.Name, h.Value)).ToList();
        if (request.ContentType is { } type && body.Length > 0)
            headers.Add(KeyValuePair.Create("Content-Type", type));
        var back = BaseUrlDoor.Parse(catalog, call.Integration.Team ?? Catalogs.Team, call.Integration.Name, request.Method, request.PathAndQuery[prefix.Length..], body, headers);
        if (back is ParsedCall.Refused refused)
        {
            // Where a body was left out, so were its parameters.
            return call.Rule.Precondition is not null && refused.Code == "bad_arguments" ? null : $"what would be sent ({request.Method} {request.PathAndQuery} {Encoding.UTF8.GetString(body)}) is refused: {refused.Sentence}";
        }
        var other = ((ParsedCall.Call)back).ToolCall;
        if (call.Rule.Precondition is not null && other.Tool == call.ToolCall.Tool)
            return null;
        return other.Tool == call.ToolCall.Tool && JsonNode.DeepEquals(other.Parameters, call.ToolCall.Parameters)
            ? null
            : $"{call.ToolCall.Tool} {call.ToolCall.Parameters.ToJsonString()} reads back as {other.Tool} {other.Parameters.ToJsonString()}";
    }

    private static JsonObject? Preconditions(ToolRule rule) => rule.Precondition is not { } p
        ? null
        : new JsonObject(p.Captures.Select(c => KeyValuePair.Create<string, JsonNode?>(c.Name, $"value of {c.Name}")));

    [GeneratedRegex("%(2F|5C|25|3B|0[0-9A-F]|1[0-9A-F]|7F)", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture)]
    private static partial Regex EncodedSeparator();

    [GeneratedRegex("^/api/v1/(namespaces/[^/]+/)?(secrets(/|$)|(pods|services|nodes|serviceaccounts)/[^/]+/(proxy|exec|attach|portforward|token|binding|ephemeralcontainers|eviction)(/|$))", RegexOptions.ExplicitCapture)]
    private static partial Regex ForbiddenInKubernetes();
}
