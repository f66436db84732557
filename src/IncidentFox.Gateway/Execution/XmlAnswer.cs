using System.Text;
using System.Text.Json.Nodes;
using System.Xml;

namespace IncidentFox.Gateway.Execution;

/// <summary>
/// An XML answer as JSON, so that pointers lead into it: the root's elements are the members, an element with elements is an object, any other one its
/// text, and elements of the same name beside each other are a list. Attributes are left out.
/// </summary>
internal static class XmlAnswer
{
    private const int MaxDepth = 64;

    /// <summary>Null when it is no XML, is a web page, names a document type, or is nested too deeply.</summary>
    public static JsonNode? Parse(string text)
    {
        var settings = new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, IgnoreComments = true, IgnoreProcessingInstructions = true, IgnoreWhitespace = true,
        };
        try
        {
            using var reader = XmlReader.Create(new StringReader(text), settings);
            reader.MoveToContent();
            // A page is something on the way that speaks, not the target: it says nothing of what was done.
            if (reader.LocalName.Equals("html", StringComparison.OrdinalIgnoreCase))
                return null;
            var root = Element(reader);
            while (reader.Read())
            {
                // To the end: what follows the root makes it no XML.
            }
            return root;
        }
        catch (XmlException)
        {
            return null;
        }
    }

    // At a start tag; leaves at its end tag, or at itself when it is empty.
    private static JsonNode? Element(XmlReader reader)
    {
        if (reader.Depth > MaxDepth)
            throw new XmlException($"nested deeper than {MaxDepth}");
        if (reader.IsEmptyElement)
            return JsonValue.Create("");
        var members = new JsonObject();
        var text = new StringBuilder();
        while (reader.Read() && reader.NodeType != XmlNodeType.EndElement)
        {
            if (reader.NodeType == XmlNodeType.Element)
                Add(members, reader.LocalName, Element(reader));
            else if (reader.NodeType is XmlNodeType.Text or XmlNodeType.CDATA)
                text.Append(reader.Value);
        }
        return members.Count > 0 ? members : JsonValue.Create(text.ToString());
    }

    private static void Add(JsonObject members, string name, JsonNode? value)
    {
        if (!members.TryGetPropertyValue(name, out var before))
            members[name] = value;
        else if (before is JsonArray list)
            list.Add(value);
        else
        {
            members[name] = null;
            members[name] = new JsonArray(before, value);
        }
    }
}
