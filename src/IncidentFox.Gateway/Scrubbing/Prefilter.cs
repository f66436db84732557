namespace IncidentFox.Gateway.Scrubbing;

/// <summary>
/// Finds where a pattern may begin, so that the lanes read only there: most answers hold nothing of the kind and are passed on at the
/// speed of <see cref="PairSet"/>. It may stop for nothing, but never passes over the first bytes of a pattern in any spelling: those
/// stand there as they are, or one of them is escaped, or they are base64 across a line break.
/// </summary>
internal sealed class Prefilter
{
    // How many bytes of a pattern are looked at. No pattern is shorter.
    private const int Prefix = PairSet.Window;

    // Before an escape or a line break, the first bytes of a pattern may stand as they are.
    private const int Before = 8;

    /// <summary>Memory of one, in bytes.</summary>
    public const long Size = (2 * PairSet.Size) + 512;

    private readonly PairSet _beginnings = new();
    private readonly PairSet _base64 = new();
    private readonly bool[] _early = new bool[256];   // bytes that are among the first ones of a pattern
    private readonly bool _earlyBeyondAscii;

    public Prefilter(SecretPatterns patterns)
    {
        var base64 = patterns.Base64.Beginnings(Prefix).ToArray();
        foreach (var prefix in patterns.Text.Beginnings(Prefix).Concat(patterns.Hex.Beginnings(Prefix).SelectMany(AllCases)).Concat(base64.SelectMany(AllAlphabets)))
        {
            _beginnings.Add(prefix);
            foreach (var b in prefix)
                _early[b] = true;
        }
        foreach (var prefix in base64)
            _base64.Add(prefix);
        _earlyBeyondAscii = _early.AsSpan(128).Contains(true);
        foreach (var marker in "%\\&\n\r"u8)
            _beginnings.AddMarker(marker);
    }

    /// <summary>Whether nothing of a pattern that is worth replacing is in a text of which no more is to come.</summary>
    public bool IsFree(ReadOnlySpan<byte> text)
    {
        // At the very end fewer bytes are left than any pattern has, unless one of them is an escape or a line break and means others.
        var (start, until) = Find(text, 0, out var isEnd);
        return isEnd && until == text.Length && text[Math.Max(start, text.Length - Prefix)..].IndexOfAny("%\\&\n\r"u8) < 0;
    }

    /// <summary>The first place at or after <paramref name="from"/> that must be read, and up to where at least.</summary>
    public (int Start, int Until) Find(ReadOnlySpan<byte> text, int from) => Find(text, from, out _);

    private (int Start, int Until) Find(ReadOnlySpan<byte> text, int from, out bool isEnd)
    {
        isEnd = false;
        for (var i = from; ;)
        {
            i = _beginnings.Next(text, i);
            isEnd = i > text.Length - Prefix;
            if (isEnd)
                return (Back(text, from, Math.Min(i, text.Length)), text.Length);   // what is left can't be judged before more is there
            // A little earlier: what looks like a beginning may be none, and stand behind the beginning of one whose next byte is escaped.
            if (i > from && _beginnings.MayBegin(text, i - 1))
                return (Back(text, from, i - 1), i - 1 + Prefix);
            if (_beginnings.MayBegin(text, i))
                return (Back(text, from, i), i + Prefix);
            var at = i;
            while (at < i + 2)
            {
                var after = at + 1;
                if (IsMarker(text[at]) && Matters(text, from, at, out after))
                    return (Back(text, from, at), at + 1);
                at = after;
            }
            i = at;
        }
    }

    // Not from the midst of a row of backslashes, which would make another text of it.
    private static int Back(ReadOnlySpan<byte> text, int from, int marker)
    {
        var start = Math.Max(from, marker - Before);
        while (start > from && text[start - 1] == (byte)'\\')
            start--;
        return start;
    }

