using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.SlackWorkspace.Blocks;

/// <summary>Sizes of whole block lists, and the ids that Slack fills in.</summary>
internal static class BlockText
{
    /// <summary>
    /// All markdown blocks of a payload share 12,000 characters (documented); a whole message stops near 13,200 with a toll for each block
    /// (not documented: msg_blocks_too_long as reported by slackapi/bolt-js issues 2509 and 2867).
    /// </summary>
    private const int MarkdownTotal = 12_000;

    private const int MessageTotal = 13_200;
    private const int TollPerBlock = 60;

    public static bool IsTooLong(JsonArray blocks)
    {
        var markdown = blocks.OfType<JsonObject>().Where(b => (b["type"] as JsonValue)?.ToString() == "markdown").Sum(b => Length(b));
        return markdown > MarkdownTotal || Length(blocks) + (blocks.Count * TollPerBlock) > MessageTotal;
    }

    /// <summary>The characters of every <c>text</c> in the tree.</summary>
    public static int Length(JsonNode? node) => node switch
    {
        JsonObject o => o.Sum(p => p is { Key: "text", Value: JsonValue v } ? v.ToString().Length : Length(p.Value)),
        JsonArray a => a.Sum(Length),
        _ => 0,
    };

    /// <summary>Slack gives every block an id and every interactive element an action id when the app did not.</summary>
    public static JsonArray WithIds(JsonArray blocks)
    {
        var copy = blocks.DeepClone().AsArray();
        foreach (var block in copy.OfType<JsonObject>())
        {
            block["block_id"] ??= NewId();
            foreach (var element in Elements(block)) element["action_id"] ??= NewId();
        }

        return copy;
    }

    /// <summary>The interactive elements of a block, wherever that kind of block keeps them.</summary>
    public static IEnumerable<JsonObject> Elements(JsonObject block)
    {
        IEnumerable<JsonNode?> nodes = block["type"]?.ToString() switch
        {
            "actions" => (block["elements"] as JsonArray)?.AsEnumerable() ?? [],
            "section" => new[] { block["accessory"] },
            "input" => new[] { block["element"] },
            _ => [],
        };
        return nodes.OfType<JsonObject>().Where(e => e["type"]?.ToString() != "image");
    }

    private static string NewId() => RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz0123456789", 5);
}
