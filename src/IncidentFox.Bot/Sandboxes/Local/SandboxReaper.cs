using IncidentFox.Core;
using IncidentFox.Core.Sandboxes;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>Removes what processes that were killed left behind: their sandboxes, whichever driver started them, and their roots.</summary>
internal sealed class SandboxReaper(string runtimeDirectory, ISandboxDoor door, ILogger logger)
{
    public async Task<IReadOnlyList<SandboxId>> ReapAsync(CancellationToken ct)
    {
        RuntimeFolders.Ensure(runtimeDirectory);
        var reaped = new List<SandboxId>();
        foreach (var path in Directory.GetFiles(SandboxLayout.RecordsOf(runtimeDirectory), "*.json"))
        {
            ct.ThrowIfCancellationRequested();
            if (SandboxRecord.Read(path) is not { } record || record.Owner.IsAlive || !SandboxId.TryParse(record.Id, out var id))
            {
                continue;
            }

            if (await new SandboxRemains(new(runtimeDirectory, id), record, door).RemoveAsync())
            {
                reaped.Add(id);
                logger.LogWarning("Sandbox {Sandbox} was left by a process that is gone, and has been removed", id);
            }
            else
            {
                logger.LogError("Sandbox {Sandbox} was left by a process that is gone, and could not be removed completely", id);
            }
        }

        RemoveUnfinishedRecords();
        RemoveRoots();
        return reaped;
    }

    // Nothing was started yet when these were written.
    private void RemoveUnfinishedRecords()
    {
        foreach (var path in Directory.GetFiles(SandboxLayout.RecordsOf(runtimeDirectory), "*" + SandboxRecord.UnfinishedExtension))
        {
            var owner = Path.GetFileNameWithoutExtension(path);
            if (IsGone(owner[(owner.IndexOf('.') + 1)..]))
            {
                File.Delete(path);
            }
        }
    }

    private void RemoveRoots()
    {
        foreach (var path in Directory.GetDirectories(SandboxLayout.RootsOf(runtimeDirectory)).Where(path => IsGone(Path.GetFileName(path).Split('.')[0])))
        {
            new SandboxRoot(path).Remove();
        }
    }

    private static bool IsGone(string owner) => ProcessIdentity.TryParseFileName(owner, out var identity) && !identity!.IsAlive;
}
