using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace IncidentFox.Core.Tools;

/// <summary>
/// A call as it was when people were asked: everything that decides what will be sent. What was shown is what runs: at execution the request is rebuilt,
/// and anything that differs from this is refused.
/// </summary>
public sealed record FrozenRequest
{
    /// <summary>The typed call.</summary>
    public required ToolCall Call { get; init; }

    /// <summary>Scheme, host and port of the target.</summary>
    public required string Origin { get; init; }

    /// <summary>HTTP method.</summary>
    public required string Method { get; init; }

    /// <summary>Path and query as sent.</summary>
    public required string PathAndQuery { get; init; }

    /// <summary>Content type of the body; null without one.</summary>
    public string? ContentType { get; init; }

    /// <summary>The body as sent; null without one.</summary>
    public string? Body { get; init; }

    /// <summary>Which credential will be added: a reference, never a value.</summary>
    public required string CredentialReference { get; init; }

    /// <summary>What was read from the target and must still hold, e.g. <c>uid</c>.</summary>
    public required JsonObject Preconditions { get; init; }

    /// <summary>SHA-256 (hex) of the policy and workflow that asked for the approval.</summary>
    public required string PolicyDigest { get; init; }

    /// <summary>The 32 bytes that bind an approval to exactly this.</summary>
    public byte[] Digest() => SHA256.HashData(CanonicalJson.Write(ToJson()));

    /// <summary>JSON that <see cref="Parse"/> reads back.</summary>
    public JsonObject ToJson() => new()
    {
        ["format"] = 1,
        ["integration"] = Call.Integration,
        ["tool"] = Call.Tool,
        ["effect"] = Call.Effect.ToString(),
        ["rule_version"] = Call.RuleVersion,
        ["parameters"] = Call.Parameters.DeepClone(),
        ["origin"] = Origin,
        ["method"] = Method,
        ["path_and_query"] = PathAndQuery,
        ["content_type"] = ContentType,
        ["body"] = Body,
        ["credential_reference"] = CredentialReference,
        ["preconditions"] = Preconditions.DeepClone(),
        ["policy_digest"] = PolicyDigest,
    };

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="JsonException">It is not one.</exception>
    public static FrozenRequest Parse(string json)
    {
        var o = JsonNode.Parse(json) as JsonObject ?? throw new JsonException("A frozen request is a JSON object.");
        if (o["format"]?.ToJsonString() is not "1")
            throw new JsonException("A frozen request of this format is not known.");
        string? Optional(string name) => o[name] switch
        {
            null => null,
            JsonValue v when v.TryGetValue<string>(out var text) => text,
            _ => throw new JsonException($"A frozen request whose '{name}' is no text."),
        };
        string Text(string name) => Optional(name) ?? throw new JsonException($"A frozen request without '{name}'.");
        JsonObject Members(string name) => o[name] is JsonObject members
            ? (JsonObject)members.DeepClone()
            : throw new JsonException($"A frozen request without '{name}'.");
        ToolEffect Effect(string name) => Array.Find(Enum.GetValues<ToolEffect>(), e => e.ToString() == name) is var effect && effect.ToString() == name
            ? effect
            : throw new JsonException("A frozen request with an effect that is not known.");
        return new FrozenRequest
        {
            Call = new ToolCall
            {
                Integration = Text("integration"),
                Tool = Text("tool"),
                Effect = Effect(Text("effect")),
                RuleVersion = Text("rule_version"),
                Parameters = Members("parameters"),
            },
            Origin = Text("origin"),
            Method = Text("method"),
            PathAndQuery = Text("path_and_query"),
            ContentType = Optional("content_type"),
            Body = Optional("body"),
            CredentialReference = Text("credential_reference"),
            Preconditions = Members("preconditions"),
            PolicyDigest = Text("policy_digest"),
        };
    }
}
