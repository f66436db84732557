using System.Text;

namespace IncidentFox.Gateway.Rules.Parsing;

/// <summary>A request target, decoded: segments and query pairs that mean one thing only.</summary>
/// <param name="Segments">Of the path.</param>
/// <param name="TrailingSlash">Whether a slash follows the last of them.</param>
/// <param name="Query">Its pairs, in order.</param>
internal sealed record CanonicalTarget(IReadOnlyList<string> Segments, bool TrailingSlash, IReadOnlyList<KeyValuePair<string, string>> Query)
{
    public const int MaxLength = 16 * 1024;

    // Beyond letters and digits. What is not here must be percent-encoded, what is a letter, a digit or one of -._~ must not be (RFC 3986, 6.2.2).
    private const string PathRaw = "-._~!$&'()*+,=:@";
    private const string QueryRaw = "-._~!$'()*,:@/?[]{}|\"^`<>";

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Parses a raw request target below a prefix; a sentence when it could mean two things to two servers.</summary>
    public static (CanonicalTarget? Target, string? Problem) Parse(ReadOnlySpan<char> raw)
    {
        if (raw.Length > MaxLength)
            return (null, $"The request target is longer than {MaxLength} characters.");
        if (raw.IndexOfAnyExceptInRange('!', '~') >= 0)
            return (null, "The request target has characters that must be percent-encoded.");
        var question = raw.IndexOf('?');
        var path = question < 0 ? raw : raw[..question];
        var segments = new List<string>();
        var slash = path.Length > 0 && path[^1] == '/';
        if (path is not ("" or "/"))
        {
            if (path[0] != '/')
                return (null, "The path does not start with a slash.");
            var inner = slash ? path[1..^1] : path[1..];
            foreach (var range in inner.Split('/'))
            {
                if (Decode(inner[range], PathRaw, plusIsSpace: false, out var segment) is { } problem)
                    return (null, $"The path {problem}.");
                if (segment.Length == 0)
                    return (null, "The path has an empty segment (//).");
                if (!IsSegment(segment))
                    return (null, "The path has a segment that is a dot segment, or holds an encoded slash, backslash, percent sign or control character.");
                segments.Add(segment);
            }
        }
        var (query, queryProblem) = ParsePairs(question < 0 ? [] : raw[(question + 1)..], "query");
        return query is null ? (null, queryProblem) : (new CanonicalTarget(segments, slash, query), null);
    }

    /// <summary>Parses the pairs of a query or a form; a sentence when they could mean two things to two servers.</summary>
    public static (IReadOnlyList<KeyValuePair<string, string>>? Pairs, string? Problem) ParsePairs(ReadOnlySpan<char> raw, string what)
    {
        var pairs = new List<KeyValuePair<string, string>>();
        if (raw.Length == 0)
            return (pairs, null);
        foreach (var range in raw.Split('&'))
        {
            var pair = raw[range];
            var equals = pair.IndexOf('=');
            var rawKey = equals < 0 ? pair : pair[..equals];
            var rawValue = equals < 0 ? [] : pair[(equals + 1)..];
            // An equals sign in a value is common (label selectors) and clear: the first one separates.
            if (Decode(rawKey, QueryRaw, plusIsSpace: true, out var key) is { } keyProblem)
                return (null, $"A {what} key {keyProblem}.");
            if (Decode(rawValue, QueryRaw + "=", plusIsSpace: true, out var value) is { } valueProblem)
                return (null, $"A {what} value {valueProblem}.");
            if (key.Length == 0)
                return (null, $"The {what} has a pair without a key.");
            pairs.Add(KeyValuePair.Create(key, value));
        }
        return (pairs, null);
    }

    /// <summary>Whether a text can be one segment of a path for every server on the way.</summary>
    public static bool IsSegment(string text) =>
        text.Length > 0 && text is not ("." or "..") && text.AsSpan().IndexOfAny("/\\%;") < 0 && !text.Any(char.IsControl);

    private static string? Decode(ReadOnlySpan<char> raw, string allowed, bool plusIsSpace, out string text)
    {
        text = "";
        var bytes = new byte[raw.Length];
        var length = 0;
        for (var i = 0; i < raw.Length; i++)
        {
            var c = raw[i];
            if (c == '%')
            {
                if (i + 2 >= raw.Length || Hex(raw[i + 1]) is not { } high || Hex(raw[i + 2]) is not { } low)
                    return "has a percent sign that is not followed by two upper-case hex digits";
                var value = (byte)(high * 16 + low);
                if (char.IsAsciiLetterOrDigit((char)value) || (char)value is '-' or '.' or '_' or '~')
                    return "encodes a character that needs no encoding";
                bytes[length++] = value;
                i += 2;
            }
            else if (c == '+' && plusIsSpace)
                bytes[length++] = (byte)' ';
            else if (char.IsAsciiLetterOrDigit(c) || allowed.Contains(c))
                bytes[length++] = (byte)c;
            else
                return $"has a '{c}' that must be percent-encoded";
        }
        try
        {
            text = Strict.GetString(bytes, 0, length);
            return null;
        }
        catch (DecoderFallbackException)
        {
            return "is not UTF-8";
        }
    }

    private static int? Hex(char c) => c switch
    {
        >= '0' and <= '9' => c - '0',
        >= 'A' and <= 'F' => c - 'A' + 10,
        _ => null,
    };
}
