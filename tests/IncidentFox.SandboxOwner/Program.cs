using IncidentFox.Bot.Sandboxes;
using IncidentFox.Core;
using IncidentFox.TestKit.Probe;
using Microsoft.Extensions.Logging.Abstractions;

// Starts sandboxes whose agents outlive their door, says which, and waits to be killed.
if (args is not [var driver, var runtimeDirectory, var agentPath, var platform])
{
    Console.Error.WriteLine("usage: sandbox-owner <driver> <runtime directory> <agent> <gVisor platform>");
    return 64;
}

using var door = new ProbeDoor(runtimeDirectory);
var options = new LocalSandboxOptions
{
    Driver = driver,
    RuntimeDirectory = runtimeDirectory,
    AgentPath = agentPath,
    AllowUnisolated = driver == "none",
    GVisorPlatform = platform,
};
var choice = await LocalSandboxes.ChooseAsync(options, door, TimeProvider.System, NullLogger.Instance, CancellationToken.None);
if (choice is not LocalSandboxChoice.Chosen(var chosen))
{
    Console.Error.WriteLine(choice);
    return 1;
}

for (var i = 0; i < 2; i++)
{
    var id = SandboxId.New();
    if (await chosen.StartAsync(new(id, options.Limits), CancellationToken.None) is not SandboxStart.Started)
    {
        return 1;
    }

    var probe = await door.AcceptAsync(id, CancellationToken.None);
    await probe.AskAsync("ignore-sigterm", CancellationToken.None);
    await probe.TellAsync("sleep", CancellationToken.None);
    Console.WriteLine(id);
}

Console.WriteLine("ready");
await Task.Delay(Timeout.Infinite);
return 0;
