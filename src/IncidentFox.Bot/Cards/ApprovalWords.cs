using IncidentFox.Core.Approvals;
using IncidentFox.Core.Policy;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Cards;

/// <summary>States of an approval in plain words.</summary>
internal static class ApprovalWords
{
    public static string Mark(ApprovalState state) => state switch
    {
        ApprovalState.Pending => "✋",
        ApprovalState.Approved or ApprovalState.Executing => "⏳",
        ApprovalState.Executed => "✅",
        ApprovalState.Unknown => "⚠️",
        ApprovalState.Failed => "❌",
        _ => "🚫",
    };

    /// <summary>A few words for a line.</summary>
    public static string Short(Approval approval) => approval.State switch
    {
        ApprovalState.Pending => $"waiting for {Needs(approval)}",
        ApprovalState.Approved => $"approved by {Voters(approval)}, about to run",
        ApprovalState.Executing => $"approved by {Voters(approval)}, running",
        ApprovalState.Executed => $"approved by {Voters(approval)}, done",
        ApprovalState.Failed => "was tried and did not work",
        ApprovalState.Unknown => "it is not known whether it ran",
        ApprovalState.Denied => $"denied by {By(approval)}",
        ApprovalState.Expired => "nobody decided in time; nothing ran",
        _ => "withdrawn; nothing ran",
    };

    /// <summary>What became of it, and what to do where something is to be done.</summary>
    public static string Outcome(Approval approval) => approval.State switch
    {
        ApprovalState.Pending => "Waiting for a decision.",
        ApprovalState.Approved => $"Approved by {Voters(approval)}. It runs next; a denial now still stops it.",
        ApprovalState.Executing => $"Approved by {Voters(approval)}. It is running.",
        ApprovalState.Executed => $"Done{Took(approval)}. Approved by {Voters(approval)}. {Said(approval)}".TrimEnd(),
        ApprovalState.Failed => $"It was tried and did not work{Took(approval)}. Approved by {Voters(approval)}. {Said(approval)}".TrimEnd(),
        ApprovalState.Unknown =>
            $"It is not known whether this ran. Either it ran and the answer was lost, or it never reached its target. It will not be sent again. Approved by {Voters(approval)}. "
            + $"What to check: look at the target named above and compare it with what should have changed. {Said(approval)}".TrimEnd(),
        ApprovalState.Denied => $"Denied by {By(approval)}. Nothing ran. {(approval.DecidedBy is null ? "Why" : "Their reason")}: {SlackText.Inert(approval.DecisionReason, 500, "none given")}",
        ApprovalState.Expired => "Nobody decided in time. Nothing ran.",
        _ when approval.DecidedBy is { } by => $"Called off by {SlackText.Inert(by, 60, "somebody")}, who asked for it. Nothing ran. {SlackText.Inert(approval.DecisionReason, 300)}".TrimEnd(),
        _ => $"Withdrawn. Nothing ran. {SlackText.Inert(approval.DecisionReason, 300)}".TrimEnd(),
    };

    /// <summary>1 approval by an admin; 2 more approvals ...</summary>
    public static string Needs(Approval approval)
    {
        var missing = Math.Max(0, approval.RequiredApprovers - approval.Votes.Count);
        return $"{missing} {(approval.Votes.Count > 0 ? "more " : "")}{(missing == 1 ? "approval" : "approvals")}";
    }

    /// <summary>Who approved; an admin who acted alone is said to have.</summary>
    public static string Voters(Approval approval) => approval.BreakGlass is { } broken && approval.Votes.Count < approval.RequiredApprovers
        ? $"{SlackText.Inert(broken.Name, 60, "somebody")} alone (broken glass)"
        : CardText.Names([.. approval.Votes.Select(v => v.Name)]);

    /// <summary>Whom policy names, as it is written there.</summary>
    public static string Approvers(IEnumerable<Approver> approvers)
    {
        var named = approvers.Distinct().Select(a => SlackText.Inert(a.ToString(), 80, "?")).ToList();
        return named.Count <= MostNamed ? string.Join(", ", named) : $"{string.Join(", ", named.Take(MostNamed))} and {named.Count - MostNamed} more";
    }

    private const int MostNamed = 8;

    private static string By(Approval approval) => SlackText.Inert(approval.DecidedBy, 60, "policy");

    private static string Said(Approval approval) => SlackText.Inert(approval.Outcome, 500);

    private static string Took(Approval approval) => approval.DurationMs is { } ms ? $" in {CardText.Took(TimeSpan.FromMilliseconds(ms))}" : "";
}
