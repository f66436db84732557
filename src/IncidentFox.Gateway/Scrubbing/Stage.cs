namespace IncidentFox.Gateway.Scrubbing;

/// <summary>
/// One step of reading a stream: undoes one kind of spelling and passes the bytes on, each with where in the stream it was spelled.
/// Steps are put one behind the other, so that a spelling of a spelling is undone as well.
/// </summary>
internal abstract class Stage
{
    /// <summary>Takes in one byte, spelled from <paramref name="start"/> to before <paramref name="end"/>.</summary>
    public abstract void Accept(byte b, long start, long end);

    /// <summary>Where the earliest byte begins that may still become part of something; null: nothing is kept.</summary>
    public abstract long? Pending { get; }
}

/// <summary>A step that undoes escapes: an escape is kept until it is whole, and what is none is passed on as it stands.</summary>
internal abstract class EscapeStage(Stage next, int longest) : Stage
{
    private readonly byte[] _bytes = new byte[longest];
    private readonly long[] _starts = new long[longest];
    private readonly long[] _ends = new long[longest];
    private int _length;

    /// <inheritdoc />
    public override long? Pending => _length == 0 ? null : _starts[0];

    /// <summary>Whether an escape may begin with it.</summary>
    protected abstract bool Begins(byte b);

    /// <summary>Looks at what may be an escape.</summary>
    protected abstract Verdict Judge(ReadOnlySpan<byte> escape, Span<byte> meaning, out int length);

    /// <inheritdoc />
    public sealed override void Accept(byte b, long start, long end)
    {
        if (_length == 0 && !Begins(b))
        {
            next.Accept(b, start, end);
            return;
        }
        (_bytes[_length], _starts[_length], _ends[_length]) = (b, start, end);
        _length++;
        Span<byte> meaning = stackalloc byte[4];
        switch (Judge(_bytes.AsSpan(0, _length), meaning, out var length))
        {
            case Verdict.Whole:
                var (from, to) = (_starts[0], _ends[_length - 1]);
                _length = 0;
                foreach (var one in meaning[..length])
                    next.Accept(one, from, to);
                break;
            case Verdict.None:
                Replay();
                break;
        }
    }

    // The first byte stands for itself; the others may begin an escape of their own.
    private void Replay()
    {
        var count = _length;
        Span<byte> bytes = stackalloc byte[count];
        Span<long> starts = stackalloc long[count];
        Span<long> ends = stackalloc long[count];
        _bytes.AsSpan(0, count).CopyTo(bytes);
        _starts.AsSpan(0, count).CopyTo(starts);
        _ends.AsSpan(0, count).CopyTo(ends);
        _length = 0;
        next.Accept(bytes[0], starts[0], ends[0]);
        for (var i = 1; i < count; i++)
            Accept(bytes[i], starts[i], ends[i]);
    }
}

/// <summary>What a few bytes are.</summary>
internal enum Verdict
{
    /// <summary>The beginning of an escape.</summary>
    Unfinished,

    /// <summary>An escape.</summary>
    Whole,

    /// <summary>No escape.</summary>
    None,
}

/// <summary>Looks for patterns in what the steps before it made of the stream.</summary>
internal sealed class SearchStage(PatternTree tree, Findings found) : Stage
{
    private long[] _starts = new long[16];   // as many as the longest beginning of a pattern seen so far: a ring, its size a power of two
    private long _count;
    private int _state = PatternTree.Root;

    /// <summary>How many bytes of a pattern have been read.</summary>
    public int Depth => tree.Depth(_state);

    /// <inheritdoc />
    public override long? Pending => _state == PatternTree.Root ? null : Start(Depth);

    /// <inheritdoc />
    public override void Accept(byte b, long start, long end)
    {
        if (Depth + 1 >= _starts.Length)
            Grow();
        _starts[_count++ & (_starts.Length - 1)] = start;
        _state = tree.Next(_state, b);
        if (_state != PatternTree.Root && tree.Matched(_state) is var length and > 0)
            found.Add(Start(length), end);
    }

    /// <summary>Whatever had begun has not come to anything.</summary>
    public void Forget() => _state = PatternTree.Root;

    /// <summary>Goes on where another one of the same tree is.</summary>
    public void CopyFrom(SearchStage other)
    {
        if (_starts.Length < other._starts.Length)
            _starts = new long[other._starts.Length];
        (_state, _count) = (other._state, other._count);
        for (var i = 1; i <= Depth; i++)
            _starts[(_count - i) & (_starts.Length - 1)] = other.Start(i);
    }

    private long Start(int back) => _starts[(_count - back) & (_starts.Length - 1)];

    private void Grow()
    {
        var larger = new long[_starts.Length * 2];
        for (var i = 1; i <= Depth; i++)
            larger[(_count - i) & (larger.Length - 1)] = Start(i);
        _starts = larger;
    }
}
