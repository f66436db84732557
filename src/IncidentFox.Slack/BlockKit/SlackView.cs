using System.Text.Json.Serialization;

namespace IncidentFox.Slack.BlockKit;

[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(ModalView), "modal")]
[JsonDerivedType(typeof(HomeView), "home")]
public abstract record SlackView
{
    private protected SlackView(IReadOnlyList<Block> blocks, string? callbackId, string? privateMetadata)
    {
        Blocks = Limits.Count(blocks, 1, Limits.BlocksPerView, "blocks in a view");
        Limits.Unique(Blocks.Select(b => b.BlockId), "block_id");
        if (Blocks.OfType<MarkdownBlock>().Any())
        {
            throw new ArgumentException("Slack shows markdown blocks in messages only.", nameof(blocks));
        }

        CallbackId = Limits.OptionalText(callbackId, Limits.CallbackId, "callback_id");
        PrivateMetadata = Limits.OptionalText(privateMetadata, Limits.PrivateMetadata, "private_metadata");
    }

    public IReadOnlyList<Block> Blocks { get; }

    public string? CallbackId { get; }

    /// <summary>Comes back with the submission. It passes through the person's client: ids only, never a secret, never trusted.</summary>
    public string? PrivateMetadata { get; }
}

public sealed record ModalView : SlackView
{
    public ModalView(
        string title,
        IReadOnlyList<Block> blocks,
        string callbackId,
        string? submit = null,
        string? close = null,
        string? privateMetadata = null,
        bool notifyOnClose = false)
        : base(blocks, callbackId, privateMetadata)
    {
        if (submit is null && Blocks.OfType<InputBlock>().Any())
        {
            throw new ArgumentException("A modal with inputs needs a submit button.", nameof(submit));
        }

        Title = Limits.Text(new PlainText(title), Limits.ViewTitle, "modal title");
        Submit = submit is null ? null : Limits.Text(new PlainText(submit), Limits.ViewButton, "submit button");
        Close = close is null ? null : Limits.Text(new PlainText(close), Limits.ViewButton, "close button");
        NotifyOnClose = notifyOnClose;
    }

    public TextObject Title { get; }

    public TextObject? Submit { get; }

    public TextObject? Close { get; }

    public bool NotifyOnClose { get; }
}

public sealed record HomeView : SlackView
{
    public HomeView(IReadOnlyList<Block> blocks, string? callbackId = null, string? privateMetadata = null)
        : base(blocks, callbackId, privateMetadata)
    {
    }
}
