using System.Text;
using Azure;
using Azure.Identity;
using Azure.Security.KeyVault.Secrets;

namespace IncidentFox.Secrets.KeyVault;

/// <summary>
/// Azure Key Vault through its own client, which answers the vault's challenge and refuses one that names another resource.
/// The service gives expired and not yet valid secrets to whoever may read them, so their dates are checked here.
/// </summary>
internal sealed class KeyVaultSource(KeyVaultOptions options, KeyVaultConnection connection, TimeProvider time) : ISecretSource, IDisposable
{
    private readonly KeyVaultClients _clients = new(options, connection);

    public SecretScheme Scheme => SecretScheme.KeyVault;

    public async ValueTask<SecretResult> FetchAsync(SecretReference reference, CancellationToken cancellationToken)
    {
        try
        {
            KeyVaultSecret secret = await _clients.For(reference.Place!).GetSecretAsync(reference.Name, reference.Version, cancellationToken);
            return Judge(secret, reference);
        }
        catch (RequestFailedException e)
        {
            return KeyVaultErrors.ToResult(e, reference, time.GetUtcNow());
        }
        catch (AuthenticationFailedException)
        {
            // Also when there is no identity at all. Passing trouble of the token endpoint looks the same, so it counts as transient.
            return SecretResult.Unavailable(
                $"No token for Key Vault {reference.Place}: check this machine's workload or managed identity, or the AZURE_TENANT_ID, AZURE_CLIENT_ID and related variables.");
        }
        catch (AggregateException e) when (e.InnerExceptions.All(static i => i is RequestFailedException or HttpRequestException or IOException or OperationCanceledException))
        {
            cancellationToken.ThrowIfCancellationRequested();
            return SecretResult.Unavailable($"Key Vault {reference.Place} cannot be reached: check its name, DNS and the network policy.");
        }
        catch (InvalidOperationException e) when (e.Message.StartsWith("The challenge resource", StringComparison.Ordinal))
        {
            return SecretResult.Denied(
                $"What answers as Key Vault {reference.Place} asks for a token for something else, and gets none: check {SecretsOptions.SectionName}:KeyVault:Vaults and {nameof(KeyVaultOptions.DnsSuffix)}.");
        }
    }

    private SecretResult Judge(KeyVaultSecret secret, SecretReference reference)
    {
        var now = time.GetUtcNow();
        var (of, at) = (secret.Properties, $"The secret {reference.Name} in Key Vault {reference.Place}");
        if (of.Enabled == false)
        {
            return SecretResult.Disabled($"{at} is disabled: enable it or use another.");
        }

        if (of.ExpiresOn <= now)
        {
            return SecretResult.Expired($"{at} expired on {of.ExpiresOn:u}: store a new version.");
        }

        if (of.NotBefore > now)
        {
            return SecretResult.NotYetValid($"{at} is not valid before {of.NotBefore:u}: use an older version until then.");
        }

        if (string.IsNullOrEmpty(secret.Value) || Encoding.UTF8.GetByteCount(secret.Value) > SecretValue.MaxBytes)
        {
            return SecretResult.Denied($"{at} is empty or larger than {SecretValue.MaxBytes / 1024} KiB.");
        }

        return SecretResult.Found(new SecretValue(secret.Value, of.Version ?? reference.Version ?? "unversioned", now, of.ExpiresOn));
    }

    public void Dispose() => _clients.Dispose();
}
