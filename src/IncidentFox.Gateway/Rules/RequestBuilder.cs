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
    /// <param name="opaque">A body that is passed on as it is; it must be the one whose digest the call has.</param>
    public static OutgoingRequest Build(
        Integration integration, ToolRule rule, ToolCall call, JsonObject? preconditions, ApprovalId? approval, bool dryRun, byte[]? opaque = null)
    {
        if (call.Integration != integration.Name || call.Tool != rule.Tool || call.RuleVersion != rule.Version)
            throw new ArgumentException($"The call of {call.Tool} was not made by this version of the rule {integration.Name}/{rule.Tool}.", nameof(call));
        if (dryRun && rule.DryRun is null)
            throw new ArgumentException($"The rule {integration.Name}/{rule.Tool} has no dry run.", nameof(dryRun));
        var values = new TemplateValues(call.Parameters, preconditions, approval);
        if (rule.OpaqueBytes is null != opaque is null || (opaque is not null && (string?)call.Parameters[OpaqueBody.DigestParameter] != OpaqueBody.Digest(opaque)))
            throw new ArgumentException($"The body of {call.Tool} is not the one that was called with.", nameof(opaque));
        var body = opaque ?? (rule.Form is null ? Body(rule, values, dryRun) : Form(rule, call.Parameters, values, dryRun));
        return new OutgoingRequest
        {
            Integration = integration,
            Method = rule.Method,
            PathAndQuery = Target(integration, rule, call.Parameters, values, dryRun),
            Headers = [.. rule.Headers.Select(h => (h.Name, h.Value))],
            ContentType = body is null ? null : rule.ContentType,
            Body = body,
            UseWriteCredential = rule.Effect != ToolEffect.Read,
            Transport = rule.Transport,
            Call = call,
        };
    }

    private static string Target(Integration integration, ToolRule rule, JsonObject parameters, TemplateValues values, bool dryRun)
    {
        var target = new StringBuilder(integration.BaseUrl.AbsolutePath.TrimEnd('/'));
        foreach (var segment in rule.Path)
            target.Append('/').Append(segment.Literal is { } literal ? Percent.Literal(literal) : PathValue(segment, parameters));
        if (rule.TrailingSlash)
            target.Append('/');
        var start = target.Length;
        foreach (var key in rule.Query)
            AddField(target, key, parameters, values);
        foreach (var key in dryRun ? rule.DryRun!.Query : [])
            Add(target, key.Name, key.Value);
        if (target.Length > start)
            target[start] = '?';
        return target.ToString();
    }

    private static void AddField(StringBuilder to, RuleField field, JsonObject parameters, TemplateValues values)
    {
        if (field.Ignored)
            return;
        if (field.Literal is not null)
            Add(to, field.Key, field.Literal);
        else if (field.Text is not null)
            Add(to, field.Key, Template.Text(field.Text, values));
        else if (parameters[field.Parameter!] is JsonArray list)
        {
            var number = 0;
            foreach (var item in list)
                Add(to, field.IsNumbered ? FieldKey.WithNumber(field, ++number) : field.Key, AsText(item!));
        }
        else if (parameters[field.Parameter!] is { } value)
            Add(to, field.Key, AsText(value));
    }

    private static void Add(StringBuilder to, string key, string value)
    {
        to.Append('&');
        Percent.Encode(to, key);
        to.Append('=');
        Percent.Encode(to, value);
    }

    // A segment that a server could take for a step up or for none at all never leaves, whatever a rule's pattern allows.
    private static string PathValue(PathSegment segment, JsonObject parameters)
    {
        var value = parameters[segment.Parameter!] is { } node ? AsText(node) : "";
        var parts = segment.IsMany ? value.Split('/') : [value];
        if (parts.Length > Arguments.MaxSegments || !parts.All(CanonicalTarget.IsSegment))
            throw new ArgumentException($"Parameter {segment.Parameter} can't be {(segment.IsMany ? "segments" : "a segment")} of a path.", nameof(parameters));
        return Percent.Literal(segment.Prefix ?? "") + string.Join('/', parts.Select(Percent.Encode)) + Percent.Literal(segment.Suffix ?? "");
    }

    private static byte[] Form(ToolRule rule, JsonObject parameters, TemplateValues values, bool dryRun)
    {
        var form = new StringBuilder();
        foreach (var field in rule.Form!)
            AddField(form, field, parameters, values);
        foreach (var field in dryRun ? rule.DryRun!.Form : [])
            Add(form, field.Name, field.Value);
        return Encoding.ASCII.GetBytes(form.ToString(), Math.Min(1, form.Length), Math.Max(0, form.Length - 1));
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
    private const string Unreserved = "-._~";

    public static string Encode(string text)
    {
        var encoded = new StringBuilder(text.Length);
        Encode(encoded, text);
        return encoded.ToString();
    }

    public static void Encode(StringBuilder to, string text) => Encode(to, text, Unreserved);

    /// <summary>A rule's own text in a path: also <c>: @ $ = , ( )</c> as they are, as a rule writes them.</summary>
    public static string Literal(string text)
    {
        var encoded = new StringBuilder(text.Length);
        Encode(encoded, text, Files.RequestLine.LiteralExtras);
        return encoded.ToString();
    }

    private static void Encode(StringBuilder to, string text, string raw)
    {
        foreach (var b in Encoding.UTF8.GetBytes(text))
        {
            if (char.IsAsciiLetterOrDigit((char)b) || (b < 128 && raw.Contains((char)b)))
                to.Append((char)b);
            else
                to.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
        }
    }
}
