using IncidentFox.Core.Identity;

namespace IncidentFox.Core.Approvals;

/// <summary>The terms that were frozen with an approval, and where it stands.</summary>
/// <param name="State">Now.</param>
/// <param name="ExpiresAt">When silence denies.</param>
/// <param name="Resource">Whose it is.</param>
/// <param name="RequiredApprovers">Distinct people needed.</param>
/// <param name="ApproverRole">The lowest role whose vote counts.</param>
public readonly record struct ApprovalTerms(ApprovalState State, DateTimeOffset ExpiresAt, Resource Resource, int RequiredApprovers, Role ApproverRole);

/// <summary>The answer to a click; a refusal says why in words for that person.</summary>
public readonly record struct VoteJudgement(bool Accepted, string? Reason)
{
    internal static VoteJudgement Accept => new(true, null);

    internal static VoteJudgement Refuse(string reason) => new(false, reason);
}

/// <summary>
/// Where approvals are decided: pure and total. The bot asks <see cref="Judge"/> at the click; the gateway asks <see cref="HasQuorum"/> with the
/// votes, roles and requesters as they stand when it is about to run the call.
/// </summary>
public static class ApprovalRules
{
    /// <summary>May this person's decision count now?</summary>
    /// <param name="terms">The approval.</param>
    /// <param name="voter">Who clicked; null is somebody the product does not know.</param>
    /// <param name="requesters">All whose words reached the sandbox.</param>
    /// <param name="denying">Denying is open a little longer: until the execution is claimed.</param>
    /// <param name="now">The database's clock.</param>
    public static VoteJudgement Judge(ApprovalTerms terms, Principal? voter, IReadOnlyCollection<PersonId> requesters, bool denying, DateTimeOffset now)
    {
        if (terms.State.IsFinal() || terms.State == ApprovalState.Executing)
            return VoteJudgement.Refuse($"This is already {terms.State.Name()}.");
        if (terms.State == ApprovalState.Approved && !denying)
            return VoteJudgement.Refuse("This is already approved.");
        if (terms.State == ApprovalState.Pending && now >= terms.ExpiresAt)
            return VoteJudgement.Refuse("The time for a decision is over; nothing ran.");
        return Eligible(terms, voter, requesters);
    }

    /// <summary>Do enough distinct eligible people agree?</summary>
    /// <param name="terms">The approval.</param>
    /// <param name="voters">Who voted to approve, with their grants as they are now.</param>
    /// <param name="requesters">All whose words reached the sandbox, as they are now.</param>
    /// <param name="now">The database's clock.</param>
    public static bool HasQuorum(ApprovalTerms terms, IEnumerable<Principal> voters, IReadOnlyCollection<PersonId> requesters, DateTimeOffset now) =>
        terms.State == ApprovalState.Pending
        && now < terms.ExpiresAt
        && terms.RequiredApprovers >= 1
        && Counting(terms, voters, requesters).Count >= terms.RequiredApprovers;

    /// <summary>Those whose vote counts, each person once.</summary>
    internal static IReadOnlyList<Principal> Counting(ApprovalTerms terms, IEnumerable<Principal> voters, IReadOnlyCollection<PersonId> requesters) =>
        [.. voters.Where(v => Eligible(terms, v, requesters).Accepted).DistinctBy(v => v.Person)];

    private static VoteJudgement Eligible(ApprovalTerms terms, Principal? voter, IReadOnlyCollection<PersonId> requesters)
    {
        if (Authorization.Decide(voter, Permission.DecideApproval, terms.Resource) is { Allowed: false, Reason: var reason })
            return VoteJudgement.Refuse(reason!);
        if (requesters.Contains(voter!.Person))
            return VoteJudgement.Refuse("You asked for this investigation, so somebody else has to decide: nobody approves what their own words may have caused.");
        var role = voter.RoleIn(terms.Resource.Team);
        return role >= terms.ApproverRole
            ? VoteJudgement.Accept
            : VoteJudgement.Refuse($"Deciding this needs the role {terms.ApproverRole.Name()} in team {terms.Resource.Team}; you have {role.Name()}.");
    }
}
