using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Gateway.Rules.Files;
using IncidentFox.Gateway.Rules.Parsing;

namespace IncidentFox.Gateway.Rules.Explaining;

/// <summary>Writes the YAML of a rule that would allow a request. It is a start for a person, who knows what the request does, and narrow: literals stay literals.</summary>
internal static class SuggestedRule
{
    /// <summary>A whole file for an address where no integration is; null when the request can't be one of a rule.</summary>
    public static string? File(RequestQuestion question, string target)
    {
        if (!Uri.TryCreate(question.Url, UriKind.Absolute, out var uri) || CanonicalTarget.Parse(target).Target is not { } canonical || uri.UserInfo.Length > 0)
            return null;
        var name = string.Concat(uri.Host.Split('.')[0].ToLowerInvariant().Where(char.IsAsciiLetterOrDigit).Take(40));
        if (name.Length == 0 || Rule(question, canonical, name, _ => false) is not { } rule)
            return null;
        return $$"""
            # {{name}}.yaml, in a folder of Gateway:IntegrationsPaths
            integration: {{name}}
            base_url: {{uri.GetLeftPart(UriPartial.Authority)}}
            auth: {scheme: bearer, read: "file:///etc/incidentfox/secrets/{{name}}"}
            tools:
            {{rule}}
            """;
    }

    /// <summary>The <c>tools</c> of an integration's file, with the one that is missing; null when the request can't be one of a rule.</summary>
    public static string? Tool(IntegrationCatalog catalog, Integration integration, RequestQuestion question, CanonicalTarget target)
    {
        bool IsTaken(string tool) => catalog.TryFindTool(question.Team, tool, out _);
        return Rule(question, target, integration.Name, IsTaken) is { } rule ? $"# in the file of integration {integration.Name}\ntools:\n{rule}" : null;
    }

    private static string? Rule(RequestQuestion question, CanonicalTarget target, string data, Func<string, bool> isTaken)
    {
        if (question.Method is not ("GET" or "POST" or "PUT" or "PATCH" or "DELETE") || !question.Headers.All(h => ClientHeaders.IsHarmless(h.Key)))
            return null;
        var parameters = new Dictionary<string, string>(StringComparer.Ordinal);
        if (Path(target, parameters) is not { } path || Query(target, parameters) is not { } query || Body(question) is not { } body)
            return null;
        var isRead = question.Method == "GET";
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"  {Name(question.Method, target, isTaken)}:\n    description: Say what it is for.\n");
        text.Append(isRead ? "    effect: read\n" : "    effect: write   # read, if it only asks\n");
        text.Append(CultureInfo.InvariantCulture, $"    request: {Quoted($"{question.Method} {path}")}\n{query}{body}");
        if (parameters.Count > 0)
            text.Append(CultureInfo.InvariantCulture, $"    parameters:\n{string.Concat(parameters.Select(p => $"      {p.Key}: {p.Value}\n"))}");
        text.Append(CultureInfo.InvariantCulture, $"    data: {data}\n");
        if (!isRead)
            text.Append(CultureInfo.InvariantCulture, $"    preview: {{title: {Quoted($"{question.Method} {path}")}}}\n");
        return text.ToString().TrimEnd('\n');
    }

    // What looks like an identifier becomes a parameter; so does what a literal can't hold.
    private static string? Path(CanonicalTarget target, Dictionary<string, string> parameters)
    {
        var path = new StringBuilder();
        var before = "id";
        foreach (var segment in target.Segments)
        {
            if (IsLiteral(segment))
            {
                path.Append('/').Append(segment);
                before = segment;
                continue;
            }
            var name = Unique(Identifier(before.TrimEnd('s')), parameters);
            parameters[name] = "{type: string, description: Say what it is.}";
            path.Append("/{").Append(name).Append('}');
        }
        return path.Length == 0 ? "/" : path.Append(target.TrailingSlash ? "/" : "").ToString();
    }

    private static string? Query(CanonicalTarget target, Dictionary<string, string> parameters)
    {
        if (target.Query.Count == 0)
            return "";
        var keys = new List<string>();
        foreach (var pairs in target.Query.GroupBy(p => p.Key, StringComparer.Ordinal))
        {
            if (!PlaceChecks.CanBeKey(pairs.Key) || pairs.Key.Contains(RuleField.Number, StringComparison.Ordinal))
                return null;
            var name = Unique(Identifier(pairs.Key), parameters);
            parameters[name] = $"{{type: {(pairs.Skip(1).Any() ? "string_list" : "string")}, description: Say what it is., required: false}}";
            keys.Add($"{Quoted(pairs.Key)}: \"{{{name}}}\"");
        }
        return $"    query: {{{string.Join(", ", keys)}}}\n";
    }

    private static string? Body(RequestQuestion question)
    {
        if (string.IsNullOrEmpty(question.Body))
            return "";
        if (question.Method == "GET")
            return null;
        try
        {
            var node = JsonNode.Parse(question.Body, documentOptions: new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false });
            // A text that looks like a placeholder would be taken for one.
            return node is null || Template.Names(node).Any() ? null : $"    body: {node.ToJsonString()}   # put \"{{parameter}}\" where a value may differ\n";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return null;
        }
    }

    private static bool IsLiteral(string segment) =>
        segment.Length <= 40 && segment.Count(char.IsAsciiDigit) <= 2 && char.IsAsciiLetter(segment[0])
        && segment.All(c => char.IsAsciiLetterOrDigit(c) || RequestLine.LiteralExtras.Contains(c));

    private static string Name(string method, CanonicalTarget target, Func<string, bool> isTaken)
    {
        var verb = method switch { "GET" => "get", "POST" => "post", "PUT" => "put", "PATCH" => "change", _ => "delete" };
        var name = Identifier(string.Join('_', target.Segments.Where(IsLiteral).TakeLast(2).Prepend(verb)));
        return isTaken(name) ? Enumerable.Range(2, 1_000).Select(n => $"{name}_{n}").First(n => !isTaken(n)) : name;
    }

    private static string Identifier(string text)
    {
        var identifier = string.Concat(text.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_').Take(40)).Trim('_');
        return identifier is "" or "precondition" or "approval" || !char.IsAsciiLetter(identifier[0]) ? "p_" + identifier : identifier;
    }

    private static string Unique(string name, Dictionary<string, string> taken) =>
        taken.ContainsKey(name) ? Enumerable.Range(2, 1_000).Select(n => $"{name}_{n}").First(n => !taken.ContainsKey(n)) : name;

    private static string Quoted(string text) => JsonSerializer.Serialize(text, JsonSerializerOptions.Default);
}
