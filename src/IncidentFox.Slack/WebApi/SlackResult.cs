using System.Diagnostics.CodeAnalysis;

namespace IncidentFox.Slack;

/// <summary>What came of a Web API call: a value or an error. Expected failures never throw; cancellation does.</summary>
public sealed record SlackResult<T>
{
    private SlackResult(T? value, SlackError? error)
    {
        Value = value;
        Error = error;
    }

    [MemberNotNullWhen(false, nameof(Error))]
    [MemberNotNullWhen(true, nameof(Value))]
    public bool Ok => Error is null;

    public T? Value { get; }

    public SlackError? Error { get; }

    public static implicit operator SlackResult<T>(T value) => new(value, null);

    public static implicit operator SlackResult<T>(SlackError error) => new(default, error);
}

/// <summary>Whether Slack may have acted on a request that failed.</summary>
public enum SlackDelivery
{
    /// <summary>Slack certainly did nothing: it said so, or was never reached.</summary>
    NotDelivered,

    /// <summary>The answer was lost or unreadable: Slack may have acted.</summary>
    Unknown,
}

/// <param name="Code">Slack's own code (<c>channel_not_found</c>, <c>ratelimited</c>, ...) or one of <c>unreachable</c>, <c>timeout</c>,
/// <c>server_error</c>, <c>invalid_response</c>, <c>response_too_large</c>, <c>refused_url</c>.</param>
/// <param name="HttpStatus">0 when there was no answer.</param>
/// <param name="RetryAfter">How long Slack asked to wait.</param>
/// <param name="CanRetry">The same call may succeed later. For a post whose <paramref name="Delivery"/> is unknown, a retry may show it twice.</param>
/// <param name="Delivery">Whether Slack may have acted on it.</param>
/// <param name="Detail">Slack's own explanation, bounded; for the log, not for people.</param>
public sealed record SlackError(
    string Code,
    int HttpStatus,
    TimeSpan? RetryAfter,
    bool CanRetry,
    SlackDelivery Delivery,
    string? Detail = null);
