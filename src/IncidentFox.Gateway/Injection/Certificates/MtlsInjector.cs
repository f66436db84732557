namespace IncidentFox.Gateway.Injection.Certificates;

/// <summary>A client certificate in the TLS handshake. Nothing is added to the request itself.</summary>
internal sealed class MtlsInjector(TimeProvider time) : IInjector
{
    private readonly ParsedSecrets<Parsed> _parsed = new(time);

    /// <inheritdoc />
    public ValueTask<Injected> InjectAsync(InjectionContext context, CancellationToken cancellationToken)
    {
        if (context.Integration.BaseUrl.Scheme != Uri.UriSchemeHttps)
            return new(Injected.Refuse("A client certificate needs a base_url with https."));
        var parsed = _parsed.Get(context.Secrets.Digest(), () => Parse(context.Secrets));
        return new(parsed.Tls is { } tls
            ? new Injected(MintedToken.Searchable(context.Secrets["private_key"]), null) { Tls = tls }
            : Injected.Refuse(parsed.Problem!));
    }

    private Parsed Parse(CredentialSlots secrets)
    {
        var (certificate, key, problem) = Pem.Client(secrets["certificate"].RevealForUse(), secrets["private_key"].RevealForUse(), time.GetUtcNow());
        return new(certificate is null ? null : new TlsIdentity(key, certificate, null), problem);
    }

    private sealed record Parsed(TlsIdentity? Tls, string? Problem);
}
