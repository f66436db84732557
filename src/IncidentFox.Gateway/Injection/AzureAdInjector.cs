using IncidentFox.Gateway.Injection.Minting;

namespace IncidentFox.Gateway.Injection;

/// <summary>
/// A bearer token of Microsoft Entra ID for an application: by its secret, or by a token it trusts
/// (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow).
/// </summary>
internal sealed class AzureAdInjector(TokenMint mint, MintClient client) : IInjector
{
    private const string AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

    /// <inheritdoc />
    public async ValueTask<Injected> InjectAsync(InjectionContext context, CancellationToken cancellationToken) =>
        MintedToken.Add(context, await mint.GetAsync(context, ct => MintAsync(context, ct), cancellationToken), context.Secrets.Find("client_secret"), context.Secrets.Find("federated_token"));

    private async Task<FreshCredential> MintAsync(InjectionContext context, CancellationToken cancellationToken)
    {
        var auth = context.Integration.Auth;
        var assertion = context.Secrets.Find("federated_token")?.RevealForUse().Trim();
        using var message = MintRequest.Form(
            $"{auth.Option("authority")!.TrimEnd('/')}/{auth.Option("tenant_id")}/oauth2/v2.0/token",
            ("client_id", auth.Option("client_id")), ("scope", auth.Option("scope")), ("grant_type", "client_credentials"),
            ("client_secret", context.Secrets.Find("client_secret")?.RevealForUse()),
            ("client_assertion_type", assertion is null ? null : AssertionType), ("client_assertion", assertion));
        var answer = await client.SendAsync(context, message, cancellationToken);
        return TokenEndpoint.ReadOAuth(answer, message.RequestUri!.Host, auth.ReferenceFor(context.Write));
    }
}