    private bool Matters(ReadOnlySpan<byte> text, int from, int at, out int after)
    {
        after = at + 1;
        switch (text[at])
        {
            case (byte)'\n' or (byte)'\r':
                return BreakMatters(text, from, at, at + 1);
            case (byte)'\\':
                while (after < text.Length && text[after] == (byte)'\\')
                    after++;
                // The last backslash and what follows; those before it are one backslash or several, whoever reads them.
                if (after == text.Length || _early['\\'])
                    return true;
                // Of several, one may be left over when the others are undone, and this may be the rest of its escape.
                if (after - at > 1 && text[after] is (byte)'u' or (byte)'x')
                    return true;
                return text[after] is (byte)'n' or (byte)'r' && !_early[text[after] == (byte)'n' ? '\n' : '\r']
                    ? BreakMatters(text, from, at, after + 1)
                    : EscapeMatters(text, after - 1, Escapes.LongestBackslash);
            case (byte)'%':
                return EscapeMatters(text, at, Escapes.LongestPercent);
            default:
                return EscapeMatters(text, at, Escapes.LongestEntity);
        }
    }

    // Whether one of the first bytes of a pattern may be spelled like that, or something that is an escape or a line break itself.
    private bool EscapeMatters(ReadOnlySpan<byte> text, int at, int longest)
    {
        Span<byte> meaning = stackalloc byte[4];
        for (var length = 1; length <= longest; length++)
        {
            if (at + length > text.Length)
                return true;
            var escape = text.Slice(at, length);
            var verdict = escape[0] switch
            {
                (byte)'%' => Escapes.Percent(escape, meaning, out _),
                (byte)'&' => Escapes.Entity(escape, meaning, out _),
                _ => Escapes.Backslash(escape, meaning, out _),
            };
            if (verdict == Verdict.None)
                return length > 1 && escape[^1] is (byte)'%' or (byte)'\\' or (byte)'&';   // an escape of which a part is escaped
            if (verdict == Verdict.Whole)
                return meaning[0] >= 128 ? _earlyBeyondAscii : _early[meaning[0]] || IsMarker(meaning[0]);
        }
        return true;
    }

    // Base64 goes on in the next line: its first characters may be on both sides.
    private bool BreakMatters(ReadOnlySpan<byte> text, int from, int at, int after)
    {
        Span<byte> around = stackalloc byte[6];
        var before = 0;
        while (before < 3 && at - before > from && Base64.IsCharacter(text[at - before - 1]))
        {
            before++;
            around[3 - before] = Base64.Standard(text[at - before]);
        }
        if (before == 0)
            return false;
        for (var skipped = 0; after < text.Length && text[after] is (byte)'\n' or (byte)'\r' or (byte)' ' or (byte)'\t'; after++)
        {
            if (++skipped > Base64Stage.MostBreaks + (Base64Stage.MostBreaks * Base64Stage.MostIndents))
                return false;
        }
        for (var behind = 0; behind < 3; behind++)
        {
            if (after + behind >= text.Length)
                return true;
            var b = text[after + behind];
            if (IsMarker(b))
                return true;
            if (!Base64.IsCharacter(b))
                return false;
            around[3 + behind] = Base64.Standard(b);
            if (behind >= 3 - before && _base64.MayBegin(around, behind))   // what begins there ends here
                return true;
        }
        return false;
    }

    private static bool IsMarker(byte b) => b is (byte)'%' or (byte)'\\' or (byte)'&' or (byte)'\n' or (byte)'\r';

    private static IEnumerable<byte[]> AllCases(byte[] lower) => Vary(lower, b => b is >= (byte)'a' and <= (byte)'f' ? [b, (byte)(b - 0x20)] : [b]);

    private static IEnumerable<byte[]> AllAlphabets(byte[] standard) =>
        Vary(standard, b => b switch { (byte)'+' => [b, (byte)'-'], (byte)'/' => [b, (byte)'_'], _ => [b] });

    private static IEnumerable<byte[]> Vary(byte[] text, Func<byte, byte[]> spellings) =>
        text.Aggregate((IEnumerable<byte[]>)[[]], (all, b) => all.SelectMany(t => spellings(b).Select(s => (byte[])[.. t, s])));
}
