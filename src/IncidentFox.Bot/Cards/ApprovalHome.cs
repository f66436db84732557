using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Identity;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Cards;

/// <summary>The app's Home tab: what waits for people. Decisions are made on the cards, where everything that will run is shown.</summary>
internal static class ApprovalHome
{
    public static HomeView Render(Principal? person, IReadOnlyList<Approval> waiting, long all, IReadOnlyDictionary<ApprovalId, CardPlace> places)
    {
        if (person is null)
        {
            return new HomeView(
            [
                new HeaderBlock("IncidentFox"),
                new SectionBlock(new PlainText("You have no role here yet. Ask a team admin to give you one: /incidentfox-admin roles.")),
            ]);
        }
        List<Block> blocks = [new HeaderBlock(all == 0 ? "Nothing waits for a decision" : ApprovalLines.Title(all))];
        if (waiting.Count > 0)
            blocks.Add(new RichTextBlock(new RichTextList(RichTextListStyle.Bullet, [.. waiting.Select(a => ApprovalLines.Line(a, places.GetValueOrDefault(a.Id)))])));
        if (all > waiting.Count)
            blocks.Add(new ContextBlock(new PlainText($"{all - waiting.Count} more; these end first.")));
        blocks.Add(new DividerBlock());
        blocks.Add(new ContextBlock(new PlainText("As of when you opened this. Ask for an investigation in your team's channel: /incidentfox investigate checkout is returning 5xx.")));
        return new HomeView(blocks);
    }
}
