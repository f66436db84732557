using System.Globalization;
using System.Text;

namespace IncidentFox.Gateway.Scrubbing;

/// <summary>Percent-encoding (RFC 3986), of any of the bytes, in either case.</summary>
internal sealed class PercentLane(PatternTree tree) : Lane(tree, "%"u8)
{
    private byte? _first;

    protected override void Accept(byte b, long at, Findings found)
    {
        if (Unfinished is not { } start)
        {
            if (b == (byte)'%')
                Unfinished = at;
            else
                Feed(b, at, at + 1, found);
        }
        else if (!char.IsAsciiHexDigit((char)b))
        {
            var first = _first;
            (Unfinished, _first) = (null, null);
            Feed((byte)'%', start, start + 1, found);
            if (first is { } digit)
                Feed(digit, start + 1, start + 2, found);
            Accept(b, at, found);
        }
        else if (_first is not { } high)
        {
            _first = b;
        }
        else
        {
            (Unfinished, _first) = (null, null);
            Feed((byte)((Hex.Value(high) << 4) | Hex.Value(b)), start, at + 1, found);
        }
    }
}

/// <summary>Backslash escapes as in JSON (RFC 8259, section 7), and <c>\xHH</c> and <c>\'</c> as programs print them.</summary>
internal sealed class EscapeLane(PatternTree tree) : Lane(tree, "\\"u8)
{
    private readonly byte[] _escape = new byte[6];
    private int _length;
    private char _high;
    private long _highStart;

    protected override void Accept(byte b, long at, Findings found)
    {
        if (_length == 0)
        {
            if (b == (byte)'\\')
                Begin(b, at);
            else
                Whole(b, at, at + 1, found);
            return;
        }
        var start = at - _length;
        _escape[_length++] = b;
        if (_length == 2)
        {
            if (b is (byte)'u' or (byte)'x')
                return;
            if (Short(b) is { } meant)
            {
                End();
                Whole(meant, start, at + 1, found);
                return;
            }
        }
        else if (char.IsAsciiHexDigit((char)b))
        {
            if (_length < (_escape[1] == (byte)'u' ? 6 : 4))
                return;
            var value = 0;
            foreach (var digit in _escape.AsSpan(2, _length - 2))
                value = (value << 4) | Hex.Value(digit);
            var isByte = _escape[1] == (byte)'x';
            End();
            if (isByte)
                Whole((byte)value, start, at + 1, found);
            else
                CodeUnit((char)value, start, at + 1, found);
            return;
        }
        NoEscape(start, b, at, found);
    }

    private void Begin(byte b, long at)
    {
        _escape[_length++] = b;
        Unfinished = _high == '\0' ? at : _highStart;
    }

    private void End()
    {
        _length = 0;
        Unfinished = _high == '\0' ? null : _highStart;
    }

    // What looked like one is text; its last byte may begin another.
    private void NoEscape(long start, byte last, long at, Findings found)
    {
        var text = _escape[..(_length - 1)];
        End();
        for (var i = 0; i < text.Length; i++)
            Whole(text[i], start + i, start + i + 1, found);
        Accept(last, at, found);
    }

    private void Whole(byte b, long start, long end, Findings found)
    {
        LoseHalf();
        Feed(b, start, end, found);
    }

    private void CodeUnit(char unit, long start, long end, Findings found)
    {
        if (char.IsHighSurrogate(unit))
        {
            LoseHalf();
            (_high, _highStart, Unfinished) = (unit, start, start);
            return;
        }
        Rune rune;
        if (_high != '\0' && char.IsLowSurrogate(unit))
        {
            rune = new Rune(_high, unit);
            start = _highStart;
            (_high, Unfinished) = ('\0', null);
        }
        else
        {
            LoseHalf();
            rune = Rune.TryCreate(unit, out var one) ? one : Rune.ReplacementChar;
        }
        Span<byte> bytes = stackalloc byte[4];
        foreach (var b in bytes[..rune.EncodeToUtf8(bytes)])
            Feed(b, start, end, found);
    }

    // Half a surrogate pair is no character: nothing goes on across it.
    private void LoseHalf()
    {
        if (_high == '\0')
            return;
        (_high, Unfinished) = ('\0', null);
        Forget();
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
}

/// <summary>Characters as HTML and XML pages spell them: by number, and the five names that encoders use.</summary>
internal sealed class EntityLane(PatternTree tree) : Lane(tree, "&"u8)
{
    private readonly byte[] _entity = new byte[10];
    private int _length;

    protected override void Accept(byte b, long at, Findings found)
    {
        var start = at - _length;
        if (_length == 0 && b != (byte)'&')
        {
            Feed(b, at, at + 1, found);
        }
        else if (_length == 0 || (_length < _entity.Length && (char.IsAsciiLetterOrDigit((char)b) || (b == (byte)'#' && _length == 1))))
        {
            _entity[_length++] = b;
            Unfinished = start;
        }
        else if (b == (byte)';' && Meaning(_entity.AsSpan(1, _length - 1)) is { } rune)
        {
            (_length, Unfinished) = (0, null);
            Span<byte> bytes = stackalloc byte[4];
            foreach (var one in bytes[..rune.EncodeToUtf8(bytes)])
                Feed(one, start, at + 1, found);
        }
        else
        {
            var text = _entity[.._length];
            (_length, Unfinished) = (0, null);
            for (var i = 0; i < text.Length; i++)
                Feed(text[i], start + i, start + i + 1, found);
            Accept(b, at, found);
        }
    }

    private static Rune? Meaning(ReadOnlySpan<byte> entity)
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
}

internal static class Hex
{
    public static int Value(byte digit) => digit <= (byte)'9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}
