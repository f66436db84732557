using System.Globalization;
using System.Text.Json;
using Azure;

namespace IncidentFox.Secrets.KeyVault;

/// <summary>
/// What the service's errors mean. Codes: https://learn.microsoft.com/azure/key-vault/general/rest-error-codes. Reasons are our own
/// words: the service's messages name tenants, object ids and addresses that are nobody else's business.
/// </summary>
internal static class KeyVaultErrors
{
    private const int LargestBody = 16 * 1024;

    public static SecretResult ToResult(RequestFailedException failure, SecretReference reference, DateTimeOffset now)
    {
        var (vault, name) = (reference.Place, reference.Name);
        return (failure.Status, failure.ErrorCode, InnerCode(failure)) switch
        {
            (404, _, _) when reference.Version is not null => SecretResult.NotFound(
                $"Key Vault {vault} has no version {reference.Version} of {name}, or the secret was deleted: correct the reference or recover the secret."),
            (404, _, _) => SecretResult.NotFound($"Key Vault {vault} has no secret {name}, or it was deleted: create or recover it, or correct the reference."),
            (403, _, "SecretDisabled") => SecretResult.Disabled($"The secret {name} in Key Vault {vault} is disabled: enable it or use another."),
            (403, _, "ForbiddenByFirewall" or "ForbiddenByConnection") => SecretResult.Denied(
                $"The firewall of Key Vault {vault} does not let this network in: allow it, or use a private endpoint."),
            (403, _, _) => SecretResult.Denied(
                $"Key Vault {vault} does not let this identity read {name}: give it the role Key Vault Secrets User, or the access policy 'get' for secrets."),
            (401, _, _) => SecretResult.Denied($"Key Vault {vault} refused this identity's token: check that both are of the same tenant."),
            (429, _, _) => SecretResult.Throttled($"Key Vault {vault} is throttling: too many requests reach it.", RetryAfter(failure, now)),
            (503, _, _) when failure.GetRawResponse()?.Headers.Contains("Retry-After") == true =>
                SecretResult.Throttled($"Key Vault {vault} asks to be left alone for a while.", RetryAfter(failure, now)),
            (0, _, _) => SecretResult.Unavailable($"Key Vault {vault} cannot be reached: check its name, DNS and the network policy."),
            (var status, _, _) => SecretResult.Unavailable($"Key Vault {vault} answered {status} to a request for {name}."),
        };
    }

    private static string? InnerCode(RequestFailedException failure)
    {
        var body = failure.GetRawResponse()?.Content?.ToMemory() ?? default;
        if (body.Length is 0 or > LargestBody)
        {
            return null;
        }

        try
        {
            using var json = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 16 });
            return Child(Child(Child(json.RootElement, "error"), "innererror"), "code") is { ValueKind: JsonValueKind.String } code ? code.GetString() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // The service has written both "innererror" and "innerError".
    private static JsonElement? Child(JsonElement? parent, string name) =>
        parent is { ValueKind: JsonValueKind.Object } element
        && element.EnumerateObject().FirstOrDefault(p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is { Value.ValueKind: not JsonValueKind.Undefined } found
            ? found.Value
            : null;

    private static TimeSpan RetryAfter(RequestFailedException failure, DateTimeOffset now)
    {
        var fallback = TimeSpan.FromSeconds(10);
        if (failure.GetRawResponse()?.Headers.TryGetValue("Retry-After", out var text) != true)
        {
            return fallback;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
        {
            return TimeSpan.FromSeconds(seconds);
        }

        return DateTimeOffset.TryParseExact(text, "r", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date) && date > now ? date - now : fallback;
    }
}
