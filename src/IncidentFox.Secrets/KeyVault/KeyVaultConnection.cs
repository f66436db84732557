using Azure.Core;

namespace IncidentFox.Secrets.KeyVault;

/// <summary>
/// Replaces what the machine gives to reach Key Vault. Register one before <see cref="SecretsModule.AddSecrets"/>; there is no
/// configuration for it.
/// </summary>
public sealed class KeyVaultConnection
{
    /// <summary>The identity to use, or null for the machine's own.</summary>
    public TokenCredential? Credential { get; init; }

    /// <summary>Makes the handler that requests to vaults go through, or null for the usual one.</summary>
    public Func<HttpMessageHandler>? Handler { get; init; }
}
