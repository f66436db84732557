using System.CommandLine;
using IncidentFox.Host.Cli;
using IncidentFox.Host.Cli.Integrations;

var config = new Option<FileInfo?>("--config") { Description = "Configuration file; default: appsettings.json here, else what make run wrote.", Recursive = true };
var root = new RootCommand("IncidentFox: the incident bot for Slack.")
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
};
// Stopping is each command's own business: serve ends in order within 5 s, and nothing may cut it short.
return await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(15) });
