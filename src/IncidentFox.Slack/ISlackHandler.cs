namespace IncidentFox.Slack;

/// <summary>
/// What runs when Slack calls. It must answer fast: write down durably what is to be done, then return.
/// A delivery runs once, with one exception that nobody can exclude: when the process dies between the handler's own commit and the ledger's,
/// Slack's retry runs it again. Make that durable step idempotent by <see cref="SlashCommand.TriggerId"/>,
/// <see cref="SlackInteraction.DeliveryKey"/> or <see cref="SlackEvent.EventId"/> (a unique column).
/// Throwing means that nothing was done: Slack is told so and may send it again.
/// </summary>
public interface ISlackHandler
{
    ValueTask<SlackReply> OnCommandAsync(SlashCommand command, CancellationToken cancellationToken);

    ValueTask<SlackReply> OnInteractionAsync(SlackInteraction interaction, CancellationToken cancellationToken);

    ValueTask OnEventAsync(SlackEvent slackEvent, CancellationToken cancellationToken);
}

/// <summary>
/// Remembers keys for a while, shared by all replicas. When any method throws, the request is refused with 503 (Slack retries).
/// Keys are at most 200 characters long.
/// </summary>
public interface ISlackRequestLedger
{
    /// <summary>Atomically: true when the key was free (or its time was over) and is now claimed; false when it is claimed.</summary>
    ValueTask<bool> TryClaimAsync(string key, TimeSpan keepFor, CancellationToken cancellationToken);

    /// <summary>Whether the key is claimed now. Changes nothing.</summary>
    ValueTask<bool> IsClaimedAsync(string key, CancellationToken cancellationToken);

    /// <summary>Forgets a key. Not claimed: nothing happens.</summary>
    ValueTask ReleaseAsync(string key, CancellationToken cancellationToken);
}

/// <summary>Where refused requests are written down. At most one call per source and minute reaches it; the rest are counted in <see cref="SlackRefusal.Suppressed"/>.</summary>
public interface ISlackRefusals
{
    ValueTask RecordAsync(SlackRefusal refusal, CancellationToken cancellationToken);
}

/// <param name="SourceAddress">The address the request came from.</param>
/// <param name="Path">One of the three Slack paths, or <c>socket_mode</c>.</param>
/// <param name="Reason">One of <see cref="SlackRefusalReasons"/>.</param>
/// <param name="At">When.</param>
/// <param name="Suppressed">How many refusals of this source were counted but not recorded since its last record.</param>
public sealed record SlackRefusal(string SourceAddress, string Path, string Reason, DateTimeOffset At, long Suppressed = 0);

public static class SlackRefusalReasons
{
    public const string BadSignature = "bad_signature";
    public const string Stale = "stale";
    public const string Replayed = "replayed";
    public const string Oversized = "oversized";
    public const string Malformed = "malformed";
    public const string WrongContentType = "wrong_content_type";
    public const string TooSlow = "too_slow";
}
