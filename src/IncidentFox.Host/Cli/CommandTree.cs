using System.CommandLine;
using IncidentFox.Host.Cli.Integrations;
using IncidentFox.Host.Cli.Sandboxes;

namespace IncidentFox.Host.Cli;

/// <summary>Every command of <c>incidentfox</c>.</summary>
public static class CommandTree
{
    /// <summary>The root command.</summary>
    public static RootCommand Create()
    {
        var config = new Option<FileInfo?>("--config") { Description = "Configuration file; default: appsettings.json here, else what make run wrote.", Recursive = true };
        return new RootCommand("IncidentFox: the incident bot for Slack.")
        {
            config,
            ServeCommand.Create(config),
            MigrateCommand.Create(config),
            AuditCommand.Create(config),
            GatewayCommand.Create(config),
            IntegrationsCommand.Create(config),
            RolesCommand.Create(config),
            AccessReviewCommand.Create(config),
            StopCommands.Freeze(config),
            StopCommands.Unfreeze(config),
            ToolsCommand.Create(config),
            WorkflowsCommand.Create(config),
            PolicyCommand.Create(config),
            ApprovalsCommand.Create(config),
            SandboxCommand.Create(),
        };
    }
}
