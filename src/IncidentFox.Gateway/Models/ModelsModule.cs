using IncidentFox.Gateway.AgentDoor.Endpoints;
using IncidentFox.Gateway.Models.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace IncidentFox.Gateway.Models;

internal static class ModelsModule
{
    public static void AddModels(this IServiceCollection services, ModelCatalog catalog)
    {
        services.AddSingleton(catalog);
        services.AddSingleton<ModelUsage>();
        services.AddSingleton<ModelTrail>();
        services.AddSingleton<ProviderClient>();
        services.AddSingleton<ModelTurns>();
        services.AddSingleton<ModelAdmission>();
        services.AddSingleton<ModelEndpoint>();
    }
}
