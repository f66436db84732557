using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace IncidentFox.Gateway.Rules.Files;

// Reads YAML as plain data: one document, no anchors, aliases, tags or merge keys, no duplicate keys, bounded size and depth.
internal static class YamlFile
{
    public const int MaxLength = 256 * 1024;
    private const int MaxDepth = 20;

    public static YamlMap? Read(string text, Problems problems)
    {
        if (text.Length > MaxLength)
        {
            problems.Add(1, "", $"longer than {MaxLength} characters");
            return null;
        }
        try
        {
            if (!IsPlain(text, problems))
                return null;
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            if (stream.Documents is [{ RootNode: YamlMappingNode root }])
                return new YamlMap(root, "", problems);
            problems.Add(1, "", "must be one mapping");
        }
        catch (YamlException e)
        {
            problems.Add(e.Start.Line, "", $"not valid YAML: {YamlMap.Shown(e.Message)}");
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or FormatException)
        {
            // What the parser throws on some broken texts.
            problems.Add(1, "", "not valid YAML");
        }
        return null;
    }

    public static bool IsPlain(string text, Problems problems)
    {
        var parser = new Parser(new StringReader(text));
        var depth = 0;
        var documents = 0;
        while (parser.MoveNext())
        {
            var problem = parser.Current switch
            {
                AnchorAlias => "aliases (*) are not accepted",
                NodeEvent { Anchor.IsEmpty: false } => "anchors (&) are not accepted",
                NodeEvent { Tag.IsEmpty: false } => "tags (!) are not accepted",
                Scalar { Value: "<<" } => "merge keys (<<) are not accepted",
                MappingStart or SequenceStart when ++depth > MaxDepth => $"nested deeper than {MaxDepth}",
                DocumentStart when ++documents > 1 => "one document per file",
                _ => null,
            };
            if (problem is not null)
            {
                problems.Add(parser.Current!.Start.Line, "", problem);
                return false;
            }
            if (parser.Current is MappingEnd or SequenceEnd)
                depth--;
        }
        return true;
    }
}
