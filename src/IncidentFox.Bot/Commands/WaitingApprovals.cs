using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Identity;

namespace IncidentFox.Bot.Commands;

/// <summary>What waits for people in the teams where somebody may see it.</summary>
internal sealed class WaitingApprovals(ApprovalReader approvals, IdentityStore identities)
{
    /// <summary>The soonest deadline first, and how many there are in all. Nothing for somebody unknown.</summary>
    public async Task<(IReadOnlyList<Approval> Shown, long All)> ForAsync(Principal? person, int limit, CancellationToken cancellationToken)
    {
        if (person is null)
            return ([], 0);
        var teams = new List<TeamId>();
        foreach (var team in await identities.TeamsAsync(person.Org, cancellationToken))
        {
            if (Authorization.Decide(person, Permission.ReadApprovals, new Resource(person.Org, team)).Allowed)
                teams.Add(team);
        }
        return await approvals.WaitingAsync(person.Org, teams, limit, cancellationToken);
    }
}
