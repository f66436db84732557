using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.SlackWorkspace;

namespace IncidentFox.Workbench.Stack;

/// <summary>A message as a person would read it aloud: the texts of its blocks, in order.</summary>
public static class MessageText
{
    /// <summary>The texts; the fallback when there are no blocks.</summary>
    public static string Of(Message message)
    {
        var lines = new StringBuilder();
        foreach (var block in message.Blocks ?? [])
            Read(block, lines);
        return lines.Length == 0 ? message.Text : lines.ToString().TrimEnd();
    }

    /// <summary>True when the message has a button with this action.</summary>
    public static bool HasButton(Message message, string actionId) =>
        (message.Blocks ?? []).Any(b => b?["elements"] is JsonArray elements && elements.Any(e => e is JsonObject o && (string?)o["action_id"] == actionId));

    private static void Read(JsonNode? node, StringBuilder lines)
    {
        switch (node)
        {
            case JsonArray array:
                foreach (var item in array)
                    Read(item, lines);
                break;
            case JsonObject o when (string?)o["type"] is "plain_text" or "mrkdwn" or "text" && o["text"] is JsonValue text:
                lines.Append(text.GetValue<string>());
                if ((string)o["type"]! != "text")
                    lines.AppendLine();
                break;
            case JsonObject o when (string?)o["type"] is "markdown" && o["text"] is JsonValue text:
                lines.AppendLine(text.GetValue<string>());
                break;
            case JsonObject o:
                foreach (var name in new[] { "text", "fields", "elements", "rows" })
                    Read(o[name], lines);
                if ((string?)o["type"] is "rich_text_section" or "rich_text_preformatted" or "rich_text_quote" or "button")
                    lines.AppendLine();
                break;
        }
    }
}
