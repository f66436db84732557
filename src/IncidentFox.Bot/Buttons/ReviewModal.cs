using IncidentFox.Bot.Inbound;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Identity;
using IncidentFox.Slack;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Buttons;

/// <summary>What the reviewing admin found; closes the review.</summary>
internal sealed class ReviewModal(DecisionDesk desk, BreakingGlass glass) : IModalHandler
{
    public const string Id = "approval.review.note";
    private const string Note = "reason";
    private const string Text = "text";
    private const int MaxNote = 400;

    public string CallbackId => Id;

    public Permission Needs => Permission.CloseReview;

    public static ModalView View(Approval approval, string? channelId) => new(
        "Review",
        [
            new SectionBlock(new PlainText(SlackText.Inert(approval.Effect.Title, 500, approval.Tool))),
            new SectionBlock(new PlainText(
                $"{SlackText.Inert(approval.BreakGlass?.Name, 60, "Somebody")} acted alone. Their reason: {SlackText.Inert(approval.BreakGlass?.Reason, 500, "none")}")),
            new InputBlock(Note, "What did you find?", new PlainTextInputElement(Text, multiline: true, minLength: 1, maxLength: MaxNote)),
        ],
        Id, "Close review", "Go back",
        privateMetadata: $"{CardValue.Of(approval)} {channelId}");

    public async ValueTask<SlackReply> OnSubmitAsync(SlackInteraction interaction, SlackSubmittedView view, Caller caller, CancellationToken cancellationToken)
    {
        var note = view.Value(Note, Text)?.Trim() ?? "";
        if (note.Length is 0 or > MaxNote)
            return SlackReply.ViewErrors(new Dictionary<string, string> { [Note] = $"Say what you found, in at most {MaxNote} characters." });
        var metadata = (view.PrivateMetadata ?? "").Split(' ', 2);
        var (approval, refusal) = await desk.AdmitAsync(metadata[0], caller, "close_review", cancellationToken);
        var said = approval is null ? refusal! : (await glass.CloseAsync(approval.Id, caller.Person, caller.Identity, note, cancellationToken)).Message;
        desk.Tell(interaction, metadata.Length == 2 && metadata[1].Length > 0 ? metadata[1] : null, said);
        return SlackReply.Ok;
    }
}
