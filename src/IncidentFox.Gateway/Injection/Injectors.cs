using IncidentFox.Gateway.Injection.Aws;
using IncidentFox.Gateway.Injection.Certificates;
using IncidentFox.Gateway.Injection.Minting;
using IncidentFox.Gateway.Rules;

namespace IncidentFox.Gateway.Injection;

/// <summary>The class of each scheme.</summary>
internal sealed class Injectors(TokenMint mint, MintClient client, TimeProvider time)
{
    private readonly NoneInjector _none = new();
    private readonly BearerInjector _bearer = new();
    private readonly BasicInjector _basic = new();
    private readonly HeaderInjector _header = new();
    private readonly QueryInjector _query = new();
    private readonly OAuth2Injector _oauth2 = new(mint, client);
    private readonly GitHubAppInjector _gitHub = new(mint, client, time);
    private readonly SigV4Injector _aws = new(mint, new AssumeRole(client, time), time);
    private readonly AzureAdInjector _azure = new(mint, client);
    private readonly GoogleServiceAccountInjector _google = new(mint, client, time);
    private readonly MtlsInjector _mtls = new(time);
    private readonly KubeconfigInjector _kubeconfig = new(time);

    public IInjector For(AuthScheme scheme) => scheme switch
    {
        AuthScheme.None => _none,
        AuthScheme.Bearer => _bearer,
        AuthScheme.Basic => _basic,
        AuthScheme.Header => _header,
        AuthScheme.Query => _query,
        AuthScheme.OAuth2ClientCredentials => _oauth2,
        AuthScheme.GitHubApp => _gitHub,
        AuthScheme.AwsSigV4 => _aws,
        AuthScheme.AzureAd => _azure,
        AuthScheme.GoogleServiceAccount => _google,
        AuthScheme.Mtls => _mtls,
        AuthScheme.Kubeconfig => _kubeconfig,
        _ => throw new ArgumentOutOfRangeException(nameof(scheme), scheme, "There is no such scheme."),
    };
}
