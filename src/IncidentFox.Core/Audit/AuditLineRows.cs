using IncidentFox.Core.Investigations;

namespace IncidentFox.Core.Audit;

/// <summary>The rows of one statement: one for each investigation, with lines that are written in any case and lines that are written if its session stands.</summary>
internal sealed class AuditLineRows
{
    private readonly List<AuditLineRow> _rows = [];
    private readonly List<SandboxSession> _sessions = [];
    private readonly Dictionary<SandboxSession, int> _guards = [];   // calls of one sandbox are judged together
    private readonly Dictionary<(AuditScope, int), AuditLineRow> _guarded = [];
    private readonly Dictionary<AuditScope, AuditLineRow> _byScope = [];
    private readonly int[] _ofEntries;

    private AuditLineRows(int entries) => _ofEntries = new int[entries];

    public IReadOnlyList<AuditLineRow> Rows => _rows;

    /// <summary>What has to stand, in the order of the rows' guards, which count from 1.</summary>
    public IReadOnlyList<SandboxSession> Sessions => _sessions;

    /// <summary>The number of the session that an entry was written under; 0: under none.</summary>
    public int GuardOf(int entry) => _ofEntries[entry];

    public static AuditLineRows Of(IReadOnlyList<AuditEntry> entries)
    {
        var batch = new AuditLineRows(entries.Count);
        for (var i = 0; i < entries.Count; i++)
        {
            if (entries[i].Under is { } session)
                batch._ofEntries[i] = batch.UnderSession(entries[i], session);
        }
        foreach (var entry in entries)
        {
            if (entry is { Under: null, Events: > 0 })
                batch.InAnyCase(entry);
        }
        foreach (var row in batch._rows)
            row.Seal();
        return batch;
    }

    private int UnderSession(AuditEntry entry, SandboxSession session)
    {
        if (!_guards.TryGetValue(session, out var guard))
        {
            _sessions.Add(session);
            _guards.Add(session, guard = _sessions.Count);
        }
        if (!_guarded.TryGetValue((entry.Scope, guard), out var row))
            _guarded.Add((entry.Scope, guard), row = Add(new AuditLineRow(entry.Scope, guard)));
        row.AddGuarded(entry);
        return guard;
    }

    private void InAnyCase(AuditEntry entry)
    {
        var row = _byScope.TryGetValue(entry.Scope, out var known) ? known : Add(new AuditLineRow(entry.Scope, guard: 0));
        row.AddFree(entry);
    }

    private AuditLineRow Add(AuditLineRow row)
    {
        _rows.Add(row);
        _byScope.TryAdd(row.Scope, row);
        return row;
    }
}
