using System.Net.Http.Headers;
using System.Text;
using IncidentFox.Gateway.Injection.Minting;

namespace IncidentFox.Gateway.Injection;

/// <summary>A bearer token for a client's id and secret (RFC 6749, section 4.4).</summary>
internal sealed class OAuth2Injector(TokenMint mint, MintClient client) : IInjector
{
    /// <inheritdoc />
    public async ValueTask<Injected> InjectAsync(InjectionContext context, CancellationToken cancellationToken) =>
        MintedToken.Add(context, await mint.GetAsync(context, ct => MintAsync(context, ct), cancellationToken), context.Secrets["client_secret"]);

    private async Task<FreshCredential> MintAsync(InjectionContext context, CancellationToken cancellationToken)
    {
        var auth = context.Integration.Auth;
        var (id, secret) = (auth.Option("client_id")!, context.Secrets["client_secret"].RevealForUse());
        var post = auth.Option("client_auth") == "post";
        using var message = MintRequest.Form(
            auth.Option("token_url")!,
            ("grant_type", "client_credentials"), ("scope", auth.Option("scope")), ("audience", auth.Option("audience")),
            ("client_id", post ? id : null), ("client_secret", post ? secret : null));
        if (!post)
        {
            // Section 2.3.1: both are form-encoded before they are joined.
            var pair = Convert.ToBase64String(Encoding.ASCII.GetBytes($"{MintRequest.Encode(id)}:{MintRequest.Encode(secret)}"));
            message.Headers.Authorization = new AuthenticationHeaderValue("Basic", pair);
        }
        var answer = await client.SendAsync(context, message, cancellationToken);
        return TokenEndpoint.ReadOAuth(answer, message.RequestUri!.Host, auth.ReferenceFor(context.Write));
    }
}
