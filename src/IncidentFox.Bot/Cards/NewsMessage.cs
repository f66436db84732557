using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Cards;

/// <summary>Where a card is, for a reply that points to it.</summary>
/// <param name="ChannelId">Its channel.</param>
/// <param name="Link">Its permalink; null when there is none that may be live.</param>
public sealed record CardPlace(string ChannelId, SlackLink? Link);

/// <summary>A reply as it goes to Slack.</summary>
public static class NewsMessage
{
    private const int MaxText = 1_500;
    private const int MaxAgentWords = 900;

    public static SlackMessage Render(News news, CardPlace? place)
    {
        var text = SlackText.Inert(news.Text, MaxText, "…");
        List<RichTextElement> line = [new TextRun(text)];
        if (place is not null)
        {
            line.Add(new TextRun(" The card is in "));
            line.Add(new ChannelRun(place.ChannelId));
            line.Add(place.Link is { } link ? new LinkRun(link, " (open it)") : new TextRun("."));
        }
        List<RichTextPart> parts = [new RichTextSection(line)];
        if (news.AgentWords is { } words)
            parts.Add(new RichTextQuote(CardText.Words(words, MaxAgentWords)));
        return new SlackMessage(SlackText.Fit(text, 300), new RichTextBlock(parts));
    }
}
