using IncidentFox.Core;
using IncidentFox.Core.Sandboxes;

namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>
/// Everything that a sandbox leaves on this machine, and its removal: the same after an orderly end, a failed start and the death of the
/// owner. Done twice it does nothing; the record goes last, so that what was interrupted is done again.
/// </summary>
internal sealed class SandboxRemains(SandboxLayout layout, SandboxRecord record, ISandboxDoor door)
{
    public SandboxRecord Record { get; private set; } = record;

    public void Update(SandboxRecord changed)
    {
        changed.Write(layout);
        Record = changed;
    }

    /// <summary>False when something would not go; the record stays then.</summary>
    public async Task<bool> RemoveAsync()
    {
        if (Record.Process is { } process)
        {
            Libc.Kill(process); // what it started dies with it: a pid namespace's first process, or runsc's attached children
        }

        var gone = await new SandboxCgroup(Record.Cgroups).DestroyAsync();
        try
        {
            await door.CloseAsync(layout.Id, CancellationToken.None);
            RemoveDoorDirectory();
            if (Directory.Exists(layout.Work))
            {
                Directory.Delete(layout.Work, recursive: true);
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }

        if (gone)
        {
            File.Delete(layout.RecordPath);
        }

        return gone;
    }

    // The door's own work, unless the one that opened it was killed. Only sockets and one folder; never anything else by accident.
    private void RemoveDoorDirectory()
    {
        if (Record.DoorDirectory is not { } folder || !Directory.Exists(folder))
        {
            return;
        }

        File.Delete(Path.Combine(folder, Path.GetFileName(SandboxLayout.SocketInside)));
        Directory.Delete(folder);
    }
}
