using IncidentFox.Bot.Inbound;
using IncidentFox.Core.Administration;
using IncidentFox.Core.Identity;

namespace IncidentFox.Bot.Commands.Admin;

/// <summary>May this person change this layer of the policy? Asked by commands, and again by every modal that comes back.</summary>
internal sealed class PolicyGate(Callers callers, SlackPeople people)
{
    /// <summary>The layer; else why not, already in the audit trail.</summary>
    public async Task<(PolicyScope Scope, string? Refusal)> AdmitAsync(Caller caller, Resource team, bool org, string what, CancellationToken cancellationToken)
    {
        var access = Authorization.Decide(caller.Person, org ? Permission.ManageOrg : Permission.ConfigureTools, team);
        var reason = access.Reason;
        if (access.Allowed && await people.StandingAsync(caller.WorkspaceId, caller.UserId, cancellationToken) is { Good: false } standing)
            reason = standing.Reason;
        if (reason is null)
            return (new(team.Org, org ? null : team.Team), null);
        await callers.RecordDenialAsync(caller, team, org ? $"{what} --org" : what, reason, cancellationToken);
        return (default, reason);
    }
}
