using IncidentFox.Bot.Inbound;
using IncidentFox.Core;
using IncidentFox.Core.Identity;
using IncidentFox.Slack;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Roles;

/// <summary>A person behind a Slack account, or why there is none.</summary>
internal readonly record struct FoundPerson(PersonId? Person, bool IsOwner, string? Refusal);

/// <summary>Makes a person of a Slack account that Slack says is a full member of the workspace now: never of a bot, a guest, a stranger, a deactivated account.</summary>
internal sealed class Newcomers(ISlackClient slack, People people, TimeProvider time)
{
    // Slack waits three seconds for the answer to a command.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1.5);

    public async Task<FoundPerson> FindAsync(OrgId org, string workspaceId, string userId, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        SlackUser user;
        try
        {
            var answer = await slack.GetUserAsync(userId, either.Token);
            if (!answer.Ok)
            {
                return new(null, false, answer.Error.Code is "user_not_found" or "users_not_found"
                    ? "Slack knows no such account in this workspace."
                    : "Slack could not be asked who this is, so nothing was changed. Please try again in a moment.");
            }
            user = answer.Value;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new(null, false, "Slack did not say in time who this is, so nothing was changed. Please try again in a moment.");
        }
        if (SlackPeople.Judge(user, workspaceId) is { Good: false })
            return new(null, false, "This account can't have a role: bots, guests, deactivated accounts and people of other workspaces have none.");
        var name = SlackText.Inert(user.RealName ?? user.Name, 80, userId);
        return new(await people.EnsureSlackUserAsync(org, workspaceId, userId, name, cancellationToken), user.IsOwner, null);
    }
}
