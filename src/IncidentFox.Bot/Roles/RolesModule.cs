using IncidentFox.Bot.Commands;
using IncidentFox.Bot.Roles.Storage;
using IncidentFox.Core.Identity;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace IncidentFox.Bot.Roles;

internal static class RolesModule
{
    public static IServiceCollection AddRoles(this IServiceCollection services)
    {
        services.TryAddSingleton<People>();
        services.TryAddSingleton<RoleGrants>();
        services.TryAddSingleton<AccessReview>();
        services.AddSingleton<Newcomers>();
        services.AddSingleton<UserGroupStore>();
        services.AddSingleton<UserGroupRefresher>();
        services.AddHostedService(p => p.GetRequiredService<UserGroupRefresher>());
        services.AddSingleton<ICommand, RolesCommand>();
        services.AddSingleton<ICommand, AccessReviewCommand>();
        return services;
    }
}
