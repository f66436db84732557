using System.Diagnostics;

namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>The isolation programs that this machine has.</summary>
internal static class Installed
{
    public static async Task<ISandboxRuntime?> GVisorAsync(LocalMachine machine, LocalSandboxOptions options, CancellationToken ct)
    {
        if (machine.Find("runsc") is not { } runsc)
        {
            return null;
        }

        // Releases before 2023 know the permission to reach a socket of the host by another name.
        var flags = await OutputAsync(runsc, "flags", ct);
        return new GVisorRuntime(runsc, flags.Contains(" -host-uds ", StringComparison.Ordinal), options.GVisorPlatform);
    }

    public static ISandboxRuntime? Bubblewrap(LocalMachine machine) =>
        machine.Find("bwrap") is { } bwrap && (machine.Find("setpriv") ?? (Environment.IsPrivilegedProcess ? null : "setpriv")) is { } setpriv
            ? new BubblewrapRuntime(bwrap, setpriv, File.Exists, Directory.Exists)
            : null;

    private static async Task<string> OutputAsync(string program, string argument, CancellationToken ct)
    {
        var start = new ProcessStartInfo(program) { ArgumentList = { argument }, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.Environment.Clear();
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} could not be started.");
        var texts = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(ct), process.StandardError.ReadToEndAsync(ct));
        await process.WaitForExitAsync(ct);
        return string.Concat(texts);
    }
}
