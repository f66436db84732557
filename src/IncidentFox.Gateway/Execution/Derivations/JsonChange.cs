using System.Text.Json.Nodes;

namespace IncidentFox.Gateway.Execution.Derivations;

/// <summary>One value that differs between two JSON values.</summary>
/// <param name="Pointer">JSON pointer (RFC 6901).</param>
/// <param name="Words">The same for people: items of lists by their names.</param>
/// <param name="Before">Null with <paramref name="WasThere"/> false: it was not there.</param>
/// <param name="After">Null with <paramref name="IsThere"/> false: it is not there.</param>
/// <param name="WasThere">Whether it was there.</param>
/// <param name="IsThere">Whether it is there.</param>
internal sealed record JsonChange(string Pointer, string Words, JsonNode? Before, JsonNode? After, bool WasThere, bool IsThere)
{
    /// <summary>All differences, the smallest that can be named. Lists are gone into where both have the same items by name in the same order.</summary>
    public static IReadOnlyList<JsonChange> Between(JsonNode? before, JsonNode? after, string pointer) => [.. Find(before, after, pointer, "")];

    /// <summary>Nothing changes here, but it must be as it was.</summary>
    public bool IsOnlyATest => WasThere && IsThere && JsonNode.DeepEquals(Before, After);

    /// <summary>The JSON Patch (RFC 6902) that makes them; what changes or goes is tested first.</summary>
    public IEnumerable<JsonObject> Patch()
    {
        if (WasThere)
            yield return new() { ["op"] = "test", ["path"] = Pointer, ["value"] = Before?.DeepClone() };
        if (IsOnlyATest)
            yield break;
        if (!IsThere)
            yield return new() { ["op"] = "remove", ["path"] = Pointer };
        else
            yield return new() { ["op"] = WasThere ? "replace" : "add", ["path"] = Pointer, ["value"] = After?.DeepClone() };
    }

    private static IEnumerable<JsonChange> Find(JsonNode? before, JsonNode? after, string pointer, string words)
    {
        if (JsonNode.DeepEquals(before, after))
            yield break;
        if (before is JsonObject a && after is JsonObject b)
        {
            foreach (var name in a.Select(m => m.Key).Union(b.Select(m => m.Key), StringComparer.Ordinal))
            {
                var (was, old) = (a.TryGetPropertyValue(name, out var x), x);
                var (stays, now) = (b.TryGetPropertyValue(name, out var y), y);
                var (at, said) = ($"{pointer}/{name.Replace("~", "~0").Replace("/", "~1")}", words.Length == 0 ? name : $"{words} {name}");
                foreach (var change in was && stays ? Find(old, now, at, said) : [new(at, said, old, now, was, stays)])
                    yield return change;
            }
            yield break;
        }
        if (before is JsonArray c && after is JsonArray d && NamesOf(c) is { } names && NamesOf(d) is { } others && names.SequenceEqual(others, StringComparer.Ordinal))
        {
            for (var i = 0; i < c.Count; i++)
            {
                var changes = Find(c[i], d[i], $"{pointer}/{i}", $"{words} {names[i]}").ToList();
                // Tested as well: an item is known by its place only until somebody puts another before it.
                if (changes.Count > 0)
                    yield return new($"{pointer}/{i}/name", "", names[i], names[i], WasThere: true, IsThere: true);
                foreach (var change in changes)
                    yield return change;
            }
            yield break;
        }
        yield return new(pointer, words, before, after, WasThere: true, IsThere: true);
    }

    private static List<string>? NamesOf(JsonArray items)
    {
        var names = items.Select(i => Pods.Text(i, "/name")).OfType<string>().ToList();
        return names.Count == items.Count ? names : null;
    }
}
