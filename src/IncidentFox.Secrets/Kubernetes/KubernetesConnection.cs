using IncidentFox.Secrets.Http;

namespace IncidentFox.Secrets.Kubernetes;

/// <summary>The way to one API server. A kubeconfig or a certificate authority that is replaced is read anew.</summary>
internal sealed class KubernetesConnection(KubernetesOptions options) : IDisposable
{
    private readonly Lock _gate = new();
    private (StoreHttp Http, KubeconfigFile? File, DateTime Written)? _open;

    /// <summary>Asks once; only cancellation throws.</summary>
    public async Task<StoreAnswer> SendAsync(HttpMethod method, string path, byte[]? json, CancellationToken cancellationToken)
    {
        var (http, headers, problem) = await PrepareAsync(cancellationToken);
        return http is null ? StoreAnswer.None(problem!) : await http.SendAsync(method, path, headers, json, cancellationToken);
    }

    /// <summary>Opens an answer that goes on; see <see cref="StoreHttp.OpenAsync"/>.</summary>
    public async Task<(int Status, HttpResponseMessage? Answer)> OpenAsync(string path, CancellationToken cancellationToken)
    {
        var (http, headers, problem) = await PrepareAsync(cancellationToken);
        return http is null ? throw new IOException(problem) : await http.OpenAsync(path, headers, cancellationToken);
    }

    private async Task<(StoreHttp? Http, List<(string, string)> Headers, string? Problem)> PrepareAsync(CancellationToken cancellationToken)
    {
        List<(string, string)> headers = [("Accept", "application/json")];
        var (http, file, problem) = Open();
        if (http is null)
        {
            return (null, headers, problem);
        }

        var token = file?.Token;
        if (file is null or { TokenFile: not null, Token: null })
        {
            (token, problem) = await TokenFile.ReadAsync(file?.TokenFile ?? options.TokenFile, cancellationToken);
            if (token is null)
            {
                return (null, headers, problem);
            }
        }

        if (token is not null)
        {
            headers.Add(("Authorization", "Bearer " + token));
        }

        return (http, headers, null);
    }

    private (StoreHttp? Http, KubeconfigFile? File, string? Problem) Open()
    {
        lock (_gate)
        {
            var path = options.Kubeconfig ?? options.CaFile;
            var written = File.GetLastWriteTimeUtc(path);
            if (_open is { } open && open.Written == written)
            {
                return (open.Http, open.File, null);
            }

            KubeconfigFile? file = null;
            string? problem;
            var authorities = options.Kubeconfig is null ? Authorities.Load(options.CaFile, out problem) : (file = KubeconfigFile.Load(options.Kubeconfig, options.Context, out problem))?.Authorities;
            if (problem is not null)
            {
                return (null, null, $"{path} {problem}");
            }

            // Requests that are under way keep the old one; it goes when they are done and nobody refers to it any more.
            var http = new StoreHttp(file?.Server ?? new Uri(options.ApiServer), authorities, file?.ClientCertificate);
            _open = (http, file, written);
            return (http, file, null);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _open?.Http.Dispose();
        }
    }
}
