using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Gateway.Injection.Minting;
using IncidentFox.Gateway.Scrubbing;
using IncidentFox.Secrets;

namespace IncidentFox.Gateway.Injection;

/// <summary>
/// A bearer token for a service account's key: a signed assertion is exchanged for it
/// (https://developers.google.com/identity/protocols/oauth2/service-account#httprest, RFC 7523).
/// </summary>
internal sealed class GoogleServiceAccountInjector(TokenMint mint, MintClient client, TimeProvider time) : IInjector
{
    /// <inheritdoc />
    public async ValueTask<Injected> InjectAsync(InjectionContext context, CancellationToken cancellationToken) =>
        MintedToken.Add(context, await mint.GetAsync(context, ct => MintAsync(context, ct), cancellationToken));

    private async Task<FreshCredential> MintAsync(InjectionContext context, CancellationToken cancellationToken)
    {
        var auth = context.Integration.Auth;
        var reference = auth.ReferenceFor(context.Write);
        var url = auth.Option("token_url")!;
        if (TryRead(context.Secrets["key"]) is not { } key)
            throw new MintException($"What is at {reference} is no key file of a service account (JSON with type service_account, client_email and private_key).");
        if (key.TokenUri != url)
            throw new MintException($"The key at {reference} names another token_uri than the integration's token_url: it is not asked. State it as token_url if it is the right one.");
        var now = time.GetUtcNow();
        var assertion = JsonWebToken.Sign(key.PrivateKey, key.Id, new JsonObject
        {
            ["iss"] = key.Email, ["scope"] = auth.Option("scope"), ["aud"] = url, ["iat"] = now.ToUnixTimeSeconds(), ["exp"] = now.AddHours(1).ToUnixTimeSeconds(),
        }, reference);
        using var message = MintRequest.Form(url, ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", assertion));
        var answer = await client.SendAsync(context, message, cancellationToken);
        var token = TokenEndpoint.ReadOAuth(answer, message.RequestUri!.Host, reference);
        // The file as a whole is found nowhere else; the key in it may be.
        return key.PrivateKey.Trim() is var pem && SecretPatterns.CanHold(pem) ? token with { Values = [.. token.Values, pem] } : token;
    }

    private static KeyFile? TryRead(SecretValue secret)
    {
        try
        {
            using var json = JsonDocument.Parse(secret.RevealForUse(), new JsonDocumentOptions { MaxDepth = 4, AllowDuplicateProperties = false });
            string? Text(string name) => json.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
            return json.RootElement.ValueKind == JsonValueKind.Object && Text("type") == "service_account"
                && Text("client_email") is { Length: > 0 } email && Text("private_key") is { Length: > 0 } key
                ? new(email, key, Text("private_key_id"), Text("token_uri"))
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private sealed record KeyFile(string Email, string PrivateKey, string? Id, string? TokenUri)
    {
        public override string ToString() => "[redacted]";
    }
}
