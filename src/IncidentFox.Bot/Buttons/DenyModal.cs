using IncidentFox.Bot.Inbound;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Identity;
using IncidentFox.Slack;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Buttons;

/// <summary>The reason for a denial, and the denial itself.</summary>
internal sealed class DenyModal(DecisionDesk desk, ApprovalVoting voting) : IModalHandler
{
    public const string Id = "approval.deny.reason";
    private const string Reason = "reason";
    private const string Note = "note";
    private const string Text = "text";
    private const int MaxReason = 250;
    private const int MaxNote = 200;

    public string CallbackId => Id;

    public Permission Needs => Permission.DecideApproval;

    public static ModalView View(Approval approval, string? channelId) => new(
        "Deny this action",
        [
            new SectionBlock(new PlainText(SlackText.Inert(approval.Effect.Title, 500, approval.Tool))),
            new InputBlock(Reason, "Why should this not run?", new PlainTextInputElement(Text, multiline: true, minLength: 1, maxLength: MaxReason)),
            new InputBlock(Note, "A note for the team", new PlainTextInputElement(Text, maxLength: MaxNote), optional: true, hint: "For example what to do instead."),
        ],
        Id, "Deny", "Go back",
        // Comes back through the person's client: the approval is looked up and judged anew, the channel is only where they read the answer.
        privateMetadata: $"{CardValue.Of(approval)} {channelId}");

    public async ValueTask<SlackReply> OnSubmitAsync(SlackInteraction interaction, SlackSubmittedView view, Caller caller, CancellationToken cancellationToken)
    {
        var reason = view.Value(Reason, Text)?.Trim() ?? "";
        if (reason.Length is 0 or > MaxReason)
            return SlackReply.ViewErrors(new Dictionary<string, string> { [Reason] = $"Say why, in at most {MaxReason} characters." });
        var note = view.Value(Note, Text)?.Trim() ?? "";
        var metadata = (view.PrivateMetadata ?? "").Split(' ', 2);
        var (approval, refusal) = await desk.AdmitAsync(metadata[0], caller, "deny", cancellationToken);
        var said = approval is null
            ? refusal!
            : (await voting.DenyAsync(approval.Id, caller.Person, caller.Identity, note.Length == 0 ? reason : $"{reason} ({SlackText.Fit(note, MaxNote)})", cancellationToken)).Message;
        desk.Tell(interaction, metadata.Length == 2 && metadata[1].Length > 0 ? metadata[1] : null, said);
        return SlackReply.Ok;
    }
}
