using IncidentFox.Core.Identity;
using IncidentFox.Core.Policy;

namespace IncidentFox.Core.Approvals;

/// <summary>The answer to a click; a refusal says why in words for that person.</summary>
public readonly record struct VoteJudgement(bool Accepted, string? Reason)
{
    internal static VoteJudgement Accept => new(true, null);

    internal static VoteJudgement Refuse(string reason) => new(false, reason);
}

/// <summary>
/// Where approvals are decided: pure and total. The bot asks <see cref="Judge"/> at the click; the gateway asks <see cref="HasQuorum"/> with the
/// votes, roles, groups and requesters as they stand when it is about to run the call.
/// </summary>
public static class ApprovalRules
{
    /// <summary>May this person's decision count now?</summary>
    /// <param name="terms">The approval.</param>
    /// <param name="voter">Who clicked; null is somebody the product does not know.</param>
    /// <param name="requesters">All whose words reached the sandbox.</param>
    /// <param name="denying">Denying is open a little longer, until the execution is claimed, and to more people: every admin of the team.</param>
    /// <param name="now">The database's clock.</param>
    public static VoteJudgement Judge(ApprovalTerms terms, Voter? voter, IReadOnlyCollection<PersonId> requesters, bool denying, DateTimeOffset now) =>
        WhyOver(terms, denying, now) is { } over ? VoteJudgement.Refuse(over) : Eligible(terms, voter, requesters, denying, now);

    /// <summary>May this person take their own vote back? Only while people are still asked: afterwards a denial is what stops it.</summary>
    public static VoteJudgement JudgeWithdrawal(ApprovalTerms terms, DateTimeOffset now) =>
        terms.State == ApprovalState.Approved
            ? VoteJudgement.Refuse("This is already approved. If it should not run, deny it.")
            : WhyOver(terms, late: false, now) is { } over ? VoteJudgement.Refuse(over) : VoteJudgement.Accept;

    /// <summary>May this person call off what their own investigation asked for?</summary>
    public static VoteJudgement JudgeCancel(ApprovalTerms terms, Voter? voter, IReadOnlyCollection<PersonId> requesters, DateTimeOffset now)
    {
        if (WhyOver(terms, late: true, now) is { } over)
            return VoteJudgement.Refuse(over);
        if (Stranger(terms, voter, Permission.CancelApproval) is { } stranger)
            return VoteJudgement.Refuse(stranger);
        if (!requesters.Contains(voter!.Principal.Person))
            return VoteJudgement.Refuse("Only who asked for it can call it off. If it should not run, deny it.");
        return VoteJudgement.Accept;
    }

    /// <summary>May this person act alone? Only where the terms say so, only an admin of the team, and never who asked.</summary>
    public static VoteJudgement JudgeBreakGlass(ApprovalTerms terms, Voter? voter, IReadOnlyCollection<PersonId> requesters, DateTimeOffset now)
    {
        if (WhyOver(terms, late: false, now) is { } over)
            return VoteJudgement.Refuse(over);
        if (!terms.Workflow.BreakGlass)
            return VoteJudgement.Refuse("Policy does not let anybody act alone on this (approval_workflows: break_glass).");
        if (Stranger(terms, voter, Permission.BreakGlass) is { } stranger)
            return VoteJudgement.Refuse(stranger);
        return requesters.Contains(voter!.Principal.Person) ? VoteJudgement.Refuse(AskedYourself) : VoteJudgement.Accept;
    }

    /// <summary>Do enough distinct eligible people agree?</summary>
    /// <param name="terms">The approval.</param>
    /// <param name="voters">Who voted to approve, with their grants and groups as they are now.</param>
    /// <param name="requesters">All whose words reached the sandbox, as they are now.</param>
    /// <param name="now">The database's clock.</param>
    public static bool HasQuorum(ApprovalTerms terms, IEnumerable<Voter> voters, IReadOnlyCollection<PersonId> requesters, DateTimeOffset now) =>
        terms.State == ApprovalState.Pending
        && now < terms.ExpiresAt
        && terms.RequiredApprovers >= 1
        && Counting(terms, voters, requesters, now).Count >= terms.RequiredApprovers;

    /// <summary>Those whose vote counts, each person once.</summary>
    internal static IReadOnlyList<Voter> Counting(
        ApprovalTerms terms, IEnumerable<Voter> voters, IReadOnlyCollection<PersonId> requesters, DateTimeOffset now) =>
        [.. voters.Where(v => Eligible(terms, v, requesters, denying: false, now).Accepted).DistinctBy(v => v.Principal.Person)];

    private const string AskedYourself =
        "You asked for this investigation, so somebody else has to decide: nobody approves what their own words may have caused.";

    // Why nothing can be decided any more; null while it can. Late: what is open until the execution is claimed.
    private static string? WhyOver(ApprovalTerms terms, bool late, DateTimeOffset now) => terms.State switch
    {
        ApprovalState.Pending => now < terms.ExpiresAt ? null : "The time for a decision is over; nothing ran.",
        ApprovalState.Approved => late ? null : "This is already approved.",
        _ => $"This is already {terms.State.Name()}.",
    };

    private static string? Stranger(ApprovalTerms terms, Voter? voter, Permission permission) =>
        Authorization.Decide(voter?.Principal, permission, terms.Resource) is { Allowed: false, Reason: var reason } ? reason : null;

    private static VoteJudgement Eligible(
        ApprovalTerms terms, Voter? voter, IReadOnlyCollection<PersonId> requesters, bool denying, DateTimeOffset now)
    {
        if (Stranger(terms, voter, Permission.DecideApproval) is { } stranger)
            return VoteJudgement.Refuse(stranger);
        if (!terms.Workflow.AllowSelfApproval && requesters.Contains(voter!.Principal.Person))
            return VoteJudgement.Refuse(AskedYourself);
        var team = terms.Resource.Team;
        var role = voter!.Principal.RoleIn(team);
        if (denying && role >= Role.Admin)
            return VoteJudgement.Accept;
        if (terms.Workflow.Approvers.Count == 0 && role >= terms.ApproverRole)
            return VoteJudgement.Accept;
        if (terms.Workflow.Approvers.Concat(terms.AddedBy(now)).Any(a => voter.Is(a, team)))
            return VoteJudgement.Accept;
        return VoteJudgement.Refuse(terms.Workflow.Approvers.Count == 0
            ? $"Deciding this needs the role {terms.ApproverRole.Name()} in team {team}; you have {role.Name()}."
            : $"Policy names who decides this: {Named(terms, now)}. You are not among them, or it could not be confirmed lately that you are.");
    }

    /// <summary>Whom policy names now, as it is written there.</summary>
    internal static string Named(ApprovalTerms terms, DateTimeOffset now)
    {
        const int Most = 5;
        var all = terms.Workflow.Approvers.Concat(terms.AddedBy(now)).Distinct().Select(a => a.ToString()).ToList();
        return all.Count <= Most ? string.Join(", ", all) : $"{string.Join(", ", all.Take(Most))} and {all.Count - Most} more";
    }
}
