using System.Collections.Concurrent;
using IncidentFox.Core;
using IncidentFox.Core.Investigations;

namespace IncidentFox.Gateway.AgentDoor;

/// <summary>
/// Sessions of caged sandboxes as they were lately, for tool calls only. It may be out of date and decides nothing by itself: the row of a call is written only
/// if the session still stands in that very statement, else it is read again and decided again. Everything else reads the database.
/// </summary>
internal sealed class SessionCache(SandboxSessions sessions, TimeProvider time)
{
    private static readonly TimeSpan Keep = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<SandboxId, Entry> _entries = new();

    /// <summary>The session as it was at most half a minute ago, or as it is.</summary>
    public ValueTask<SandboxSession?> FindAsync(SandboxId sandbox, CancellationToken cancellationToken) =>
        _entries.TryGetValue(sandbox, out var entry) && time.GetElapsedTime(entry.ReadAt) < Keep
            ? ValueTask.FromResult<SandboxSession?>(entry.Session)
            : new ValueTask<SandboxSession?>(ReadAsync(sandbox, cancellationToken));

    /// <summary>The session as it is.</summary>
    public async Task<SandboxSession?> ReadAsync(SandboxId sandbox, CancellationToken cancellationToken)
    {
        var readAt = time.GetTimestamp();
        var session = await sessions.FindAsync(sandbox, cancellationToken);
        // What is about to change is not worth keeping: a starting sandbox says hello, an ended one says nothing.
        if (session is null or { State: "starting" })
            _entries.TryRemove(sandbox, out _);
        else
            _entries.AddOrUpdate(sandbox, _ => new Entry(session, readAt), (_, before) => new Entry(session, readAt) { HasCalled = before.HasCalled });
        return session;
    }

    /// <summary>Writes down when the sandbox made its first call, the first time that it is asked to.</summary>
    public async ValueTask RecordFirstCallAsync(SandboxId sandbox, CancellationToken cancellationToken)
    {
        if (_entries.TryGetValue(sandbox, out var entry) && entry.HasCalled)
            return;
        await sessions.RecordFirstCallAsync(sandbox, cancellationToken);
        entry?.HasCalled = true;
    }

    /// <summary>Forgets a sandbox that is over.</summary>
    public void Forget(SandboxId sandbox) => _entries.TryRemove(sandbox, out _);

    private sealed class Entry(SandboxSession session, long readAt)
    {
        public SandboxSession Session { get; } = session;

        public long ReadAt { get; } = readAt;

        public bool HasCalled { get; set; }
    }
}
