using Microsoft.Extensions.Logging;

namespace IncidentFox.Secrets.Vault;

/// <summary>HashiCorp Vault, secrets engine KV version 2. Signs in when it is first needed.</summary>
internal sealed class VaultSource(VaultOptions options, VaultLogin.SecretLookup secrets, TimeProvider time, ILogger<VaultSource> logger) : ISecretSource, IDisposable
{
    private readonly Lock _making = new();
    private (VaultApi Api, VaultSession Session)? _vault;
    private bool _disposed;

    public SecretScheme Scheme => SecretScheme.Vault;

    public async ValueTask<SecretResult> FetchAsync(SecretReference reference, CancellationToken cancellationToken)
    {
        if (options.Address is null)
        {
            return SecretResult.Denied($"HashiCorp Vault is not set up here, so {reference} cannot be read: set {SecretsOptions.SectionName}:Vault:{nameof(VaultOptions.Address)}.");
        }

        var (api, session) = Connect();
        string? refused = null;
        while (true)
        {
            var (token, problem) = await session.TokenAsync(refused, cancellationToken);
            if (token is null)
            {
                return problem!;
            }

            var answer = await api.ReadAsync(reference.Place!, reference.Name, token, cancellationToken);
            if (answer.Status != 403 || refused is not null || await session.IsKnownAsync(token, cancellationToken))
            {
                return VaultAnswers.ToResult(answer, reference, time.GetUtcNow());
            }

            refused = token;   // revoked or over: once more with another
        }
    }

    private (VaultApi Api, VaultSession Session) Connect()
    {
        lock (_making)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_vault is { } vault)
            {
                return vault;
            }

            var api = new VaultApi(options);
            _vault = (api, new VaultSession(api, new VaultLogin(options, api, secrets, time), time, logger));
            return _vault.Value;
        }
    }

    public void Dispose()
    {
        lock (_making)
        {
            _disposed = true;
            _vault?.Session.Dispose();
            _vault?.Api.Dispose();
        }
    }
}
