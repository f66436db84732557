using System.Buffers;

namespace IncidentFox.Gateway.Scrubbing.Foreign;

/// <summary>
/// Replaces what looks like somebody's secret by <c>[redacted:KIND]</c>: an answer may quote credentials that the gateway never held.
/// Best effort, for text as it stands; <see cref="Scrubber"/> is the guarantee, for the gateway's own. What may be the beginning of one
/// is held back, at most <see cref="ForeignKind.Longest"/> bytes.
/// </summary>
internal sealed class ForeignScrubber
{
    // What a private key may be at most, in bytes of PEM; then whatever it is, it is none.
    private const int LongestRest = 64 * 1024;

    private static readonly PatternTree Tree = new(ForeignKinds.All.SelectMany(k => k.Beginnings));
    private static readonly PairSet Pairs = PairsOf();
    private static readonly (byte[] Beginning, ForeignKind Kind)[][] ByFirst = [.. Enumerable.Range(0, 256).Select(b =>
        ForeignKinds.All.SelectMany(k => k.Beginnings.Select(t => (t, k))).Where(t => t.t[0] == b).ToArray())];

    private readonly ArrayBufferWriter<byte> _text = new();
    private byte[] _kept = [];
    private (byte, byte) _before;
    private SearchValues<byte>? _rest;   // goes on belonging to the secret that was replaced
    private int _dropped;

    /// <summary>How many bytes are held back.</summary>
    internal int Held => _kept.Length;

    /// <summary>Whether a whole text has anything in it that one of them could begin with.</summary>
    public static bool MayHold(ReadOnlySpan<byte> text) => Candidate(text, 0) >= 0;

    /// <summary>Takes in a piece and gives what is certain.</summary>
    public void Write(ReadOnlySpan<byte> piece, IBufferWriter<byte> output)
    {
        if (_kept.Length == 0)
        {
            Scrub(piece, output, last: false);
            return;
        }
        _text.ResetWrittenCount();
        _text.Write(_kept);
        _text.Write(piece);
        Scrub(_text.WrittenSpan, output, last: false);
    }

    /// <summary>The stream ends: gives the rest.</summary>
    public void Complete(IBufferWriter<byte> output)
    {
        _text.ResetWrittenCount();
        _text.Write(_kept);
        Scrub(_text.WrittenSpan, output, last: true);
    }

    private void Scrub(ReadOnlySpan<byte> text, IBufferWriter<byte> output, bool last)
    {
        var given = DropRest(text, 0);
        for (var at = given; ;)
        {
            at = Candidate(text, at);
            if (at < 0)
                break;
            var judgement = Judge(text, at, last, out var kind, out var secret);
            if (judgement == Judgement.More)
            {
                Keep(text, given, at, output);
                return;
            }
            if (judgement == Judgement.No)
            {
                at++;
                continue;
            }
            var (from, length) = secret.GetOffsetAndLength(text.Length - at);
            Give(text[given..(at + from)], output);
            output.Write(kind!.Mark);
            _before = default;
            given = at + from + length;
            (_rest, _dropped) = (kind.Rest, 0);
            at = given = DropRest(text, given);
        }
        Keep(text, given, last ? text.Length : Math.Max(given, text.Length - BeginningAtEnd(text[given..])), output);
    }

    // The first place at or after it where one of the beginnings stands.
    private static int Candidate(ReadOnlySpan<byte> text, int from)
    {
        for (var i = from; i <= text.Length - PairSet.Window;)
        {
            i = Pairs.Next(text, i);
            if (i > text.Length - PairSet.Window)
                break;
            if (i > from && Pairs.MayBegin(text, i - 1) && Begins(text, i - 1))
                return i - 1;
            if (Pairs.MayBegin(text, i) && Begins(text, i))
                return i;
            i += 2;
        }
        for (var i = Math.Max(from, text.Length - PairSet.Window); i < text.Length; i++)
        {
            if (Begins(text, i))
                return i;
        }
        return -1;
    }

    private static bool Begins(ReadOnlySpan<byte> text, int at)
    {
        foreach (var (beginning, _) in ByFirst[text[at]])
        {
            if (text[at..].StartsWith(beginning))
                return true;
        }
        return false;
    }

    private Judgement Judge(ReadOnlySpan<byte> text, int at, bool last, out ForeignKind? found, out Range secret)
    {
        var before = at switch { 0 => _before, 1 => (_before.Item2, text[0]), _ => (text[at - 2], text[at - 1]) };
        foreach (var (beginning, kind) in ByFirst[text[at]])
        {
            if (!text[at..].StartsWith(beginning))
                continue;
            var judgement = kind.Judge(text[at..], before, last || text.Length - at >= ForeignKind.Longest, beginning.Length, out secret);
            if (judgement == Judgement.No)
                continue;
            found = kind;
            return judgement;
        }
        (found, secret) = (null, default);
        return Judgement.No;
    }

    // What belongs to the secret before it, wherever its pieces begin. A private key ends at the dashes of its last line.
    private int DropRest(ReadOnlySpan<byte> text, int from)
    {
        if (_rest is null)
            return from;
        var length = text[from..].IndexOfAnyExcept(_rest);
        var whole = length >= 0;
        length = Math.Min(whole ? length : text.Length - from, LongestRest - _dropped);
        _dropped += length;
        if (whole || _dropped == LongestRest)
            _rest = null;
        return from + length;
    }

    private static int BeginningAtEnd(ReadOnlySpan<byte> text)
    {
        var state = PatternTree.Root;
        foreach (var b in text[^Math.Min(text.Length, Tree.Longest)..])
            state = Tree.Next(state, b);
        return Tree.Depth(state);
    }

    private void Give(ReadOnlySpan<byte> text, IBufferWriter<byte> output)
    {
        if (text.IsEmpty)
            return;
        output.Write(text);
        _before = (text.Length > 1 ? text[^2] : _before.Item2, text[^1]);
    }

    private void Keep(ReadOnlySpan<byte> text, int given, int until, IBufferWriter<byte> output)
    {
        Give(text[given..until], output);
        _kept = text.Length == until ? [] : text[until..].ToArray();
    }

    private static PairSet PairsOf()
    {
        var pairs = new PairSet();
        foreach (var beginning in ForeignKinds.All.SelectMany(k => k.Beginnings))
        {
            if (beginning.Length == 3)
                pairs.AddShort(beginning);
            else
                pairs.Add(beginning);
        }
        return pairs;
    }
}
