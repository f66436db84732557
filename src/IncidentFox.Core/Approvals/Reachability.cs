using IncidentFox.Core.Identity;
using Npgsql;

namespace IncidentFox.Core.Approvals;

// Whether enough people exist who could ever agree: escalation to its last step included. A question that nobody can answer is not asked.
internal static class Reachability
{
    // Beyond so many people nobody is counted: there it is asked, and time decides.
    private const int MostCandidates = 300;

    public static async Task<string?> WhyNotAsync(
        NpgsqlConnection connection, ApprovalTerms terms, IReadOnlyCollection<PersonId> requesters, string tool, CancellationToken ct)
    {
        var candidates = await ApproverFacts.CandidatesAsync(connection, terms.Resource, MostCandidates, ct);
        if (candidates.Count == MostCandidates)
            return null;
        // As it will be just before time is over: every step that is due by then has been taken.
        var last = terms.ExpiresAt.AddTicks(-1);
        var able = 0;
        foreach (var candidate in candidates)
        {
            if (await ApproverFacts.FindAsync(connection, candidate, ct) is not { } voter)
                continue;
            if (ApprovalRules.JudgeBreakGlass(terms, voter, requesters, last).Accepted)
                return null;
            if (ApprovalRules.Judge(terms, voter, requesters, denying: false, last).Accepted && ++able >= terms.RequiredApprovers)
                return null;
        }
        var who = terms.Workflow.Approvers.Count == 0
            ? $"people with the role {terms.ApproverRole.Name()} in team {terms.Resource.Team}"
            : $"people whom policy names ({ApprovalRules.Named(terms, last)})";
        return $"Policy asks for {terms.RequiredApprovers} approval(s) by {who}, and {(able == 0 ? "nobody" : $"only {able}")} could approve this: "
            + "those who asked may not, and groups and schedules count only while they are known. Nobody was asked. "
            + $"An admin can name more approvers for {tool} (approval_workflows) or give more people the role.";
    }
}
