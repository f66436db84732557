using IncidentFox.Secrets.KeyVault;
using IncidentFox.Secrets.Kubernetes;
using IncidentFox.Secrets.Sources;
using IncidentFox.Secrets.Vault;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace IncidentFox.Secrets;

/// <summary>Puts secrets into a host.</summary>
public static class SecretsModule
{
    /// <summary>
    /// Adds <see cref="SecretStore"/> and its sources. Register <see cref="ISecretObserver"/>s to audit every fetch, and a
    /// <see cref="KeyVaultConnection"/> to replace the machine's identity.
    /// </summary>
    /// <exception cref="OptionsValidationException">The options have mistakes; the message names all of them.</exception>
    public static IServiceCollection AddSecrets(this IServiceCollection services, SecretsOptions options)
    {
        if (options.Validate() is { Count: > 0 } errors)
        {
            throw new OptionsValidationException(SecretsOptions.SectionName, typeof(SecretsOptions), errors);
        }

        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(new KeyVaultConnection());
        services.AddLogging();
        services.AddSingleton(options);
        services.AddSingleton<ISecretSource>(p => new KeyVaultSource(options.KeyVault, p.GetRequiredService<KeyVaultConnection>(), p.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ISecretSource>(p => new VaultSource(
            options.Vault, VaultKey(p), p.GetRequiredService<TimeProvider>(), p.GetRequiredService<ILogger<VaultSource>>()));
        services.AddSingleton<ISecretSource>(p => new KubernetesSource(options.Kubernetes, p.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ISecretSource>(p => new FileSource(options.File, p.GetRequiredService<TimeProvider>()));
#pragma warning disable RS0030 // Not configuration: the reference names the variable, and only where AllowEnvironment is set.
        services.AddSingleton<ISecretSource>(p => new EnvironmentSource(options.AllowEnvironment, Environment.GetEnvironmentVariable, p.GetRequiredService<TimeProvider>()));
#pragma warning restore RS0030
        services.AddSingleton<SecretStore>();
        return services;
    }

    // What opens Vault is kept in another store, which the one store asks: cached, audited, and resolved late because that store holds Vault as well.
    private static VaultLogin.SecretLookup VaultKey(IServiceProvider services) => (reference, fresh, cancellationToken) =>
    {
        var store = services.GetRequiredService<SecretStore>();
        return fresh
            ? store.GetFreshAsync(reference, SecretPurpose.Installation, cancellationToken)
            : store.GetAsync(reference, SecretPurpose.Installation, cancellationToken);
    };
}
