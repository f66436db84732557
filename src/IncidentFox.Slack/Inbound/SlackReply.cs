using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Slack;

public enum SlackReplyKind
{
    Ok,
    Ephemeral,
    InChannel,
    ViewErrors,
    CloseView,
}

/// <summary>What is answered to Slack within three seconds. The default value is <see cref="Ok"/>.</summary>
public readonly record struct SlackReply
{
    private SlackReply(SlackReplyKind kind, SlackMessage? message, IReadOnlyDictionary<string, string>? errors)
    {
        Kind = kind;
        Message = message;
        Errors = errors;
    }

    public SlackReplyKind Kind { get; }

    public SlackMessage? Message { get; }

    /// <summary>Block id to what is wrong with it.</summary>
    public IReadOnlyDictionary<string, string>? Errors { get; }

    /// <summary>An empty 200; closes the submitted view.</summary>
    public static SlackReply Ok => default;

    /// <summary>Closes the whole stack of views.</summary>
    public static SlackReply CloseView => new(SlackReplyKind.CloseView, null, null);

    /// <summary>Only the person who typed the command sees it.</summary>
    public static SlackReply Ephemeral(SlackMessage message) => new(SlackReplyKind.Ephemeral, message, null);

    public static SlackReply InChannel(SlackMessage message) => new(SlackReplyKind.InChannel, message, null);

    /// <summary>Keeps the view open and shows what to correct. The same submission may be sent again.</summary>
    public static SlackReply ViewErrors(IReadOnlyDictionary<string, string> errors)
    {
        if (errors.Count == 0)
        {
            throw new ArgumentException("At least one error is needed; answer Ok otherwise.", nameof(errors));
        }

        return new(SlackReplyKind.ViewErrors, null, errors);
    }
}
