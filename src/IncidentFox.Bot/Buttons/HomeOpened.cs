using IncidentFox.Bot.Cards;
using IncidentFox.Bot.Commands;
using IncidentFox.Bot.Inbound;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Identity;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Buttons;

/// <summary>Somebody opens the app's Home: it shows what waits for a decision in their teams. It is as new as the moment they opened it.</summary>
internal sealed class HomeOpened(Callers callers, WaitingApprovals waiting, CardLinks links, AfterAnswer answers) : IEventHandler
{
    private const int Most = 20;

    public string EventType => "app_home_opened";

    public Permission Needs => Permission.ReadApprovals;

    public async ValueTask OnEventAsync(SlackEvent slackEvent, CancellationToken cancellationToken)
    {
        if (slackEvent.Tab is not (null or "home") || slackEvent is not { UserId: { } user, TeamId: { } workspace })
            return;
        var caller = await callers.FindAsync(slackEvent.UserTeamId ?? workspace, user, null, cancellationToken);
        var (shown, all) = await waiting.ForAsync(caller.Person, Most, cancellationToken);
        var places = new Dictionary<Core.ApprovalId, CardPlace>();
        foreach (var approval in shown)
        {
            if (await links.PlaceOfAsync(approval.Id, cancellationToken) is { } place)
                places[approval.Id] = place;
        }
        var view = ApprovalHome.Render(caller.Person, shown, all, places);
        answers.Enqueue((slack, ct) => slack.PublishHomeAsync(user, view, ct));
    }
}
