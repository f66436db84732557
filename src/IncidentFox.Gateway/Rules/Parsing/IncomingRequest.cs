using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace IncidentFox.Gateway.Rules.Parsing;

/// <summary>A request of the base-URL door. The body is read as what the rule says it is, never as what the client calls it.</summary>
internal sealed class IncomingRequest(string method, CanonicalTarget target, ReadOnlyMemory<byte> body, IReadOnlyList<KeyValuePair<string, string>> headers)
{
    private bool _isJsonRead, _isFormRead;
    private (JsonNode? Node, bool IsJson) _json;
    private (IReadOnlyList<KeyValuePair<string, string>>? Pairs, string? Problem) _form;

    public string Method { get; } = method;

    public CanonicalTarget Target { get; } = target;

    public bool HasBody => body.Length > 0;

    public ReadOnlyMemory<byte> Body => body;

    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; } = headers;

    /// <summary>The media type that the client states, in lower case, without parameters; null when it states none.</summary>
    public string? MediaType => Header("content-type")?.Split(';')[0].Trim().ToLowerInvariant();

    /// <summary>A header's value; null when it is not there. One that is there twice has no value that a rule could name.</summary>
    public string? Header(string name)
    {
        string? found = null;
        foreach (var header in Headers)
        {
            if (header.Key.Equals(name, StringComparison.OrdinalIgnoreCase))
                found = found is null ? header.Value : found + "\n" + header.Value;
        }
        return found;
    }

    /// <summary>The body as JSON, no member twice.</summary>
    public (JsonNode? Node, bool IsJson) Json()
    {
        if (_isJsonRead)
            return _json;
        _isJsonRead = true;
        try
        {
            _json = (JsonNode.Parse(body.Span, documentOptions: new JsonDocumentOptions { MaxDepth = 32, AllowDuplicateProperties = false }), true);
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            _json = (null, false);
        }
        return _json;
    }

    /// <summary>The body as a form.</summary>
    public (IReadOnlyList<KeyValuePair<string, string>>? Pairs, string? Problem) Form()
    {
        if (_isFormRead)
            return _form;
        _isFormRead = true;
        var text = Encoding.Latin1.GetString(body.Span);
        return _form = CanonicalTarget.ParsePairs(text, "form");
    }

    /// <summary>What the request carries at a place of a <see cref="Discriminator"/>; null when nothing.</summary>
    public string? At(string place)
    {
        var name = place[(place.IndexOf(' ', StringComparison.Ordinal) + 1)..];
        return place[0] switch
        {
            'q' => Only(Target.Query, name),
            'h' => Header(name),
            'f' => HasBody && Form().Pairs is { } pairs ? Only(pairs, name) : null,
            _ => HasBody ? Member(name) : null,
        };
    }

    private string? Member(string path)
    {
        var node = Json().Node;
        foreach (var name in path[1..].Split('/'))
        {
            node = node switch
            {
                JsonObject members when members.TryGetPropertyValue(name, out var value) => value,
                JsonArray items when int.TryParse(name, out var i) && i >= 0 && i < items.Count => items[i],
                _ => null,
            };
        }
        try
        {
            return (node as JsonValue)?.ToJsonString();
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            return null;   // broken text: no rule's literal
        }
    }

    private static string? Only(IReadOnlyList<KeyValuePair<string, string>> pairs, string key)
    {
        string? found = null;
        foreach (var pair in pairs)
        {
            if (pair.Key == key)
                found = found is null ? pair.Value : found + "\n" + pair.Value;
        }
        return found;
    }
}
