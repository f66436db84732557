using System.Text.Json;
using IncidentFox.Secrets.Http;

namespace IncidentFox.Secrets.Vault;

/// <summary>Vault's HTTP API as far as it is needed here: https://developer.hashicorp.com/vault/api-docs.</summary>
internal sealed class VaultApi(VaultOptions options) : IDisposable
{
    private readonly StoreHttp _http = new(
        new Uri(options.Address!),
        options.CaFile is null ? null : Authorities.Load(options.CaFile, out var problem) ?? throw new InvalidOperationException($"{options.CaFile} {problem}."));

    /// <summary>Reads the newest version: https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2#read-secret-version.</summary>
    public Task<StoreAnswer> ReadAsync(string mount, string path, string token, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, $"{mount}/data/{path}", token, null, cancellationToken);

    public Task<StoreAnswer> LoginAsync(string mount, Dictionary<string, string> body, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, $"auth/{mount}/login", null, body, cancellationToken);

    /// <summary>https://developer.hashicorp.com/vault/api-docs/auth/token#lookup-a-token-self</summary>
    public Task<StoreAnswer> LookUpSelfAsync(string token, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, "auth/token/lookup-self", token, null, cancellationToken);

    /// <summary>https://developer.hashicorp.com/vault/api-docs/auth/token#renew-a-token-self</summary>
    public Task<StoreAnswer> RenewSelfAsync(string token, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, "auth/token/renew-self", token, [], cancellationToken);

    private Task<StoreAnswer> SendAsync(HttpMethod method, string path, string? token, Dictionary<string, string>? body, CancellationToken cancellationToken)
    {
        List<(string, string)> headers = [("X-Vault-Request", "true")];
        if (options.Namespace is not null)
        {
            headers.Add(("X-Vault-Namespace", options.Namespace));
        }

        if (token is not null)
        {
            headers.Add(("X-Vault-Token", token));
        }

        return _http.SendAsync(method, "v1/" + path, headers, body is null ? null : JsonSerializer.SerializeToUtf8Bytes(body), cancellationToken);
    }

    public void Dispose() => _http.Dispose();
}
