using System.Buffers;
using System.Text;

namespace IncidentFox.Gateway.Scrubbing;

/// <summary>
/// Replaces secrets in a stream by <c>[redacted]</c>, whatever pieces it comes in: what may be the beginning of one is held back until
/// it is known. At the stream's end a beginning that is long enough to be no accident is replaced as well, because an answer can be
/// cut where whoever asks for it likes. Not found: a secret that the target has encrypted, compressed or transformed in other ways.
/// </summary>
public sealed class Scrubber
{
    /// <summary>What stands where a secret was.</summary>
    public const string Mark = "[redacted]";

    private static readonly byte[] MarkBytes = Encoding.ASCII.GetBytes(Mark);

    private readonly Lane[] _lanes;
    private readonly Findings _found = new();
    private readonly ArrayBufferWriter<byte> _held = new();
    private byte[] _rest = [];
    private long _next;              // the first byte of the stream that was neither passed on nor replaced
    private long _end;               // of what was read
    private long _redactedTo = -1;   // of the last secret replaced

    /// <summary>Begins a stream.</summary>
    public Scrubber(SecretPatterns patterns) => _lanes =
    [
        new PlainLane(patterns.Plain), new PercentLane(patterns.Percent), new EscapeLane(patterns.Escaped), new EntityLane(patterns.Escaped),
        new HexLane(patterns.Hex), new Base64Lane(patterns.Base64),
    ];

    /// <summary>How many bytes are held back.</summary>
    internal long Held => _end - _next;

    /// <summary>Takes in a piece and gives what is certain.</summary>
    public void Write(ReadOnlySpan<byte> chunk, IBufferWriter<byte> output)
    {
        foreach (var lane in _lanes)
            lane.Read(chunk, _end, _found);
        _held.Write(chunk);
        _end += chunk.Length;
        Emit(_lanes.Min(l => l.HeldFrom(_end)), output);
    }

    /// <summary>The stream ends: gives the rest.</summary>
    public void Complete(IBufferWriter<byte> output)
    {
        foreach (var lane in _lanes.Where(l => l.Depth >= SecretPatterns.Shortest))
            _found.Add(lane.HeldFrom(_end), _end);
        Emit(_end, output);
    }

    /// <summary>A whole text of a header: its characters are bytes (ISO 8859-1).</summary>
    public static string Scrub(string text, SecretPatterns patterns)
    {
        var output = new ArrayBufferWriter<byte>();
        var scrubber = new Scrubber(patterns);
        scrubber.Write(Encoding.Latin1.GetBytes(text), output);
        scrubber.Complete(output);
        return Encoding.Latin1.GetString(output.WrittenSpan);
    }

    // Whatever is found later begins at or after safe.
    private void Emit(long safe, IBufferWriter<byte> output)
    {
        var held = _held.WrittenSpan;
        var origin = _end - held.Length;
        foreach (var (start, end) in _found.TakeBefore(safe))
        {
            if (start > _redactedTo)
            {
                output.Write(held[(int)(_next - origin)..(int)(start - origin)]);
                output.Write(MarkBytes);
            }
            _redactedTo = Math.Max(_redactedTo, end);
            _next = Math.Min(_redactedTo, safe);
        }
        if (_redactedTo < safe)
            output.Write(held[(int)(Math.Max(_next, _redactedTo) - origin)..(int)(safe - origin)]);
        _next = safe;
        Keep(held[(int)(safe - origin)..]);
    }

    private void Keep(ReadOnlySpan<byte> rest)
    {
        if (_rest.Length < rest.Length)
            _rest = new byte[rest.Length * 2];
        rest.CopyTo(_rest);
        _held.ResetWrittenCount();
        _held.Write(_rest.AsSpan(0, rest.Length));
    }
}

/// <summary>Where secrets were found and not yet replaced.</summary>
internal sealed class Findings
{
    private readonly List<(long Start, long End)> _ranges = [];

    public void Add(long start, long end)
    {
        // The usual way to grow: what follows overlaps what came before.
        if (_ranges.Count > 0 && _ranges[^1] is var last && start >= last.Start && start <= last.End)
            _ranges[^1] = (last.Start, Math.Max(last.End, end));
        else
            _ranges.Add((start, end));
    }

    /// <summary>Takes those that begin before a position, in order.</summary>
    public IReadOnlyList<(long Start, long End)> TakeBefore(long position)
    {
        if (_ranges.Count == 0)
            return [];
        var taken = _ranges.Where(r => r.Start < position).Order().ToArray();
        _ranges.RemoveAll(r => r.Start < position);
        return taken;
    }
}
