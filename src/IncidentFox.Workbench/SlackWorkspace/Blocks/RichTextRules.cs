namespace IncidentFox.Workbench.SlackWorkspace.Blocks;

/// <summary>The rich_text block: sections, lists, preformatted text and quotes of inline elements.</summary>
internal static class RichTextRules
{
    public static void Check(BlockNode block)
    {
        block.Allows("type", "block_id", "elements");
        foreach (var element in block.Children("elements", 1, 1000)) Part(element);
    }

    private static void Part(BlockNode part)
    {
        switch (part.Type)
        {
            case "rich_text_section":
                part.Allows("type", "elements");
                Inlines(part);
                break;
            case "rich_text_preformatted":
                part.Allows("type", "elements", "border", "language");
                part.Whole("border", 0, 1);
                Inlines(part);
                break;
            case "rich_text_quote":
                part.Allows("type", "elements", "border");
                part.Whole("border", 0, 1);
                Inlines(part);
                break;
            case "rich_text_list":
                part.Allows("type", "style", "elements", "indent", "offset", "border");
                part.OneOf("style", required: true, "bullet", "ordered");
                part.Whole("indent", 0, 8);
                part.Whole("offset", 0, int.MaxValue);
                part.Whole("border", 0, 1);
                foreach (var item in part.Children("elements", 1, 1000))
                {
                    if (item.Type == "rich_text_section") Part(item);
                    else item.Error($"unsupported type: {item.Type}", "/type");
                }

                break;
            default:
                part.Error($"unsupported type: {part.Type}", "/type");
                break;
        }
    }

    private static void Inlines(BlockNode part)
    {
        foreach (var inline in part.Children("elements", 0, 1000)) Inline(inline);
    }

    private static void Inline(BlockNode inline)
    {
        if (inline.Child("style") is { } style)
        {
            style.Allows("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink");
            foreach (var name in (string[])["bold", "italic", "strike", "code", "underline"]) style.Bool(name);
        }

        switch (inline.Type)
        {
            case "text":
                inline.Allows("type", "text", "style");
                inline.String("text", 12_000, required: true);
                break;
            case "link":
                inline.Allows("type", "url", "text", "unsafe", "style");
                inline.Url("url", required: true);
                inline.String("text", 12_000);
                break;
            case "user":
                inline.Allows("type", "user_id", "style");
                inline.String("user_id", 255, required: true);
                break;
            case "usergroup":
                inline.Allows("type", "usergroup_id", "style");
                inline.String("usergroup_id", 255, required: true);
                break;
            case "channel":
                inline.Allows("type", "channel_id", "style");
                inline.String("channel_id", 255, required: true);
                break;
            case "emoji":
                inline.Allows("type", "name", "unicode", "style");
                inline.String("name", 255, required: true);
                break;
            case "broadcast":
                inline.Allows("type", "range", "style");
                inline.OneOf("range", required: true, "here", "channel", "everyone");
                break;
            case "date":
                inline.Allows("type", "timestamp", "format", "url", "fallback", "style");
                inline.Whole("timestamp", 0, int.MaxValue, required: true);
                inline.String("format", 255, required: true);
                inline.String("fallback", 255);
                break;
            default:
                inline.Error($"unsupported type: {inline.Type}", "/type");
                break;
        }
    }
}
