using IncidentFox.Core.Approvals;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Cards;

/// <summary>Approvals that wait for people, in a line each.</summary>
internal static class ApprovalLines
{
    private const int MaxTitle = 140;

    public static SlackMessage Message(IReadOnlyList<(Approval Approval, CardPlace? Place)> waiting, long all)
    {
        var title = Title(all);
        List<Block> blocks = [CardText.Title(title), new RichTextBlock(new RichTextList(RichTextListStyle.Bullet, [.. waiting.Select(w => Line(w.Approval, w.Place))]))];
        if (all > waiting.Count)
            blocks.Add(new ContextBlock(new PlainText($"{all - waiting.Count} more; these end first.")));
        return new SlackMessage(title, blocks);
    }

    public static string Title(long all) => all == 1 ? "1 action waits for people" : $"{all} actions wait for people";

    public static RichTextSection Line(Approval approval, CardPlace? place)
    {
        List<RichTextElement> line =
        [
            new TextRun(approval.Id.Short, TextStyle.AsCode),
            new TextRun("  " + SlackText.Inert(approval.Effect.Title, MaxTitle, approval.Tool)),
            new TextRun($"  team {approval.Resource.Team}, asked by {CardText.Names(approval.Requesters)}. ", TextStyle.InItalic),
        ];
        if (approval.State == ApprovalState.Pending)
            line.AddRange([new TextRun($"Needs {ApprovalWords.Needs(approval)}; ends "), new DateRun(approval.ExpiresAt), new TextRun(".")]);
        else if (approval.BreakGlass is { ReviewIsOpen: true } broken)
            line.Add(new TextRun($"{SlackText.Inert(broken.Name, 60, "Somebody")} acted alone; another admin has to review it."));
        if (place is not null)
            line.AddRange(place.Link is { } link ? [new TextRun(" "), new LinkRun(link, "Open the card")] : (RichTextElement[])[new TextRun(" The card is in "), new ChannelRun(place.ChannelId), new TextRun(".")]);
        return new RichTextSection(line);
    }
}
