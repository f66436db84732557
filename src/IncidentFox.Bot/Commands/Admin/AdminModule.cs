using IncidentFox.Bot.Buttons;
using IncidentFox.Bot.Commands.Admin.Modals;
using IncidentFox.Core.Administration;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Storage;
using IncidentFox.Core.Tools;
using Microsoft.Extensions.DependencyInjection;

namespace IncidentFox.Bot.Commands.Admin;

/// <summary>Wiring of <c>/incidentfox-admin</c>: tools, workflows, policy, audit.</summary>
internal static class AdminModule
{
    public static IServiceCollection AddAdminCommands(this IServiceCollection services)
    {
        services.AddSingleton<ToolDirectory>();
        services.AddSingleton<KnownTools>();
        services.AddSingleton<PolicyDesk>();
        services.AddSingleton<PolicyGate>();
        services.AddSingleton<PolicyForms>();
        services.AddSingleton(p => new AuditVerifier(p.GetRequiredService<Database>(), p.GetRequiredService<ColumnCipher>()));
        services.AddSingleton<AuditProof>();
        services.AddSingleton<ICommand, ToolsCommand>();
        services.AddSingleton<ICommand, WorkflowsCommand>();
        services.AddSingleton<ICommand, PolicyCommand>();
        services.AddSingleton<ICommand, AuditCommand>();
        services.AddSingleton<IModalHandler, ToolForm>();
        services.AddSingleton<IModalHandler, WorkflowForm>();
        services.AddSingleton<IModalHandler, WholeForm>();
        return services;
    }
}
