using System.CommandLine;
using IncidentFox.Host.Cli;

// Stopping is each command's own business: serve ends in order within 5 s, and nothing may cut it short.
return await CommandTree.Create().Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(15) });
