using IncidentFox.Gateway.Injection;
using IncidentFox.Gateway.Injection.Minting;
using IncidentFox.Gateway.Sending.Limits;
using IncidentFox.Secrets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace IncidentFox.Gateway.Sending;

/// <summary>Puts sending to integrations into a host that has <see cref="SecretStore"/> and the audit log.</summary>
public static class SendingModule
{
    /// <summary>Adds <see cref="IUpstreamSender"/>, and an audit row for every secret that is fetched and every token that is minted.</summary>
    public static IServiceCollection AddSending(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IHostResolver, SystemResolver>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ISecretObserver, SecretAudit>());
        services.TryAddSingleton<IMintObserver, MintAudit>();
        services.TryAddSingleton<CredentialSource>();
        services.TryAddSingleton<UpstreamSender>();
        services.TryAddSingleton<IUpstreamSender>(p => new LimitedSender(p.GetRequiredService<UpstreamSender>(), p.GetRequiredService<TimeProvider>()));
        return services;
    }
}
