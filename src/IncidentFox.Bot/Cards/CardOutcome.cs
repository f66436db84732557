using IncidentFox.Slack;

namespace IncidentFox.Bot.Cards;

/// <summary>How bringing a card up to date went.</summary>
/// <param name="Error">Slack's error; null when it worked.</param>
/// <param name="Settled">Final, and Slack shows it: never to be looked at again.</param>
/// <param name="ComeBackIn">Not done, but not wrong either: look again after this time.</param>
internal readonly record struct CardOutcome(SlackError? Error, bool Settled, TimeSpan? ComeBackIn = null)
{
    public static CardOutcome Done(bool settled) => new(null, settled);

    public static CardOutcome Failed(SlackError error) => new(error, false);

    public static CardOutcome Later(TimeSpan time) => new(null, false, time);
}

/// <summary>Slack's errors by what they mean for a card.</summary>
internal static class CardErrors
{
    private static readonly HashSet<string> Unreachable = ["not_in_channel", "channel_not_found", "is_archived", "restricted_action", "restricted_action_read_only_channel"];

    /// <summary>The bot can't write there, and trying again alone won't change that.</summary>
    public static bool IsUnreachableChannel(this SlackError error) => Unreachable.Contains(error.Code);

    /// <summary>The message that was to be updated is gone.</summary>
    public static bool IsMessageGone(this SlackError error) => error.Code is "message_not_found" or "cant_update_message" or "edit_window_closed";
}
