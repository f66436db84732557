using System.Collections.Concurrent;
using System.ComponentModel;
using IncidentFox.Core;
using IncidentFox.Core.Sandboxes;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>Sandboxes on this machine, isolated by one runtime.</summary>
internal sealed class LocalSandboxDriver(
    ISandboxRuntime runtime,
    LocalSandboxOptions options,
    SandboxRoot root,
    CgroupHost? cgroups,
    ISandboxDoor door,
    TimeProvider time,
    ILogger logger) : ISandboxDriver, IAsyncDisposable
{
    // Null while it is being started.
    private readonly ConcurrentDictionary<SandboxId, LocalSandbox?> running = new();
    private readonly SandboxReaper reaper = new(options.RuntimeDirectory, door, logger);

    private volatile bool disposed;

    public string Name => runtime.Name;

    public async Task<SandboxStart> StartAsync(SandboxSpec spec, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        var layout = new SandboxLayout(options.RuntimeDirectory, spec.Id);
        if (!running.TryAdd(spec.Id, null))
        {
            return AlreadyThere(spec);
        }

        SandboxStart start;
        try
        {
            start = File.Exists(layout.RecordPath) ? AlreadyThere(spec) : await StartNewAsync(spec, layout, ct);
        }
        catch
        {
            running.TryRemove(spec.Id, out _);
            throw;
        }

        if (start is SandboxStart.Started(LocalSandbox sandbox))
        {
            running[spec.Id] = sandbox;
            _ = sandbox.Exited.ContinueWith(_ => running.TryRemove(spec.Id, out LocalSandbox? _), TaskScheduler.Default);
            if (disposed)
            {
                await sandbox.StopAsync(CancellationToken.None); // started while the bot was ending
            }
        }
        else
        {
            running.TryRemove(spec.Id, out _);
        }

        return start;
    }

    public Task<IReadOnlyList<SandboxId>> ReapAsync(CancellationToken ct) => reaper.ReapAsync(ct);

    /// <summary>An orderly end of the process leaves nothing behind.</summary>
    public async ValueTask DisposeAsync()
    {
        disposed = true;
        await Task.WhenAll(running.Values.OfType<LocalSandbox>().Select(sandbox => sandbox.StopAsync(CancellationToken.None)));
        root.Remove();
    }

    private static SandboxStart AlreadyThere(SandboxSpec spec) =>
        new SandboxStart.Refused("sandbox_exists", $"Sandbox {spec.Id} exists already; a sandbox is used once. Start one with a new id.");

    private async Task<SandboxStart> StartNewAsync(SandboxSpec spec, SandboxLayout layout, CancellationToken ct)
    {
        var remains = new SandboxRemains(layout, new(spec.Id.ToString(), ProcessIdentity.Own, null, cgroups?.FoldersOf(layout.Short) ?? [], null), door);
        try
        {
            remains.Update(remains.Record);
            return new SandboxStart.Started(await LaunchAsync(spec, layout, remains, ct));
        }
        catch (OperationCanceledException)
        {
            await remains.RemoveAsync();
            throw;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or Win32Exception or InvalidOperationException)
        {
            logger.LogError(failure, "Sandbox {Sandbox} could not be started", spec.Id);
            await remains.RemoveAsync();
            return new SandboxStart.Refused("sandbox_start_failed", $"The {Name} sandbox could not be started: {failure.Message} Restart the product: its check at start-up says what is missing on this machine.");
        }
    }

    private async Task<LocalSandbox> LaunchAsync(SandboxSpec spec, SandboxLayout layout, SandboxRemains remains, CancellationToken ct)
    {
        var socket = await door.OpenAsync(spec.Id, ct);
        remains.Update(remains.Record with { DoorDirectory = Path.GetDirectoryName(socket) });
        var asRoot = Environment.IsPrivilegedProcess;
        RuntimeFolders.GiveDoorTo(layout, socket);

        var limits = spec.Limits;
        var (memory, processes) = runtime.OnThisMachine(limits);
        var cgroup = cgroups?.Create(layout.Short, new(memory, processes, options.Processors));
        var plan = runtime.Prepare(new(layout, root, Path.GetDirectoryName(socket)!, limits, cgroup is not null, asRoot) { Acts = spec.Acts });
        var resources = cgroup is null && runtime.InheritsLimits
            ? new ResourceLimits(memory, processes + UserTasks.Count(asRoot ? layout.HostUser : null))
            : null;
        var process = await SandboxProcess.StartAsync(plan, cgroup, resources);
        if (ProcessIdentity.Of(process.Id) is { } identity)
        {
            remains.Update(remains.Record with { Process = identity });
        }

        return new(spec, process, cgroup, remains, time, logger);
    }
}
