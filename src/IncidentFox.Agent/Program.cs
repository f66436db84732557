using System.Runtime.InteropServices;
using IncidentFox.Agent;
using IncidentFox.Agent.Cage;
using IncidentFox.Agent.Conformance;
using IncidentFox.Agent.Gateway;
using IncidentFox.Agent.Investigating;
using IncidentFox.Agent.Relaying;
using IncidentFox.Agent.Serving;

if (args.Length > 1 && args[0] is not ("relay" or "conform" or "serve"))
{
    Console.Error.WriteLine("usage: incidentfox-agent [path of the gateway's socket]");
    Console.Error.WriteLine(ServeCommand.Usage);
    Console.Error.WriteLine(RelayCommand.Usage);
    Console.Error.WriteLine(ConformCommand.Usage);
    return ExitCodes.Usage;
}

ProcessLimits.Apply();
if (args is ["conform", .. var acts])
    return await ConformCommand.RunAsync(acts, Console.Out, Console.Error);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => Environment.Exit(ExitCodes.Terminated));
if (args is ["relay", .. var rest])
    return await RelayCommand.RunAsync(rest, Console.Error);
if (args is ["serve", .. var how])
    return await ServeCommand.RunAsync(how, Console.Error);
using var gateway = new GatewayClient(args.Length == 1 ? args[0] : DefaultSocket, TimeProvider.System);
var (code, said) = await new Session(gateway, TimeProvider.System, CageProbes.Everywhere()).RunAsync(CancellationToken.None);
if (said is not null)
    Console.Error.WriteLine(said);
return code;

internal sealed partial class Program
{
    /// <summary>Where a sandbox finds its only way out.</summary>
    internal const string DefaultSocket = "/run/incidentfox/gateway.sock";
}
