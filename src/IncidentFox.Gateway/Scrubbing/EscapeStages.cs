namespace IncidentFox.Gateway.Scrubbing;

/// <summary>Percent-encoding (RFC 3986), of any of the bytes, in either case.</summary>
internal sealed class PercentStage(Stage next) : EscapeStage(next, Escapes.LongestPercent)
{
    protected override bool Begins(byte b) => b == (byte)'%';

    protected override Verdict Judge(ReadOnlySpan<byte> escape, Span<byte> meaning, out int length) => Escapes.Percent(escape, meaning, out length);
}

/// <summary>Backslash escapes as in JSON (RFC 8259, section 7), and <c>\xHH</c> and <c>\'</c> as programs print them.</summary>
internal sealed class BackslashStage(Stage next) : EscapeStage(next, Escapes.LongestBackslash)
{
    protected override bool Begins(byte b) => b == (byte)'\\';

    protected override Verdict Judge(ReadOnlySpan<byte> escape, Span<byte> meaning, out int length) => Escapes.Backslash(escape, meaning, out length);
}

/// <summary>Characters as HTML and XML pages spell them: by number, and the five names that encoders use.</summary>
internal sealed class EntityStage(Stage next) : EscapeStage(next, Escapes.LongestEntity)
{
    protected override bool Begins(byte b) => b == (byte)'&';

    protected override Verdict Judge(ReadOnlySpan<byte> escape, Span<byte> meaning, out int length) => Escapes.Entity(escape, meaning, out length);
}

/// <summary>Whichever of the three it is: for text that several programs wrapped, each in its own way.</summary>
internal sealed class AnyEscapeStage(Stage next) : EscapeStage(next, Escapes.LongestBackslash)
{
    protected override bool Begins(byte b) => b is (byte)'%' or (byte)'\\' or (byte)'&';

    protected override Verdict Judge(ReadOnlySpan<byte> escape, Span<byte> meaning, out int length) => escape[0] switch
    {
        (byte)'%' => Escapes.Percent(escape, meaning, out length),
        (byte)'&' => Escapes.Entity(escape, meaning, out length),
        _ => Escapes.Backslash(escape, meaning, out length),
    };
}

/// <summary>Hexadecimal digits in either case.</summary>
internal sealed class HexStage(Stage next) : Stage
{
    public override long? Pending => null;

    public override void Accept(byte b, long start, long end) => next.Accept(b is >= (byte)'A' and <= (byte)'F' ? (byte)(b | 0x20) : b, start, end);
}

/// <summary>Base64 in either alphabet, broken into lines, indented ones as well, or not.</summary>
internal sealed class Base64Stage(SearchStage next) : Stage
{
    // Without a limit, a target could make us hold back line breaks for ever.
    internal const int MostBreaks = 2;
    internal const int MostIndents = 8;
    private int _breaks;
    private int _indents;

    public override long? Pending => null;

    public override void Accept(byte b, long start, long end)
    {
        switch (b)
        {
            case (byte)'\r' or (byte)'\n':
                _indents = 0;
                if (next.Pending is null || ++_breaks > MostBreaks)
                    GiveUp();
                break;
            case (byte)' ' or (byte)'\t' when _breaks > 0:
                if (++_indents > MostIndents)
                    GiveUp();
                break;
            default:
                _breaks = 0;
                next.Accept(Base64.Standard(b), start, end);
                break;
        }
    }

    private void GiveUp()
    {
        _breaks = 0;
        next.Forget();
    }
}

/// <summary>Base64's two alphabets.</summary>
internal static class Base64
{
    /// <summary>A character as the standard alphabet has it.</summary>
    public static byte Standard(byte b) => b switch { (byte)'-' => (byte)'+', (byte)'_' => (byte)'/', _ => b };

    /// <summary>Whether it is a character of either.</summary>
    public static bool IsCharacter(byte b) => char.IsAsciiLetterOrDigit((char)b) || b is (byte)'+' or (byte)'/' or (byte)'-' or (byte)'_';
}
