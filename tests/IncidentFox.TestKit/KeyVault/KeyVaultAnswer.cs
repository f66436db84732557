using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;

namespace IncidentFox.TestKit.KeyVault;

/// <summary>The service's answers, word for word where clients are known to read them.</summary>
internal sealed record KeyVaultAnswer(int Status, string Body)
{
    private const string Help = "For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=";

    private static readonly JsonSerializerOptions Json = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    public string? RetryAfter { get; init; }

    public string ContentType { get; init; } = "application/json; charset=utf-8";

    public static KeyVaultAnswer NoToken { get; } = Error(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.");

    public static KeyVaultAnswer BadToken { get; } = Error(401, "Unauthorized", "AKV10022: Invalid audience. Expected https://vault.azure.net.");

    public static KeyVaultAnswer WrongHost { get; } = new(404, "") { ContentType = "text/html" };

    public static KeyVaultAnswer MethodNotAllowed { get; } = Error(405, "MethodNotAllowed", "Method not allowed.");

    public static KeyVaultAnswer SecretDisabled { get; } = Error(403, "Forbidden", "Operation get is not allowed on a disabled secret.", "SecretDisabled");

    public static KeyVaultAnswer Secret(object bundle) => new(200, JsonSerializer.Serialize(bundle, Json));

    public static KeyVaultAnswer SecretNotFound(string what) => Error(
        404,
        "SecretNotFound",
        $"A secret with (name/id) {what} was not found in this key vault. If you recently deleted this secret you may be able to recover it using the correct recovery command. {Help}2125182");

    public static KeyVaultAnswer ForbiddenByPolicy(string vault) => Error(
        403,
        "Forbidden",
        $"The user, group or application 'appid=app;oid=oid;iss=https://sts.windows.net/{KeyVaultIdentity.Tenant}/' does not have secrets get permission on key vault '{vault};location=westeurope'. {Help}2125287",
        "ForbiddenByPolicy");

    public static KeyVaultAnswer BadApiVersion(string version) => Error(400, "BadParameter", version.Length == 0 ? "api-version must be specified" : $"The specified version ({version}) is not recognized.");

    public static bool IsSupported(string? version) =>
        version is "7.0" or "7.1" or "7.2" or "7.3" or "7.4" or "7.5" or "7.6" or "2025-07-01" or "2026-04-01";

    public static KeyVaultAnswer Error(int status, string code, string message, string? inner = null) =>
        new(status, JsonSerializer.Serialize(new { error = new { code, message, innererror = inner is null ? null : new { code = inner } } }, Json));

    public async Task WriteAsync(HttpContext context)
    {
        if (context.RequestAborted.IsCancellationRequested)
        {
            return;
        }

        var response = context.Response;
        response.StatusCode = Status;
        response.ContentType = ContentType;
        response.Headers.CacheControl = "no-cache";
        response.Headers["x-ms-keyvault-service-version"] = "1.9.2250.1";
        if (RetryAfter is not null)
        {
            response.Headers.RetryAfter = RetryAfter;
        }

        await response.WriteAsync(Body, context.RequestAborted);
    }
}
