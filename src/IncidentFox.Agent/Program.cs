using System.Runtime.InteropServices;
using IncidentFox.Agent;
using IncidentFox.Agent.Cage;
using IncidentFox.Agent.Gateway;
using IncidentFox.Agent.Investigating;

if (args.Length > 1)
{
    Console.Error.WriteLine("usage: incidentfox-agent [path of the gateway's socket]");
    return ExitCodes.Usage;
}

ProcessLimits.Apply();
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => Environment.Exit(ExitCodes.Terminated));
using var gateway = new GatewayClient(args.Length == 1 ? args[0] : "/run/incidentfox/gateway.sock", TimeProvider.System);
var (code, said) = await new Session(gateway, TimeProvider.System, CageProbes.Everywhere()).RunAsync(CancellationToken.None);
if (said is not null)
    Console.Error.WriteLine(said);
return code;
