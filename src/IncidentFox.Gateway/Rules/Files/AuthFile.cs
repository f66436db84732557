using IncidentFox.Secrets;

namespace IncidentFox.Gateway.Rules.Files;

// A key and its value as they were written.
internal readonly record struct AuthText(string Name, string Value, long Line);

// The auth section of one file as it was written, before it is put on top of what it extends.
internal sealed record AuthFile
{
    /// <summary>Stands for the slot that a scheme with one secret has.</summary>
    public const string OnlySlot = "";

    public AuthSchemeInfo? Scheme { get; init; }
    public IReadOnlyList<AuthText> Options { get; init; } = [];
    public IReadOnlyList<AuthText>? Headers { get; init; }
    public IReadOnlyList<AuthText>? Query { get; init; }
    public IReadOnlyList<AuthText>? Read { get; init; }
    public IReadOnlyList<AuthText>? Write { get; init; }
    public long Line { get; init; } = 1;

    public static AuthFile Parse(YamlMap? auth)
    {
        if (auth is null)
            return new();
        var file = new AuthFile
        {
            Scheme = SchemeOf(auth),
            Options = [.. AuthSchemes.OptionNames.Select(name => Option(auth, name)).OfType<AuthText>()],
            Headers = Fields(auth, "headers"),
            Query = Fields(auth, "query"),
            Read = References(auth, "read"),
            Write = References(auth, "write"),
            Line = auth.Line,
        };
        auth.Done();
        return file;
    }

    private static AuthSchemeInfo? SchemeOf(YamlMap auth)
    {
        if (auth.Text("scheme") is not { } name)
            return null;
        if (AuthSchemes.Find(name) is { } scheme)
            return scheme;
        auth.Error("scheme", $"must be one of {AuthSchemes.Names}");
        return null;
    }

    private static AuthText? Option(YamlMap auth, string name) => auth.Scalar(name) is { } text ? new(name, text, auth.LineOf(name)) : null;

    private static IReadOnlyList<AuthText>? Fields(YamlMap auth, string key)
    {
        if (auth.Map(key) is not { } map)
            return null;
        var names = map.Keys();
        if (names.Count is 0 or > 10)
            auth.Error(key, "must name 1 to 10, each with a text that has {slot} where a secret belongs");
        return [.. names.Select(n => map.Text(n) is { } text ? new AuthText(n, text, map.LineOf(n)) : (AuthText?)null).OfType<AuthText>()];
    }

    private static IReadOnlyList<AuthText>? References(YamlMap auth, string key)
    {
        if (auth.IsText(key))
            return Reference(auth, key) is { } only ? [new(OnlySlot, only, auth.LineOf(key))] : [];
        if (auth.Map(key) is not { } map)
            return null;
        var slots = map.Keys();
        if (slots.Count is 0 or > 10)
            auth.Error(key, "must name 1 to 10 secrets, each with its reference");
        return [.. slots.Select(s => Reference(map, s) is { } reference ? new AuthText(s, reference, map.LineOf(s)) : (AuthText?)null).OfType<AuthText>()];
    }

    private static string? Reference(YamlMap map, string key)
    {
        if (map.Text(key) is not { } text)
            return null;
        if (SecretReference.TryParse(text, out var reference, out var reason))
            return reference.ToString();
        map.Error(key, $"must be a reference to a secret, never the secret: {reason}");
        return null;
    }
}
