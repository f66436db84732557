namespace IncidentFox.Slack.BlockKit;

/// <summary>A message: blocks, and a plain text for notifications and screen readers (the whole message when there are no blocks).</summary>
public sealed record SlackMessage
{
    /// <param name="text">Plain text; it is never read as markup. Cut it with <see cref="SlackText.Inert"/> when it is data.</param>
    /// <param name="blocks">At most 50.</param>
    public SlackMessage(string text, params IReadOnlyList<Block> blocks)
    {
        Text = SlackText.Neutralise(Limits.Text(text, Limits.MessageText, "message text"));
        Blocks = Limits.Count(blocks, 0, Limits.BlocksPerMessage, "blocks in a message");
        Limits.Unique(Blocks.Select(b => b.BlockId), "block_id");

        if (Blocks.OfType<InputBlock>().Any())
        {
            throw new ArgumentException("Input blocks belong into views.", nameof(blocks));
        }

        RequireAtMost(Blocks.OfType<MarkdownBlock>().Sum(b => b.Text.Length), Limits.MarkdownCumulative, "markdown");
        RequireAtMost(Blocks.OfType<RichTextBlock>().Sum(b => b.TextLength), Limits.RichTextCumulative, "rich text");
    }

    public string Text { get; }

    public IReadOnlyList<Block> Blocks { get; }

    private static void RequireAtMost(int length, int max, string what)
    {
        if (length > max)
        {
            throw new ArgumentException($"A message holds at most {max} characters of {what}; this one has {length}.", nameof(length));
        }
    }
}
