using System.Globalization;
using System.Text;

namespace IncidentFox.Gateway.Scrubbing;

/// <summary>What escapes mean. Each method looks at what may be one, given from its first byte to the last one read.</summary>
internal static class Escapes
{
    public const int LongestPercent = 3;
    public const int LongestBackslash = 12;   // two of \u0000
    public const int LongestEntity = 12;

    public static Verdict Percent(ReadOnlySpan<byte> escape, Span<byte> meaning, out int length)
    {
        length = 1;
        if (escape.Length > 1 && !char.IsAsciiHexDigit((char)escape[^1]))
            return Verdict.None;
        if (escape.Length < LongestPercent)
            return Verdict.Unfinished;
        meaning[0] = (byte)Hex(escape[1..]);
        return Verdict.Whole;
    }

    public static Verdict Backslash(ReadOnlySpan<byte> escape, Span<byte> meaning, out int length)
    {
        length = 1;
        if (escape.Length == 1)
            return Verdict.Unfinished;
        if (escape[1] is not ((byte)'u' or (byte)'x'))
        {
            if (Short(escape[1]) is not { } one)
                return Verdict.None;
            meaning[0] = one;
            return Verdict.Whole;
        }
        if (escape[1] == (byte)'x')
        {
            if (escape.Length > 2 && !char.IsAsciiHexDigit((char)escape[^1]))
                return Verdict.None;
            if (escape.Length < 4)
                return Verdict.Unfinished;
            meaning[0] = (byte)Hex(escape[2..]);
            return Verdict.Whole;
        }
        return Unicode(escape, meaning, out length);
    }

    public static Verdict Entity(ReadOnlySpan<byte> escape, Span<byte> meaning, out int length)
    {
        length = 0;
        var last = escape[^1];
        if (escape.Length == 1 || ((char.IsAsciiLetterOrDigit((char)last) || (last == (byte)'#' && escape.Length == 2)) && escape.Length < LongestEntity))
            return Verdict.Unfinished;
        if (last != (byte)';' || Character(escape[1..^1]) is not { } rune)
            return Verdict.None;
        length = rune.EncodeToUtf8(meaning);
        return Verdict.Whole;
    }

    // \uHHHH, or two of them for one character.
    private static Verdict Unicode(ReadOnlySpan<byte> escape, Span<byte> meaning, out int length)
    {
        length = 0;
        var last = escape[^1];
        var fits = escape.Length switch
        {
            2 or 8 => last == (byte)'u',
            7 => last == (byte)'\\',
            _ => char.IsAsciiHexDigit((char)last),
        };
        if (!fits)
            return Verdict.None;
        if (escape.Length is not (6 or 12))
            return Verdict.Unfinished;
        var first = (char)Hex(escape[2..6]);
        if (escape.Length == 6 && char.IsHighSurrogate(first))
            return Verdict.Unfinished;
        Rune rune;
        if (escape.Length == 6 ? !Rune.TryCreate(first, out rune) : !Rune.TryCreate(first, (char)Hex(escape[8..]), out rune))
            return Verdict.None;   // half a character: part of no secret
        length = rune.EncodeToUtf8(meaning);
        return Verdict.Whole;
    }

    private static byte? Short(byte b) => b switch
    {
        (byte)'n' => (byte)'\n',
        (byte)'r' => (byte)'\r',
        (byte)'t' => (byte)'\t',
        (byte)'b' => (byte)'\b',
        (byte)'f' => (byte)'\f',
        (byte)'"' or (byte)'\\' or (byte)'/' or (byte)'\'' => b,
        _ => null,
    };

    private static Rune? Character(ReadOnlySpan<byte> entity)
    {
        if (entity is not [(byte)'#', .. var digits])
        {
            return entity switch
            {
                _ when entity.SequenceEqual("amp"u8) => new Rune('&'),
                _ when entity.SequenceEqual("lt"u8) => new Rune('<'),
                _ when entity.SequenceEqual("gt"u8) => new Rune('>'),
                _ when entity.SequenceEqual("quot"u8) => new Rune('"'),
                _ when entity.SequenceEqual("apos"u8) => new Rune('\''),
                _ => null,
            };
        }
        var hex = digits is [(byte)'x' or (byte)'X', ..];
        return int.TryParse(hex ? digits[1..] : digits, hex ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            && Rune.TryCreate(value, out var rune) ? rune : null;
    }

    private static int Hex(ReadOnlySpan<byte> digits)
    {
        var value = 0;
        foreach (var digit in digits)
            value = (value << 4) | (digit <= (byte)'9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
        return value;
    }
}
