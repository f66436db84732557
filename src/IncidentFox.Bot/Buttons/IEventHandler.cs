using IncidentFox.Slack;

namespace IncidentFox.Bot.Buttons;

/// <summary>One kind of event that Slack sends by itself.</summary>
internal interface IEventHandler
{
    /// <summary>Such as <c>app_home_opened</c>.</summary>
    string EventType { get; }

    ValueTask OnEventAsync(SlackEvent slackEvent, CancellationToken cancellationToken);
}
