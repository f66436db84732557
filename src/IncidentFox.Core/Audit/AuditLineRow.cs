using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace IncidentFox.Core.Audit;

/// <summary>A row of lines on its way into the table.</summary>
/// <param name="scope">Whose it is.</param>
/// <param name="guard">The number of the session that the guarded lines need; 0: none.</param>
internal sealed class AuditLineRow(AuditScope scope, int guard)
{
    private readonly List<AuditEntry> _free = [];
    private readonly List<AuditEntry> _guarded = [];

    public Guid Id { get; } = OrderedUuid.New();

    public AuditScope Scope { get; } = scope;

    public int Guard { get; } = guard;

    /// <summary>Events that are written in any case.</summary>
    public int FreeEvents { get; private set; }

    /// <summary>All events.</summary>
    public int Events { get; private set; }

    /// <summary>Lines that are written in any case.</summary>
    public byte[] Free { get; private set; } = [];

    /// <summary>Lines that follow them if the session stands, with the line feed between.</summary>
    public byte[] Guarded { get; private set; } = [];

    /// <summary>Of the row without the guarded lines; null when there are no others.</summary>
    public byte[]? FreeDigest { get; private set; }

    /// <summary>Of the row with all lines.</summary>
    public byte[] Digest { get; private set; } = [];

    public void AddFree(AuditEntry entry)
    {
        _free.Add(entry);
        FreeEvents += entry.Events;
        Events += entry.Events;
    }

    /// <summary>Lines that need the row's session; its scope is the session's.</summary>
    public void AddGuarded(AuditEntry entry)
    {
        _guarded.Add(entry);
        Events += entry.Events;
    }

    /// <summary>Nothing is added any more.</summary>
    public void Seal()
    {
        Free = Join(_free, feedFirst: false);
        Guarded = Join(_guarded, feedFirst: Free.Length > 0);
        FreeDigest = FreeEvents > 0 ? DigestOf(Scope, FreeEvents, Free, []) : null;
        Digest = Guarded.Length == 0 ? FreeDigest! : DigestOf(Scope, Events, Free, Guarded);
    }

    private static byte[] Join(List<AuditEntry> entries, bool feedFirst)
    {
        if (entries.Count == 0)
            return [];
        if (entries.Count == 1 && !feedFirst)
            return entries[0].Lines;
        var (length, at) = (feedFirst ? 0 : -1, 0);
        foreach (var entry in entries)
            length += entry.Lines.Length + 1;
        var lines = new byte[length];
        foreach (var entry in entries)
        {
            if (at > 0 || feedFirst)
                lines[at++] = (byte)'\n';
            entry.Lines.CopyTo(lines, at);
            at += entry.Lines.Length;
        }
        return lines;
    }

    /// <summary>
    /// What the chain seals of a row: SHA-256 of org, team (each with its length in UTF-8 plus one before it as 4 bytes big-endian; 0 and nothing where there is none), investigation, sandbox (each 1 and 16
    /// bytes, or 17 zeros), the number of events (4 bytes), and the lines.
    /// </summary>
    public static byte[] DigestOf(AuditScope scope, int events, ReadOnlySpan<byte> lines, ReadOnlySpan<byte> more)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> head = stackalloc byte[512];
        var at = Text(head, 0, scope.Org, hash);
        at = Text(head, at, scope.Team, hash);
        at = Number(head, at, scope.Investigation);
        at = Number(head, at, scope.Sandbox);
        BinaryPrimitives.WriteInt32BigEndian(head[at..], events);
        hash.AppendData(head[..(at + sizeof(int))]);
        hash.AppendData(lines);
        hash.AppendData(more);
        return hash.GetHashAndReset();
    }

    private static int Text(Span<byte> head, int at, string? text, IncrementalHash hash)
    {
        var bytes = text is null ? 0 : Encoding.UTF8.GetByteCount(text);
        BinaryPrimitives.WriteInt32BigEndian(head[at..], text is null ? 0 : bytes + 1);
        at += sizeof(int);
        if (bytes <= 200)
            return at + Encoding.UTF8.GetBytes(text ?? "", head[at..]);
        // Longer than any name in use: not worth a larger head.
        hash.AppendData(head[..at]);
        hash.AppendData(Encoding.UTF8.GetBytes(text!));
        return 0;
    }

    private static int Number(Span<byte> head, int at, Guid? id)
    {
        head[at] = id is null ? (byte)0 : (byte)1;
        id.GetValueOrDefault().TryWriteBytes(head[(at + 1)..], bigEndian: true, out var written);
        return at + 1 + written;
    }
}
