using System.Buffers;

namespace IncidentFox.Gateway.Scrubbing.Foreign;

/// <summary>What a place is.</summary>
internal enum Judgement
{
    /// <summary>No secret begins there.</summary>
    No,

    /// <summary>It takes more to know.</summary>
    More,

    /// <summary>A secret.</summary>
    Yes,
}

/// <summary>One well-known kind of secret.</summary>
internal abstract class ForeignKind(string name, params string[] beginnings)
{
    /// <summary>No kind needs more than this many bytes to be judged: what is held back is bounded.</summary>
    public const int Longest = 1024;

    protected const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    protected const string Digits = "0123456789";

    /// <summary>What stands where one was.</summary>
    public byte[] Mark { get; } = System.Text.Encoding.ASCII.GetBytes($"[redacted:{name}]");

    /// <summary>What every one of them begins with.</summary>
    public IReadOnlyList<byte[]> Beginnings { get; } = [.. beginnings.Select(System.Text.Encoding.ASCII.GetBytes)];

    /// <summary>What follows the part that was judged and belongs to it; null: nothing.</summary>
    public SearchValues<byte>? Rest { get; protected init; }

    /// <summary>Looks at a text that begins with one of <see cref="Beginnings"/>.</summary>
    /// <param name="text">From there on.</param>
    /// <param name="before">The two bytes before it, the last one second; zero at the beginning of the stream.</param>
    /// <param name="last">Nothing follows.</param>
    /// <param name="beginning">Length of the beginning.</param>
    /// <param name="secret">Where in the text the secret is.</param>
    public abstract Judgement Judge(ReadOnlySpan<byte> text, (byte, byte) before, bool last, int beginning, out Range secret);

    protected static SearchValues<byte> Set(string characters) => SearchValues.Create(System.Text.Encoding.ASCII.GetBytes(characters));

    protected static bool IsWord(byte b) => char.IsAsciiLetterOrDigit((char)b) || b == (byte)'_';
}

/// <summary>A token with a beginning of its own: so many characters of a set, not in the midst of a word.</summary>
internal sealed class TokenKind : ForeignKind
{
    private readonly SearchValues<byte> _characters;
    private readonly int _least;
    private readonly bool _exactly;

    public TokenKind(string name, string characters, int least, bool exactly, params string[] beginnings) : base(name, beginnings)
    {
        (_characters, _least, _exactly) = (Set(characters), least, exactly);
        Rest = exactly ? null : _characters;
    }

    public override Judgement Judge(ReadOnlySpan<byte> text, (byte, byte) before, bool last, int beginning, out Range secret)
    {
        secret = ..(beginning + _least);
        if (IsWord(before.Item2))
            return Judgement.No;
        var body = text[beginning..];
        var length = body[..Math.Min(_least, body.Length)].IndexOfAnyExcept(_characters);
        if (length >= 0)
            return Judgement.No;
        if (body.Length < _least)
            return last ? Judgement.No : Judgement.More;
        if (!_exactly)
            return Judgement.Yes;
        if (body.Length == _least)
            return last ? Judgement.Yes : Judgement.More;
        return IsWord(body[_least]) ? Judgement.No : Judgement.Yes;
    }
}

/// <summary>A JSON Web Token (RFC 7519), signed: header and claims are objects, which in base64 begin with <c>eyJ</c>.</summary>
internal sealed class JwtKind : ForeignKind
{
    private static readonly SearchValues<byte> Part = Set(Letters + Digits + "-_");

    public JwtKind() : base("jwt", "eyJ") => Rest = Set(Letters + Digits + "-_.");

    public override Judgement Judge(ReadOnlySpan<byte> text, (byte, byte) before, bool last, int beginning, out Range secret)
    {
        secret = default;
        var header = text.IndexOfAnyExcept(Part);
        if (header < 0)
            return last || text.Length >= Longest ? Judgement.No : Judgement.More;
        if (header < 12 || text[header] != (byte)'.' || IsWord(before.Item2))
            return Judgement.No;
        var claims = text[(header + 1)..];
        if (claims.Length < 12)
            return last || !(claims.StartsWith("eyJ"u8) || "eyJ"u8.StartsWith(claims)) ? Judgement.No : Judgement.More;
        secret = ..(header + 13);
        return claims.StartsWith("eyJ"u8) && claims[..12].IndexOfAnyExcept(Part) < 0 ? Judgement.Yes : Judgement.No;
    }
}

