using IncidentFox.Bot.Inbound;
using IncidentFox.Core.Identity;
using IncidentFox.Slack;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Commands;

/// <summary>Answers and checks that commands share.</summary>
internal static class Replies
{
    /// <summary>A sentence that only the person sees.</summary>
    public static SlackReply Say(string sentence) => SlackReply.Ephemeral(new SlackMessage(SlackText.Inert(sentence, Limits.MessageText, "…")));

    /// <summary>The team of the channel and the right to do it there; else the answer to give, already in the audit trail.</summary>
    public static async Task<(Resource Resource, SlackReply? Refusal)> RequireAsync(
        this Callers callers, Caller caller, Permission permission, string what, CancellationToken cancellationToken)
    {
        if (caller.Owner is not { } owner)
        {
            return (default, Say(
                $"This channel belongs to no team yet, so nothing can be done here. Use a team's channel, or ask an admin to add this channel's id ({caller.ChannelId}) to the team's channels (Organization:Teams:Channels)."));
        }
        var resource = new Resource(owner.Org, owner.Team);
        var access = Authorization.Decide(caller.Person, permission, resource);
        if (access.Allowed)
            return (resource, null);
        await callers.RecordDenialAsync(caller, resource, what, access.Reason!, cancellationToken);
        return (resource, Say(access.Reason!));
    }
}
