using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Gateway.Injection.Minting;

namespace IncidentFox.Gateway.Injection;

/// <summary>
/// An installation's token of a GitHub App, asked for with a token that its key signs
/// (https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app).
/// </summary>
internal sealed class GitHubAppInjector(TokenMint mint, MintClient client, TimeProvider time) : IInjector
{
    /// <inheritdoc />
    public async ValueTask<Injected> InjectAsync(InjectionContext context, CancellationToken cancellationToken) =>
        MintedToken.Add(context, await mint.GetAsync(context, ct => MintAsync(context, ct), cancellationToken), context.Secrets["private_key"]);

    private async Task<FreshCredential> MintAsync(InjectionContext context, CancellationToken cancellationToken)
    {
        var auth = context.Integration.Auth;
        var reference = auth.ReferenceFor(context.Write);
        var now = time.GetUtcNow();
        // A minute back for clocks that differ; ten minutes ahead is the most that is taken.
        var assertion = JsonWebToken.Sign(context.Secrets["private_key"].RevealForUse(), null, new JsonObject
        {
            ["iat"] = now.AddSeconds(-60).ToUnixTimeSeconds(), ["exp"] = now.AddMinutes(9).ToUnixTimeSeconds(), ["iss"] = auth.Option("app_id"),
        }, reference);
        using var message = new HttpRequestMessage(HttpMethod.Post, $"{context.Integration.BaseUrl.AbsoluteUri.TrimEnd('/')}/app/installations/{auth.Option("installation_id")}/access_tokens");
        message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", assertion);
        message.Headers.TryAddWithoutValidation("Accept", "application/vnd.github+json");
        message.Headers.TryAddWithoutValidation("X-GitHub-Api-Version", "2022-11-28");
        var host = message.RequestUri!.Host;
        using var json = TokenEndpoint.Read(await client.SendAsync(context, message, cancellationToken), 201, host, reference);
        var token = TokenEndpoint.Token(json.RootElement, "token", host);
        return json.RootElement.TryGetProperty("expires_at", out var at) && at.ValueKind == JsonValueKind.String
            && DateTimeOffset.TryParse(at.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var expires)
            ? new([token], expires - now)
            : throw new MintException($"{host} does not say until when its token holds (expires_at).");
    }
}
