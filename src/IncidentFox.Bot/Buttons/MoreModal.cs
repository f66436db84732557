using IncidentFox.Bot.Inbound;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Identity;
using IncidentFox.Slack;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Buttons;

/// <summary>Approving with a comment, taking one's approval back, calling it off, acting alone: what and why.</summary>
internal sealed class MoreModal(DecisionDesk desk, ApprovalVoting voting, BreakingGlass glass) : IModalHandler
{
    public const string Id = "approval.more.what";
    public const string Approve = "approve";
    public const string Withdraw = "withdraw";
    public const string Cancel = "cancel";
    public const string BreakGlass = "break_glass";
    private const string What = "what";
    private const string Reason = "reason";
    private const string Text = "text";
    private const int MaxReason = 250;

    public string CallbackId => Id;

    /// <summary>The least of it; calling off and acting alone need more, which <see cref="ApprovalRules"/> judges with the row.</summary>
    public Permission Needs => Permission.DecideApproval;

    /// <summary>What this person may find useful, by what is known of them. It decides nothing.</summary>
    public static IReadOnlyList<SelectOption> Choices(Approval approval, Principal? person)
    {
        var (voted, asked) = (approval.Votes.Any(v => v.Person == person?.Person), person is not null && approval.RequesterIds.Contains(person.Person));
        List<SelectOption> choices = [];
        if (approval.State == ApprovalState.Pending && !voted && (!asked || approval.Workflow.AllowSelfApproval))
            choices.Add(new SelectOption("Approve, with a comment", Approve));
        if (approval.State == ApprovalState.Pending && voted)
            choices.Add(new SelectOption("Take my approval back", Withdraw));
        if (approval.State is ApprovalState.Pending or ApprovalState.Approved && asked)
            choices.Add(new SelectOption("Call it off: it is not wanted any more", Cancel));
        if (approval.State == ApprovalState.Pending && approval.Workflow.BreakGlass && !asked)
            choices.Add(new SelectOption("Break glass: act alone, everybody is told", BreakGlass));
        return choices;
    }

    public static ModalView View(Approval approval, IReadOnlyList<SelectOption> choices, string? channelId) => new(
        "More",
        [
            new SectionBlock(new PlainText(SlackText.Inert(approval.Effect.Title, 500, approval.Tool))),
            new InputBlock(What, "What do you want to do?", new StaticSelectElement(Text, choices, initial: choices[0])),
            new InputBlock(Reason, "Why?", new PlainTextInputElement(Text, multiline: true, maxLength: MaxReason), optional: true,
                hint: $"{(choices.Any(c => c.Value == BreakGlass) ? "Needed for breaking glass: everybody in the channel reads it. " : "")}Kept in the audit trail."),
        ],
        Id, "Do it", "Go back",
        // Comes back through the person's client: the approval is looked up and judged anew, the channel is only where they read the answer.
        privateMetadata: $"{CardValue.Of(approval)} {channelId}");

    public async ValueTask<SlackReply> OnSubmitAsync(SlackInteraction interaction, SlackSubmittedView view, Caller caller, CancellationToken cancellationToken)
    {
        var what = view.Value(What, Text) ?? "";
        var reason = view.Value(Reason, Text)?.Trim() ?? "";
        if (what is not (Approve or Withdraw or Cancel or BreakGlass))
            return SlackReply.ViewErrors(new Dictionary<string, string> { [What] = "Choose one of these." });
        if (reason.Length > MaxReason)
            return SlackReply.ViewErrors(new Dictionary<string, string> { [Reason] = $"At most {MaxReason} characters." });
        if (what == BreakGlass && reason.Length == 0)
            return SlackReply.ViewErrors(new Dictionary<string, string> { [Reason] = "Say why you act alone: everybody is told." });
        var metadata = (view.PrivateMetadata ?? "").Split(' ', 2);
        var (approval, refusal) = await desk.AdmitAsync(metadata[0], caller, what, cancellationToken);
        var said = approval is null ? refusal! : (await DoAsync(what, approval, caller, reason, cancellationToken)).Message;
        desk.Tell(interaction, metadata.Length == 2 && metadata[1].Length > 0 ? metadata[1] : null, said);
        return SlackReply.Ok;
    }

    private Task<VoteResult> DoAsync(string what, Approval approval, Caller caller, string reason, CancellationToken cancellationToken) => what switch
    {
        Approve => voting.ApproveAsync(approval.Id, caller.Person, caller.Identity, cancellationToken, reason),
        Withdraw => voting.WithdrawAsync(approval.Id, caller.Person, caller.Identity, cancellationToken),
        Cancel => voting.CancelAsync(approval.Id, caller.Person, caller.Identity, reason, cancellationToken),
        _ => glass.BreakAsync(approval.Id, caller.Person, caller.Identity, reason, cancellationToken),
    };
}