/// <summary>A private key in PEM (RFC 7468): the lines between BEGIN and END.</summary>
internal sealed class PrivateKeyKind : ForeignKind
{
    private static readonly byte[][] Labels =
    [
        .. new[] { "", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED ", "PGP " }.SelectMany(l => new[] { $"{l}PRIVATE KEY-----", $"{l}PRIVATE KEY BLOCK-----" })
            .Select(System.Text.Encoding.ASCII.GetBytes),
    ];

    // Base64, line breaks as they are or escaped, indentation and quotes, the headers of old encrypted keys except their dashes.
    public PrivateKeyKind() : base("private-key", "-----BEGIN ") => Rest = Set(Letters + Digits + "+/=\r\n\t \\\"',:.");

    public override Judgement Judge(ReadOnlySpan<byte> text, (byte, byte) before, bool last, int beginning, out Range secret)
    {
        secret = default;
        var label = text[beginning..];
        foreach (var known in Labels)
        {
            if (label.StartsWith(known))
            {
                secret = (beginning + known.Length)..(beginning + known.Length);
                return Judgement.Yes;
            }
            if (!last && label.Length < known.Length && known.AsSpan().StartsWith(label))
                return Judgement.More;
        }
        return Judgement.No;
    }
}

/// <summary>A password within a URL: <c>scheme://user:password@host</c> (RFC 3986, section 3.2.1).</summary>
internal sealed class UrlPasswordKind() : ForeignKind("url-password", "://")
{
    private const int LongestPart = 256;
    private static readonly SearchValues<byte> Ends = SearchValues.Create([.. "/?#\"'<>\\[]{}|^`,;()$*"u8, .. Enumerable.Range(0, 33).Select(b => (byte)b)]);

    public override Judgement Judge(ReadOnlySpan<byte> text, (byte, byte) before, bool last, int beginning, out Range secret)
    {
        secret = default;
        var end = text[beginning..].IndexOfAny(Ends) is var at and >= 0 ? beginning + at : text.Length;
        var user = text[beginning..end];
        var sign = user[..Math.Min(user.Length, LongestPart)].IndexOf((byte)'@');
        if (sign < 0)
            return end < text.Length || last || user.Length >= LongestPart ? Judgement.No : Judgement.More;
        var colon = user[..sign].IndexOf((byte)':');
        if (colon < 0 || sign - colon < 2)
            return Judgement.No;
        secret = (beginning + colon + 1)..(beginning + sign);
        return Judgement.Yes;
    }
}

/// <summary>A value behind a name, as in connection strings and the credentials of clouds.</summary>
internal sealed class NamedValueKind : ForeignKind
{
    private const int LongestValue = 256;
    private readonly SearchValues<byte> _between;
    private readonly SearchValues<byte> _characters;
    private readonly int _least;
    private readonly bool _amongOthers;

    /// <param name="name">Of the kind.</param>
    /// <param name="between">What may stand between name and value, up to eight of them.</param>
    /// <param name="characters">Of the value.</param>
    /// <param name="least">How many at least.</param>
    /// <param name="amongOthers">Only in a list of settings: a semicolon or ampersand stands before the name or after the value.</param>
    /// <param name="beginnings">The names.</param>
    public NamedValueKind(string name, string between, string characters, int least, bool amongOthers, params string[] beginnings) : base(name, beginnings) =>
        (_between, _characters, _least, _amongOthers) = (Set(between), Set(characters), least, amongOthers);

    public override Judgement Judge(ReadOnlySpan<byte> text, (byte, byte) before, bool last, int beginning, out Range secret)
    {
        secret = default;
        var gap = text[beginning..].IndexOfAnyExcept(_between);
        if (gap is < 0 or > 8)
            return gap > 8 || last || text.Length - beginning > 8 ? Judgement.No : Judgement.More;
        var start = beginning + gap;
        if (gap == 0)
            return Judgement.No;
        var value = text[start..];
        var length = value.IndexOfAnyExcept(_characters);
        if (length < 0 && !last && value.Length < LongestValue)
            return Judgement.More;
        length = Math.Min(length < 0 ? value.Length : length, LongestValue);
        if (length < _least)
            return Judgement.No;
        secret = start..(start + length);
        var listed = IsSeparator(before.Item2) || (before.Item2 == (byte)' ' && IsSeparator(before.Item1)) || (length < value.Length && IsSeparator(value[length]));
        return listed || !_amongOthers ? Judgement.Yes : Judgement.No;
    }

    private static bool IsSeparator(byte b) => b is (byte)';' or (byte)'&' or (byte)'?';
}
