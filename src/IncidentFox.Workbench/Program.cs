using System.CommandLine;
using IncidentFox.Workbench.Run;
using IncidentFox.Workbench.Smoke;

return await new RootCommand("The one-machine mode of IncidentFox: a Slack workspace, a broken shop and the product itself.")
{
    RunCommand.Create(),
    SmokeCommand.Create(),
}.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });
