using System.Text.Json.Nodes;

namespace IncidentFox.Gateway.Execution;

/// <summary>JSON pointers (RFC 6901) into answers.</summary>
internal static class AnswerPointer
{
    /// <summary>The node; <c>Found</c> is false when it is not there. A JSON null is there.</summary>
    public static (bool Found, JsonNode? Node) Find(JsonNode? root, string pointer)
    {
        if (pointer.Length == 0)
            return (true, root);
        var node = root;
        foreach (var token in pointer[1..].Split('/').Select(t => t.Replace("~1", "/").Replace("~0", "~")))
        {
            switch (node)
            {
                case JsonObject o when o.TryGetPropertyValue(token, out var member):
                    node = member;
                    break;
                case JsonArray a when int.TryParse(token, out var i) && i >= 0 && i < a.Count && token == i.ToString():
                    node = a[i];
                    break;
                default:
                    return (false, null);
            }
        }
        return (true, node);
    }
}
