using System.CommandLine;

namespace IncidentFox.Benchmarks.Gateway.Contestants;

/// <summary>What runs in the contestants' own processes: started by the benchmark, not by people.</summary>
internal static class ContestantCommand
{
    public static Command Create()
    {
        var socket = new Option<string>("--socket") { Required = true };
        var backend = new Option<string>("--backend") { Required = true };
        var yarp = new Command("yarp") { socket, backend };
        yarp.SetAction((parse, ct) => YarpProgram.RunAsync(parse.GetRequiredValue(socket), new Uri(parse.GetRequiredValue(backend)), ct));

        var config = new Option<FileInfo>("--config") { Required = true };
        var sandboxes = new Option<Guid[]>("--sandboxes") { Required = true, AllowMultipleArgumentsPerToken = true };
        var control = new Option<string>("--control") { Required = true };
        var gateway = new Command("gateway") { config, sandboxes, control };
        gateway.SetAction((parse, ct) => GatewayProgram.RunAsync(
            parse.GetRequiredValue(config), parse.GetRequiredValue(sandboxes), parse.GetRequiredValue(control), ct));
        return new Command("contestant") { yarp, gateway };
    }
}
