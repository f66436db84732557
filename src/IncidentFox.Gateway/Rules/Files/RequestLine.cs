namespace IncidentFox.Gateway.Rules.Files;

// `request: GET /api/v1/pods/{pod}`: a method and a path, segment by segment.
internal readonly record struct RequestLine(string Method, IReadOnlyList<PathSegment> Path, bool TrailingSlash)
{
    // Sub-delimiters and the like that RFC 3986 (3.3) allows in a segment and that mean one thing to every server.
    public const string LiteralExtras = "-._~:@$=,()";

    private const string Allowed = "a {parameter}, text around one, {parameter...} for several segments, or letters, digits and - . _ ~ : @ $ = , ( )";

    private static readonly string[] Methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];

    public static RequestLine Read(YamlMap map)
    {
        var parts = (map.Text("request", required: true) ?? "GET /").Split(' ');
        if (parts is not [var method, ['/', .. var rest]] || !Methods.Contains(method))
        {
            map.Error("request", $"must be a method ({string.Join(", ", Methods)}) and a path such as GET /api/v1/pods/{{pod}}");
            return new("GET", [], TrailingSlash: true);
        }
        if (rest.Length == 0)
            return new(method, [], TrailingSlash: true);
        var slash = rest.EndsWith('/');
        var segments = new List<PathSegment>();
        foreach (var text in (slash ? rest[..^1] : rest).Split('/'))
        {
            if (Segment(text) is { } segment)
                segments.Add(segment);
            else
                map.Error("request", $"'{YamlMap.Shown(text)}' must be {Allowed}");
        }
        if (segments.Count(s => s.IsMany) > 1)
            map.Error("request", "has more than one {parameter...}: where one ends and the next begins would be unclear");
        return new(method, segments, slash);
    }

    private static PathSegment? Segment(string text)
    {
        var open = text.IndexOf('{');
        if (open < 0)
            return text is "" or "." or ".." || !IsLiteral(text) ? null : new(text, null);
        var close = text.IndexOf('}');
        if (close < open)
            return null;
        string name = text[(open + 1)..close], prefix = text[..open], suffix = text[(close + 1)..];
        var many = name.EndsWith("...", StringComparison.Ordinal);
        if (many)
            name = name[..^3];
        if (!Names.IsIdentifier(name) || !IsLiteral(prefix) || !IsLiteral(suffix) || (many && prefix.Length + suffix.Length > 0))
            return null;
        return new(null, name) { Prefix = prefix.Length > 0 ? prefix : null, Suffix = suffix.Length > 0 ? suffix : null, IsMany = many };
    }

    private static bool IsLiteral(string text) => text.All(c => char.IsAsciiLetterOrDigit(c) || LiteralExtras.Contains(c));
}
