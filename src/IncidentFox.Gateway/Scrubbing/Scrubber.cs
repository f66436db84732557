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

    private readonly SecretPatterns _patterns;
    private readonly Findings _found = new();
    private readonly ArrayBufferWriter<byte> _held = new();
    private Lane[]? _lanes;
    private bool _reading;           // the lanes are in the midst of something
    private byte[] _rest = [];
    private long _next;              // the first byte of the stream that was neither passed on nor replaced
    private long _end;               // of what was read
    private long _redactedTo = -1;   // of the last secret replaced

    /// <summary>Begins a stream.</summary>
    public Scrubber(SecretPatterns patterns) => _patterns = patterns;

    /// <summary>Nothing has begun, so that another stream may follow: lanes cost more to make than to run over a short answer.</summary>
    internal bool IsAtRest => !_reading;

    /// <summary>How many bytes are held back.</summary>
    internal long Held => _end - _next;

    /// <summary>Takes in a piece and gives what is certain.</summary>
    public void Write(ReadOnlySpan<byte> chunk, IBufferWriter<byte> output)
    {
        if (_patterns.IsEmpty)
        {
            output.Write(chunk);
            return;
        }
        for (var i = 0; i < chunk.Length;)
        {
            var until = i + 1;
            if (!_reading)
            {
                (var start, until) = _patterns.Filter.Find(chunk, i);
                output.Write(chunk[i..start]);
                _end += start - i;
                _next = _end;
                i = start;
            }
            i = Read(chunk, i, until, output);
        }
    }

    /// <summary>The stream ends: gives the rest.</summary>
    public void Complete(IBufferWriter<byte> output)
    {
        if (!_reading)
            return;
        foreach (var lane in _lanes!.Where(l => l.IsAwake && l.Depth >= SecretPatterns.Shortest))
            _found.Add(lane.Pending!.Value, _end);
        Emit(_end, output);
    }

    /// <summary>A whole text of a header: its characters are bytes (ISO 8859-1).</summary>
    public static string Scrub(string text, SecretPatterns patterns)
    {
        Span<byte> bytes = text.Length <= 512 ? stackalloc byte[text.Length] : new byte[text.Length];
        Encoding.Latin1.GetBytes(text, bytes);
        if (patterns.IsEmpty || patterns.Filter.IsFree(bytes))
            return text;
        var output = new ArrayBufferWriter<byte>(text.Length + Mark.Length);
        var scrubber = patterns.Rent();
        scrubber.Write(bytes, output);
        scrubber.Complete(output);
        patterns.Return(scrubber);
        return Encoding.Latin1.GetString(output.WrittenSpan);
    }

    // Reads on with the lanes until at least there and until nothing has begun.
    private int Read(ReadOnlySpan<byte> chunk, int from, int until, IBufferWriter<byte> output)
    {
        _lanes ??= Lanes.Create(_patterns, _found);
        var i = from;
        do
        {
            foreach (var lane in _lanes)
                lane.Accept(chunk[i], _end + i - from);
            i++;
        }
        while (i < chunk.Length && (i < until || Pending() is not null));
        _held.Write(chunk[from..i]);
        _end += i - from;
        var pending = Pending();
        _reading = pending is not null;
        if (!_reading)
        {
            foreach (var lane in _lanes)
                lane.Rest();
        }
        Emit(pending ?? _end, output);
        return i;
    }

    private long? Pending()
    {
        long? earliest = null;
        foreach (var lane in _lanes!)
        {
            if (lane.IsAwake && lane.Pending is { } start && (earliest is null || start < earliest))
                earliest = start;
        }
        return earliest;
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
