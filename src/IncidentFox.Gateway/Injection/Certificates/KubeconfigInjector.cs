using IncidentFox.Gateway.Scrubbing;

namespace IncidentFox.Gateway.Injection.Certificates;

/// <summary>
/// What a kubeconfig file says of one context: a token, a client certificate, or both, and the cluster's authority. What would run a program,
/// read another file or skip a check is refused.
/// </summary>
internal sealed class KubeconfigInjector(TimeProvider time) : IInjector
{
    private readonly ParsedSecrets<KubeAccess> _parsed = new(time);

    /// <inheritdoc />
    public ValueTask<Injected> InjectAsync(InjectionContext context, CancellationToken cancellationToken)
    {
        var integration = context.Integration;
        var name = integration.Auth.Option("context");
        var access = _parsed.Get($"{context.Secrets.Digest()} {name}", () => KubeconfigFile.Read(context.Secrets["kubeconfig"].RevealForUse(), name, time.GetUtcNow()));
        if (access.Problem is not null)
            return new(Injected.Refuse(access.Problem));
        // The file is a secret, the integration is reviewed: where credentials go is for the latter to say.
        if (!IsSame(access.Server!, integration.BaseUrl))
            return new(Injected.Refuse("The kubeconfig's server is not the integration's base_url: a credential goes where both say."));
        var secrets = new List<string>(access.Secrets.Where(SecretPatterns.CanHold));
        if (access.Token is { } token)
        {
            var added = BearerInjector.Inject(context.Message, token);
            if (added.Problem is not null)
                return new(added);
            if (!SecretPatterns.CanHold(token))
                secrets.Add(token);   // refused for its length, as every credential is
        }
        if (access.Tls?.Certificate is not null && integration.BaseUrl.Scheme != Uri.UriSchemeHttps)
            return new(Injected.Refuse("A client certificate needs a base_url with https."));
        return new(new Injected(secrets, null) { Tls = access.Tls });
    }

    private static bool IsSame(Uri a, Uri b) =>
        a.Scheme == b.Scheme && string.Equals(a.Host, b.Host, StringComparison.OrdinalIgnoreCase) && a.Port == b.Port
        && a.AbsolutePath.TrimEnd('/') == b.AbsolutePath.TrimEnd('/') && a.Query.Length == 0;
}
