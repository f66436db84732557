using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace IncidentFox.Agent.Gateway;

/// <summary>
/// A pod's way to the gateway: TLS 1.3 to one address. Only the mounted authority is trusted, none of the system's; the name is always the same, since
/// sandboxes have no DNS. Both files are read anew each time: a cluster rotates them.
/// </summary>
internal sealed class TlsDialer(IPEndPoint gateway, string authorityFile, string tokenFile) : IGatewayDialer
{
    /// <summary>The only name that the gateway's certificate may prove.</summary>
    public const string GatewayName = "incidentfox-gateway";

    private const int MostAuthorityBytes = 256 * 1024, MostTokenBytes = 16 * 1024;

    /// <summary>A gateway that accepts and then says nothing is none.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public string Host => GatewayName;

    public async ValueTask<Stream> DialAsync(CancellationToken ct)
    {
        var trust = Trust(await ReadAsync(authorityFile, "the gateway's authority", MostAuthorityBytes, ct));
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(Patience);
        var socket = new Socket(gateway.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        SslStream? tls = null;
        var problem = "";
        try
        {
            await socket.ConnectAsync(gateway, patience.Token);
            tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = GatewayName,
                    EnabledSslProtocols = SslProtocols.Tls13,
                    CertificateChainPolicy = trust,
                    RemoteCertificateValidationCallback = (_, _, chain, errors) => (problem = Problem(chain, errors)).Length == 0,
                },
                patience.Token);
            return tls;
        }
        catch (Exception e) when (e is SocketException or IOException or AuthenticationException or OperationCanceledException && !ct.IsCancellationRequested)
        {
            (tls as IDisposable ?? socket).Dispose();
            throw e switch
            {
                AuthenticationException when problem.Length > 0 => new DialException($"{gateway} is not the gateway: {problem}", untrusted: true, e),
                AuthenticationException => new DialException($"{gateway} does not speak TLS 1.3 as the gateway does", untrusted: true, e),
                OperationCanceledException => new DialException($"the gateway at {gateway} did not answer within {Patience.TotalSeconds:0} s", cause: e),
                SocketException socketError => new DialException($"the gateway at {gateway} could not be reached ({socketError.SocketErrorCode})", cause: e),
                _ => new DialException($"the gateway at {gateway} closed the connection before it had proved itself", cause: e),
            };
        }
    }

    public async ValueTask<string?> TokenAsync(CancellationToken ct)
    {
        var token = (await ReadAsync(tokenFile, "the pod's token", MostTokenBytes, ct)).Trim();
        return token.Length > 0 && token.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_') ? token : throw new DialException($"{tokenFile} holds no token");
    }

    private static async Task<string> ReadAsync(string file, string what, int most, CancellationToken ct)
    {
        try
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[most + 1];
            var length = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, ct);
            return length <= most ? Encoding.ASCII.GetString(bytes, 0, length) : throw new DialException($"{file} is too large for {what}");
        }
        catch (Exception e) when (e is UnauthorizedAccessException or (IOException and not DialException))
        {
            throw new DialException($"{what} could not be read from {file}", cause: e);
        }
    }

    private X509ChainPolicy Trust(string pem)
    {
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        try
        {
            trust.CustomTrustStore.ImportFromPem(pem);
        }
        catch (CryptographicException e)
        {
            throw new DialException($"{authorityFile} is damaged: it must hold certificates in PEM", cause: e);
        }
        return trust.CustomTrustStore.Count > 0 ? trust : throw new DialException($"{authorityFile} holds no certificate");
    }

    // The first thing that is wrong, most telling first.
    private static string Problem(X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors == SslPolicyErrors.None)
            return "";
        var flaws = chain?.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, s) => all | s.Status) ?? X509ChainStatusFlags.NoError;
        return errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable) ? "it showed no certificate"
            : (flaws & (X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.NotSignatureValid)) != X509ChainStatusFlags.NoError ? "its certificate is not from the mounted authority"
            : flaws.HasFlag(X509ChainStatusFlags.NotTimeValid) ? "its certificate, or the authority's, has expired or is not valid yet"
            : errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) ? $"its certificate is not for {GatewayName}"
            : $"its certificate is not good for that ({flaws})";
    }
}
