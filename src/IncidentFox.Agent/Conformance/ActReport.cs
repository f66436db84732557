using System.Text;
using System.Text.Json;

namespace IncidentFox.Agent.Conformance;

/// <summary>One act, one line: ASCII, and short enough that all of them fit into the end of a log that is kept.</summary>
internal sealed class ActReport(TextWriter output)
{
    /// <summary>More of a list is counted, not named.</summary>
    public const int MostNamed = 12;

    public void Line(string act, Action<Utf8JsonWriter> write)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteString("act", act);
            write(json);
            json.WriteEndObject();
        }
        output.WriteLine(Encoding.ASCII.GetString(bytes.ToArray()));
        output.Flush();
    }

    /// <summary>The first of them, each cut to 100 characters, and how many there are.</summary>
    public static void Names(Utf8JsonWriter json, string property, IReadOnlyCollection<string> names)
    {
        json.WriteStartArray(property);
        foreach (var name in names.Take(MostNamed))
            json.WriteStringValue(name.Length > 100 ? name[..100] : name);
        json.WriteEndArray();
        if (names.Count > MostNamed)
            json.WriteNumber($"{property}_in_all", names.Count);
    }
}
