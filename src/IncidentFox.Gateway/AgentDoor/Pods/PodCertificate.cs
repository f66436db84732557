using System.Net.Security;
using System.Security.Authentication;
using IncidentFox.Gateway.Injection.Certificates;
using IncidentFox.Secrets;
using IncidentFox.Secrets.Kubernetes;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Gateway.AgentDoor.Pods;

/// <summary>The door's certificate. A new one in its place serves the next connection; one that can't be used leaves the one before in use, as long as that is valid.</summary>
internal sealed class PodCertificate(SecretStore secrets, PodDoorOptions options, TimeProvider time, ILogger<PodCertificate> logger) : IHostedLifecycleService
{
    private const string ServerName = "incidentfox-gateway";

    private volatile Loaded? _loaded;
    private volatile string? _said;

    /// <summary>What the next connection is served with.</summary>
    /// <exception cref="AuthenticationException">There is none.</exception>
    public async ValueTask<SslServerAuthenticationOptions> ForHandshakeAsync(CancellationToken cancellationToken)
    {
        if (await LoadAsync(cancellationToken) is { } problem)
        {
            // Once: whoever connects, known or not, must not fill the log.
            if (_said != problem)
                logger.LogError("The certificate of the pods' door can't be used: {Problem}", problem);
            _said = problem;
            if (_loaded is not { } before || time.GetUtcNow() >= before.Certificate.TargetCertificate.NotAfter.ToUniversalTime())
                throw new AuthenticationException("There is no certificate.");
        }
        return new SslServerAuthenticationOptions
        {
            ServerCertificateContext = _loaded!.Certificate,
            EnabledSslProtocols = SslProtocols.Tls13,
            ApplicationProtocols = [SslApplicationProtocol.Http11],
            AllowRenegotiation = false,
            ClientCertificateRequired = false,
        };
    }

    /// <summary>Before anything listens: a door without a certificate is none.</summary>
    /// <exception cref="InvalidDataException">It can't be used, and why.</exception>
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        if (KubernetesApi.Problem(options.Kubeconfig) is { } kubeconfig)
            throw new InvalidDataException($"Gateway:Pods:Kubeconfig: {options.Kubeconfig} {kubeconfig}.");
        if (await LoadAsync(cancellationToken) is { } problem)
            throw new InvalidDataException($"Gateway:Pods:Certificate and Key: {problem}");
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async ValueTask<string?> LoadAsync(CancellationToken cancellationToken)
    {
        var certificate = await secrets.GetAsync(options.CertificateReference, SecretPurpose.Installation, cancellationToken);
        var key = await secrets.GetAsync(options.KeyReference, SecretPurpose.Installation, cancellationToken);
        if (!certificate.TryGet(out var chain))
            return certificate.Reason;
        if (!key.TryGet(out var secret))
            return key.Reason;
        if (_loaded is { } loaded && loaded.From == (chain.Version, secret.Version))
            return null;
        var (context, _, problem) = Pem.Client(chain.RevealForUse(), secret.RevealForUse(), time.GetUtcNow(), "certificate");
        if (context is null)
            return problem;
        if (!context.TargetCertificate.MatchesHostname(ServerName, allowWildcards: false, allowCommonName: false))
            return $"The certificate is not for the name {ServerName}: issue one with subjectAltName DNS:{ServerName}.";
        _loaded = new Loaded(context, (chain.Version, secret.Version));
        return null;
    }

    private sealed record Loaded(SslStreamCertificateContext Certificate, (string Certificate, string Key) From);
}
