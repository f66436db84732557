using System.Globalization;
using System.Text.Json;
using IncidentFox.Gateway.Scrubbing;

namespace IncidentFox.Gateway.Injection.Minting;

/// <summary>Reads what token endpoints answer. Nothing of it is repeated but the error codes that the standard knows.</summary>
internal static class TokenEndpoint
{
    private static readonly TimeSpan Unstated = TimeSpan.FromMinutes(5);

    // RFC 6749, section 5.2.
    private static readonly string[] Errors = ["invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope"];

    /// <summary>A successful answer of OAuth 2.0 (RFC 6749, section 5.1): <c>access_token, token_type, expires_in</c>.</summary>
    /// <exception cref="MintException">It is none.</exception>
    public static FreshCredential ReadOAuth(MintAnswer answer, string host, string references)
    {
        using var json = Read(answer, 200, host, references);
        var root = json.RootElement;
        if (!root.TryGetProperty("token_type", out var type) || type.ValueKind != JsonValueKind.String || !string.Equals(type.GetString(), "bearer", StringComparison.OrdinalIgnoreCase))
            throw new MintException($"The token endpoint {host} gave no bearer token (token_type).");
        return new([Token(root, "access_token", host)], Life(root, host));
    }

    /// <summary>The answer's JSON, when its status is the one expected.</summary>
    /// <exception cref="MintException">It is not.</exception>
    public static JsonDocument Read(MintAnswer answer, int expected, string host, string references)
    {
        JsonDocument? json = null;
        try
        {
            json = JsonDocument.Parse(answer.Body, new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false });
        }
        catch (JsonException)
        {
            // Said below, with the status.
        }
        if (answer.Status == expected && json?.RootElement.ValueKind == JsonValueKind.Object)
            return json;
        using (json)
            throw new MintException(Refusal(answer.Status, expected, host, references, json));
    }

    /// <summary>A token of an answer: what can stand in a header and can be looked for in answers.</summary>
    /// <exception cref="MintException">There is none.</exception>
    public static string Token(JsonElement root, string name, string host)
    {
        if (!root.TryGetProperty(name, out var value) || value.ValueKind != JsonValueKind.String || Text(value) is not { Length: > 0 } token)
            throw new MintException($"The token endpoint {host} answered without a token ({name}).");
        return HeaderText.IsToken68(token) && SecretPatterns.CanHold(token)
            ? token
            : throw new MintException($"The token endpoint {host} gave a token that is too short, too long, or has characters that no header can have.");
    }

    // Lone surrogates are valid escapes in JSON and no text.
    private static string? Text(JsonElement value)
    {
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    // A number; some servers write it as text. Where it is missing, the server's documentation says, which we have not read: a short time.
    private static TimeSpan Life(JsonElement root, string host)
    {
        if (!root.TryGetProperty("expires_in", out var value))
            return Unstated;
        var seconds = value.ValueKind switch
        {
            JsonValueKind.Number when value.TryGetInt64(out var number) => number,
            JsonValueKind.String when long.TryParse(Text(value), NumberStyles.None, CultureInfo.InvariantCulture, out var number) => number,
            _ => throw new MintException($"The token endpoint {host} says in no way that is understood how long its token holds (expires_in)."),
        };
        return TimeSpan.FromSeconds(Math.Clamp(seconds, -1, int.MaxValue));
    }

    private static string Refusal(int status, int expected, string host, string references, JsonDocument? json)
    {
        if (status == expected)
            return $"The token endpoint {host} answered with something that is no JSON object.";
        var code = json?.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.String
            ? Array.Find(Errors, e => error.ValueEquals(e))
            : null;
        var what = status switch
        {
            >= 300 and < 400 => "It redirects, which is not followed: state the address it redirects to.",
            400 or 401 or 403 or 404 => $"Look at {references} and at the ids beside it in the integration: the secret may have been renewed, revoked or have expired, or lacks a permission.",
            429 => "It asks us to come back later.",
            _ => "Try again later.",
        };
        return $"The token endpoint {host} gave no token (status {status}{(code is null ? "" : $", {code}")}). {what}";
    }
}
