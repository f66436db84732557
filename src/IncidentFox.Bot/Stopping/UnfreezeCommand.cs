using IncidentFox.Bot.Commands;
using IncidentFox.Bot.Inbound;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Safety;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Stopping;

/// <summary>Lifts a freeze; of the organization, safe mode too. Unlike freezing it asks Slack whether the account is a full member now.</summary>
internal sealed class UnfreezeCommand(Stops stops, SlackPeople people, Callers callers) : ICommand
{
    public string Name => "unfreeze";

    public bool Admin => true;

    public string Usage => "/incidentfox-admin unfreeze [org] reason";

    public string Summary => "Lifts the freeze of this team (org: of the organization, and safe mode).";

    public IReadOnlyList<Need> Needs => [new(FreezeScope.Org, Permission.LeaveSafeMode), new(null, Permission.Freeze)];

    public async ValueTask<SlackReply> RunAsync(CommandRequest request, CancellationToken cancellationToken)
    {
        var caller = request.Caller;
        if (await people.StandingAsync(caller.WorkspaceId, caller.UserId, cancellationToken) is { Good: false, Reason: var bad })
        {
            await callers.RecordDenialAsync(caller, request.Team, Name, bad!, cancellationToken);
            return Replies.Say(bad!);
        }
        var (team, reason) = FreezeScope.Read(request);
        return Replies.Say((await stops.LiftAsync(caller.Person, request.Team.Org, team, reason, cancellationToken)).Message);
    }
}
