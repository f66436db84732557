using System.Buffers;

namespace IncidentFox.Gateway.Scrubbing;

/// <summary>
/// One way of reading a stream: undoes one kind of spelling and looks for patterns in the result, remembering where in the stream each
/// byte of the result came from. Memory is bounded by the longest pattern.
/// </summary>
internal abstract class Lane
{
    private readonly PatternTree _tree;
    private readonly SearchValues<byte> _wakers;
    private readonly long[] _starts;
    private long _count;
    private int _state = PatternTree.Root;

    /// <param name="tree">What to look for.</param>
    /// <param name="wakers">The bytes that begin something in this spelling, besides those that patterns begin with.</param>
    protected Lane(PatternTree tree, params ReadOnlySpan<byte> wakers)
    {
        _tree = tree;
        _wakers = SearchValues.Create([.. tree.Beginnings, .. wakers]);
        _starts = new long[tree.Longest + 1];
    }

    /// <summary>Where an unfinished escape began; null: there is none.</summary>
    protected long? Unfinished { get; set; }

    /// <summary>How many bytes of a pattern have been read.</summary>
    public int Depth => _tree.Depth(_state);

    /// <summary>From here on the stream may hold something that is not complete yet.</summary>
    public long HeldFrom(long end)
    {
        var pattern = Depth == 0 ? end : _starts[(_count - Depth) % _starts.Length];
        return Math.Min(pattern, Unfinished ?? end);
    }

    /// <summary>Reads on. <paramref name="offset"/> is where in the stream <paramref name="chunk"/> begins.</summary>
    public void Read(ReadOnlySpan<byte> chunk, long offset, Findings found)
    {
        for (var i = 0; i < chunk.Length; i++)
        {
            if (_state == PatternTree.Root && Unfinished is null)
            {
                var skip = chunk[i..].IndexOfAny(_wakers);
                if (skip < 0)
                    return;
                i += skip;
            }
            Accept(chunk[i], offset + i, found);
        }
    }

    /// <summary>Takes in the byte at a position of the stream.</summary>
    protected abstract void Accept(byte b, long at, Findings found);

    /// <summary>One byte of the result, spelled from <paramref name="start"/> to before <paramref name="end"/>.</summary>
    protected void Feed(byte b, long start, long end, Findings found)
    {
        _starts[_count++ % _starts.Length] = start;
        _state = _tree.Next(_state, b);
        if (_tree.Matched(_state) is var length and > 0)
            found.Add(_starts[(_count - length) % _starts.Length], end);
    }

    /// <summary>Whatever had begun has not come to anything.</summary>
    protected void Forget() => _state = PatternTree.Root;
}

/// <summary>The stream as it stands.</summary>
internal sealed class PlainLane(PatternTree tree) : Lane(tree)
{
    protected override void Accept(byte b, long at, Findings found) => Feed(b, at, at + 1, found);
}

/// <summary>Hexadecimal digits in either case.</summary>
internal sealed class HexLane(PatternTree tree) : Lane(tree, "ABCDEF"u8)
{
    protected override void Accept(byte b, long at, Findings found) =>
        Feed(b is >= (byte)'A' and <= (byte)'F' ? (byte)(b | 0x20) : b, at, at + 1, found);
}

/// <summary>Base64 in either alphabet, broken into lines or not, its slashes escaped or not.</summary>
internal sealed class Base64Lane(PatternTree tree) : Lane(tree, "-_\\"u8)
{
    // Without a limit, a target could make us hold back line breaks for ever.
    private const int MostBreaks = 2;
    private int _breaks;

    protected override void Accept(byte b, long at, Findings found)
    {
        if (Unfinished is { } start)
        {
            Unfinished = null;
            switch (b)
            {
                case (byte)'n' or (byte)'r':
                    Break();
                    return;
                case (byte)'/':
                    Character(b, start, at + 1, found);
                    return;
                default:
                    Forget();
                    break;
            }
        }
        switch (b)
        {
            case (byte)'\r' or (byte)'\n':
                Break();
                break;
            case (byte)'\\':
                Unfinished = at;
                break;
            default:
                Character(b switch { (byte)'-' => (byte)'+', (byte)'_' => (byte)'/', _ => b }, at, at + 1, found);
                break;
        }
    }

    private void Break()
    {
        if (++_breaks > MostBreaks)
            Forget();
    }

    private void Character(byte b, long start, long end, Findings found)
    {
        _breaks = 0;
        Feed(b, start, end, found);
    }
}
