using IncidentFox.Core.Identity;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Buttons;

/// <summary>One kind of event that Slack sends by itself.</summary>
internal interface IEventHandler
{
    /// <summary>Such as <c>app_home_opened</c>.</summary>
    string EventType { get; }

    /// <summary>What the person needs, in each team whose things they are shown.</summary>
    Permission Needs { get; }

    ValueTask OnEventAsync(SlackEvent slackEvent, CancellationToken cancellationToken);
}
