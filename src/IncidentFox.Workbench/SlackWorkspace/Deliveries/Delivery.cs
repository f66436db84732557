using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.SlackWorkspace;

public enum DeliveryKind
{
    Command,
    Interaction,
    Event,
}

public enum DeliveryOutcome
{
    /// <summary>The app answered with success in time.</summary>
    Answered,

    /// <summary>The app answered, but not with success.</summary>
    Refused,

    /// <summary>No answer within three seconds.</summary>
    TimedOut,

    /// <summary>Nobody listens, or the connection broke.</summary>
    Unreachable,

    /// <summary>The workspace itself refused (unknown command, missing input): nothing was sent.</summary>
    NotSent,
}

/// <summary>What came of something a person did. <see cref="Problem"/> is what the person is told when it went wrong.</summary>
public sealed record DeliveryResult(DeliveryOutcome Outcome, int? Status, string Body, TimeSpan Elapsed, string? Problem = null)
{
    public bool IsAnswered => Outcome == DeliveryOutcome.Answered;

    /// <summary>True when the workspace has told the person about the problem in the channel.</summary>
    public bool IsShown { get; init; }

    /// <summary>The messages under the inputs of a modal that was not accepted, by block id.</summary>
    public IReadOnlyDictionary<string, string> Errors { get; init; } = new Dictionary<string, string>();

    internal static DeliveryResult NotSent(string problem) => new(DeliveryOutcome.NotSent, null, "", TimeSpan.Zero, problem);
}

/// <summary>One attempt to hand something to the app.</summary>
public sealed record DeliveryAttempt(
    DateTimeOffset At, DeliveryKind Kind, string What, string Id, int Attempt, string Transport, DeliveryOutcome Outcome, int? Status, TimeSpan Elapsed,
    string RequestBody, string ResponseBody, DateTimeOffset? RetryAt);

/// <summary>Something to hand to the app: the JSON of a Socket Mode envelope, and how HTTP carries the same.</summary>
internal sealed record Delivery(DeliveryKind Kind, string What, string Id, JsonObject Payload)
{
    public string Path => Kind switch { DeliveryKind.Command => "slack/commands", DeliveryKind.Interaction => "slack/interactions", _ => "slack/events" };

    public string EnvelopeType => Kind switch { DeliveryKind.Command => "slash_commands", DeliveryKind.Interaction => "interactive", _ => "events_api" };

    public string ContentType => Kind == DeliveryKind.Event ? "application/json" : "application/x-www-form-urlencoded";

    public string HttpBody => Kind switch
    {
        DeliveryKind.Command => string.Join('&', Payload.Select(p => $"{p.Key}={FormEncode(p.Value?.ToString() ?? "")}")),
        DeliveryKind.Interaction => $"payload={FormEncode(Payload.ToJsonString())}",
        _ => Payload.ToJsonString(),
    };

    private static string FormEncode(string value) => System.Net.WebUtility.UrlEncode(value);
}
