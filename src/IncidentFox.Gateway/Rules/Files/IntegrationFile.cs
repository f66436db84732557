namespace IncidentFox.Gateway.Rules.Files;

// One file as it was written, before it is put on top of what it extends.
internal sealed record IntegrationFile
{
    public required string File { get; init; }
    public required string Name { get; init; }
    public string? Extends { get; init; }
    public string? Team { get; init; }
    public string? Description { get; init; }
    public Uri? BaseUrl { get; init; }
    public AuthFile Auth { get; init; } = new();
    public NetworkSettings Network { get; init; } = new();
    public LimitsFile Limits { get; init; } = new();
    public bool? ScrubForeign { get; init; }
    public string ToolPrefix { get; init; } = "";
    public IReadOnlyList<ToolRule> Rules { get; init; } = [];
    public IReadOnlyList<string> Sources { get; init; } = [];
    public string? Credential { get; init; }
    public Probe? Probe { get; init; }
    public RefusalSettings? Refusal { get; init; }
    public OnCallSettings? OnCall { get; init; }

    // The settings' values are the problems' already.
    public static IntegrationFile From(string file, YamlMap root)
    {
        var read = new IntegrationFile
        {
            File = file,
            Name = NameOf(root, "integration", required: true) ?? "",
            Extends = NameOf(root, "extends", required: false),
            Team = NameOf(root, "team", required: false),
            Description = root.Text("description"),
            BaseUrl = Address(root),
            Auth = AuthFile.Parse(root.Map("auth")),
            Network = NetworkFile.Read(root.Map("network")),
            Limits = LimitsFile.Read(root.Map("limits")),
            ScrubForeign = LimitsFile.ScrubForeign(root.Map("scrub")),
            ToolPrefix = Prefix(root),
            Rules = ToolRuleReader.ReadAll(root),
            Sources = SourcesOf(root),
            Credential = root.Text("credential"),
            Probe = ProbeOf(root),
            Refusal = RefusalOf(root),
            OnCall = OnCallFile.Read(root.Map("on_call")),
        };
        _ = root.Map("settings");
        root.Done();
        return read;
    }

    private static IReadOnlyList<string> SourcesOf(YamlMap root)
    {
        if (!root.Has("source"))
            return [];
        IReadOnlyList<string> sources = root.IsText("source") ? [root.Text("source") ?? ""] : root.Texts("source");
        if (sources.Count == 0 || !sources.All(s => Uri.TryCreate(s, UriKind.Absolute, out var uri) && uri.Scheme == "https"))
            root.Error("source", "must be an https address, or a list of them");
        return sources;
    }

    private static RefusalSettings? RefusalOf(YamlMap root)
    {
        if (root.Map("refusal") is not { } map)
            return null;
        var refusal = new RefusalSettings
        {
            Statuses = map.Integer("status", 400, 499) is { } status ? [(int)status] : [],
            Pointer = map.Text("at"),
            Texts = map.Texts("equals"),
        };
        if (refusal is { Statuses.Count: 0, Pointer: null })
            map.Error("needs 'status', or 'at' and 'equals'");
        if (refusal.Pointer is null != refusal.Texts.Count is 0 || (refusal.Pointer is { } pointer && !RuleChecks.IsPointer(pointer)))
            map.Error("'at' is a JSON pointer such as /error, and 'equals' lists the texts that mean a refusal there");
        map.Done();
        return refusal;
    }

    private static Probe? ProbeOf(YamlMap root)
    {
        if (!root.Has("probe"))
            return null;
        if (root.IsText("probe"))
            return new(root.Text("probe") ?? "", []);
        if (root.Map("probe") is not { } map)
            return null;
        var probe = new Probe(map.Text("read", required: true) ?? "", ToolRuleReader.Arguments(map));
        map.Done();
        return probe;
    }

    internal static string? NameOf(YamlMap map, string key, bool required)
    {
        var name = map.Text(key, required);
        if (name is null || Names.IsName(name))
            return name;
        map.Error(key, "must be 1 to 40 of a-z, 0-9, _ and -");
        return null;
    }

    private static string Prefix(YamlMap root)
    {
        var prefix = root.Text("tool_prefix") ?? "";
        if (prefix.Length == 0 || (prefix.Length <= 20 && Names.IsIdentifier(prefix)))
            return prefix;
        root.Error("tool_prefix", "must be at most 20 of a-z, 0-9 and _");
        return "";
    }

    private static Uri? Address(YamlMap root)
    {
        if (root.Text("base_url") is not { } text)
            return null;
        if (Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "https" or "http" && uri.UserInfo.Length == 0 && uri.Query.Length == 0
            && uri.Fragment.Length == 0 && uri.Host.Length > 0 && text.IndexOfAny(['?', '#', '\\', '@', '%']) < 0
            && uri.AbsolutePath.TrimEnd('/').Split('/').Skip(1).All(s => s.Length > 0))
        {
            if (HostNotation.Problem(text, uri) is { } odd)
                root.Error("base_url", odd);
            return new Uri(uri.GetLeftPart(UriPartial.Path).TrimEnd('/'));
        }
        // The text may hold a pasted password: it is not repeated.
        root.Error("base_url", "must be https://host[:port][/path] or http://..., without user, query or escapes");
        return null;
    }
}

internal static class Names
{
    public static bool IsName(string text) => text.Length is >= 1 and <= 40 && text.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '_' or '-');

    public static bool IsIdentifier(string text) => text.Length is >= 1 and <= 64 && text.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '_');
}
