using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Core;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Rules.Parsing;
using IncidentFox.Gateway.Sending;

namespace IncidentFox.Gateway.Rules;

/// <summary>Builds the request of a call: pure, and the same bytes for the same call. Live and frozen calls alike go through here.</summary>
public static class RequestBuilder
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Builds it.</summary>
    /// <param name="integration">Where to.</param>
    /// <param name="rule">The call's rule.</param>
    /// <param name="call">The call; its parameters were checked against the rule.</param>
    /// <param name="preconditions">What was captured; null for reads.</param>
    /// <param name="approval">The approval under which it runs; null before there is one: <c>{approval.id}</c> then stays as it is.</param>
    /// <param name="dryRun">True: ask what would happen, as the rule says.</param>
    public static OutgoingRequest Build(
        Integration integration, ToolRule rule, ToolCall call, JsonObject? preconditions, ApprovalId? approval, bool dryRun)
    {
        if (call.Integration != integration.Name || call.Tool != rule.Tool || call.RuleVersion != rule.Version)
            throw new ArgumentException($"The call of {call.Tool} was not made by this version of the rule {integration.Name}/{rule.Tool}.", nameof(call));
        if (dryRun && rule.DryRun is null)
            throw new ArgumentException($"The rule {integration.Name}/{rule.Tool} has no dry run.", nameof(dryRun));
        var values = new TemplateValues(call.Parameters, preconditions, approval);
        var body = Body(rule, values, dryRun);
        return new OutgoingRequest
        {
            Integration = integration,
            Method = rule.Method,
            PathAndQuery = Target(integration, rule, call.Parameters, dryRun),
            Headers = [.. rule.Headers.Select(h => (h.Name, h.Value))],
            ContentType = body is null ? null : rule.ContentType,
            Body = body,
            UseWriteCredential = rule.Effect != ToolEffect.Read,
            Call = call,
        };
    }

    private static string Target(Integration integration, ToolRule rule, JsonObject parameters, bool dryRun)
    {
        var target = new StringBuilder(integration.BaseUrl.AbsolutePath.TrimEnd('/'));
        foreach (var segment in rule.Path)
            target.Append('/').Append(segment.Literal is { } literal ? Percent.Encode(literal) : PathValue(segment.Parameter!, parameters));
        var separator = '?';
        void Add(string key, string value)
        {
            target.Append(separator).Append(Percent.Encode(key)).Append('=').Append(Percent.Encode(value));
            separator = '&';
        }
        foreach (var key in rule.Query.Where(k => !k.Ignored))
        {
            if (key.Literal is not null)
                Add(key.Key, key.Literal);
            else if (parameters[key.Parameter!] is JsonArray list)
            {
                foreach (var item in list)
                    Add(key.Key, AsText(item!));
            }
            else if (parameters[key.Parameter!] is { } value)
                Add(key.Key, AsText(value));
        }
        foreach (var key in dryRun ? rule.DryRun!.Query : [])
            Add(key.Name, key.Value);
        return target.ToString();
    }

    // A segment that a server could take for a step up or for none at all never leaves, whatever a rule's pattern allows.
    private static string PathValue(string parameter, JsonObject parameters)
    {
        var value = parameters[parameter] is { } node ? AsText(node) : "";
        return CanonicalTarget.IsSegment(value)
            ? Percent.Encode(value)
            : throw new ArgumentException($"Parameter {parameter} can't be a path segment.", nameof(parameters));
    }

    private static byte[]? Body(ToolRule rule, TemplateValues values, bool dryRun)
    {
        if (rule.Body is null)
            return null;
        var body = Template.Json(rule.Body, values);
        if (dryRun && rule.DryRun!.BodyMembers is { } members)
        {
            var merged = (JsonObject)body!;
            foreach (var (name, value) in members)
                merged[name] = value?.DeepClone();
        }
        return JsonSerializer.SerializeToUtf8Bytes(body, Plain);
    }

    internal static string AsText(JsonNode value) => value.GetValueKind() switch
    {
        JsonValueKind.String => value.GetValue<string>(),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => value.ToJsonString(),
    };
}

/// <summary>Percent-encoding with one form per text (RFC 3986): unreserved characters as they are, every other byte as upper-case <c>%XX</c>.</summary>
internal static class Percent
{
    public static string Encode(string text)
    {
        var encoded = new StringBuilder(text.Length);
        foreach (var b in Encoding.UTF8.GetBytes(text))
        {
            if (b is (>= (byte)'a' and <= (byte)'z') or (>= (byte)'A' and <= (byte)'Z') or (>= (byte)'0' and <= (byte)'9') or (byte)'-' or (byte)'.' or (byte)'_' or (byte)'~')
                encoded.Append((char)b);
            else
                encoded.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
        }
        return encoded.ToString();
    }
}
