using System.Globalization;
using System.Net.Sockets;
using IncidentFox.Core;
using IncidentFox.Core.Sandboxes;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>Starts one sandbox with the real agent and waits for it to knock at a door that never answers.</summary>
internal static class SelfCheck
{
    /// <summary>Null when it works, else why not.</summary>
    public static async Task<string?> RunAsync(
        ISandboxRuntime runtime, LocalSandboxOptions options, CgroupHost? cgroups, TimeProvider time, ILogger logger, CancellationToken ct)
    {
        using var door = new KnockDoor(options.RuntimeDirectory);
        var root = SandboxRoot.Create(options.RuntimeDirectory, options.AgentPath, LocalSandboxes.RootName());
        await using var driver = new LocalSandboxDriver(runtime, options, root, cgroups, door, time, logger);
        var start = await driver.StartAsync(new(SandboxId.New(), options.Limits with { Duration = options.SelfCheckTimeout }), ct);
        if (start is not SandboxStart.Started(var sandbox))
        {
            return ((SandboxStart.Refused)start).Sentence;
        }

        var knocked = door.KnockedAsync(ct);
        await Task.WhenAny(knocked, sandbox.Exited);
        if (knocked.IsCompletedSuccessfully)
        {
            await sandbox.StopAsync(ct);
            return null;
        }

        ct.ThrowIfCancellationRequested();

        var exit = await sandbox.Exited;
        return exit.Kind == SandboxExitKind.TimedOut
            ? string.Create(CultureInfo.InvariantCulture, $"the agent did not reach its socket within {options.SelfCheckTimeout.TotalSeconds} s")
            : $"the sandbox ended with {exit.Kind} ({exit.ExitCode}): {exit.LogTail}";
    }

    private sealed class KnockDoor(string runtimeDirectory) : ISandboxDoor, IDisposable
    {
        private readonly Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

        public ValueTask<string> OpenAsync(SandboxId sandbox, CancellationToken cancellationToken)
        {
            var folder = Directory.CreateDirectory(Path.Combine(runtimeDirectory, new SandboxLayout(runtimeDirectory, sandbox).Short[^8..]));
            var path = Path.Combine(folder.FullName, "gateway.sock");
            socket.Bind(new UnixDomainSocketEndPoint(path));
            socket.Listen();
            return ValueTask.FromResult(path);
        }

        public async Task KnockedAsync(CancellationToken ct)
        {
            using var connection = await socket.AcceptAsync(ct); // fails when the sandbox has ended and its door is closed
        }

        // The folder is removed with what else is left of the sandbox.
        public ValueTask CloseAsync(SandboxId sandbox, CancellationToken cancellationToken)
        {
            socket.Dispose();
            return ValueTask.CompletedTask;
        }

        public void Dispose() => socket.Dispose();
    }
}
