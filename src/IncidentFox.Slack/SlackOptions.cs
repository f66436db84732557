namespace IncidentFox.Slack;

/// <summary>How to reach Slack and how Slack reaches us. Section <c>Slack</c>.</summary>
public sealed class SlackOptions
{
    public const string SectionName = "Slack";

    /// <summary>Where the Web API is. Plain http is accepted for loopback addresses only.</summary>
    public Uri ApiBaseUrl { get; init; } = new("https://slack.com/api/");

    /// <summary>The bot token (<c>xoxb-</c>), from the app's "OAuth &amp; Permissions" page.</summary>
    public SlackSecret BotToken { get; init; }

    /// <summary>The signing secret, from the app's "Basic Information" page. Setting it turns signed HTTP on.</summary>
    public SlackSecret SigningSecret { get; init; }

    /// <summary>The app-level token (<c>xapp-</c>, scope <c>connections:write</c>). Setting it turns Socket Mode on.</summary>
    public SlackSecret AppToken { get; init; }

    /// <summary>Where security alerts are posted: a channel's id, or its name with <c>#</c>. Null: nowhere; they are in the audit trail all the same.</summary>
    public string? SecurityChannel { get; init; }

    /// <summary>How many Socket Mode connections are kept open, 1 to 10 (Slack's limit).</summary>
    public int SocketConnections { get; init; } = 2;

    /// <summary>How long one Web API request may take.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a Web API call may wait for a rate limit in all before it gives up with <c>ratelimited</c>.</summary>
    public TimeSpan MaxRateLimitWait { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Slack asks for at most about one message per second and channel.</summary>
    public TimeSpan PostInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The largest Web API answer that is read.</summary>
    public int MaxResponseBytes { get; init; } = 4 * 1024 * 1024;

    public bool HttpEnabled => SigningSecret.IsSet;

    public bool SocketModeEnabled => AppToken.IsSet;

    /// <summary>Every error in the configuration, each with how to mend it. Empty when it is fine.</summary>
    public IReadOnlyList<string> Validate()
    {
        List<string> errors = [];

        if (!BotToken.IsSet)
        {
            errors.Add("Slack:BotToken is empty. Set it to the app's bot token (xoxb-...) from \"OAuth & Permissions\".");
        }

        if (!SigningSecret.IsSet && !AppToken.IsSet)
        {
            errors.Add("Slack:SigningSecret is empty, so no request from Slack could be trusted. Set it to the app's signing secret "
                + "from \"Basic Information\", or set Slack:AppToken (xapp-...) to use Socket Mode instead.");
        }

        if (SigningSecret.IsSet && SigningSecret.Reveal().Length < 16)
        {
            errors.Add("Slack:SigningSecret is shorter than 16 characters. Copy the whole signing secret from \"Basic Information\".");
        }

        if (!ApiBaseUrl.IsAbsoluteUri || !IsHttpsOrLoopback(ApiBaseUrl))
        {
            errors.Add("Slack:ApiBaseUrl must be an absolute https:// address (http:// only for a loopback address), such as https://slack.com/api/.");
        }
        else if (!ApiBaseUrl.AbsolutePath.EndsWith('/') || ApiBaseUrl.Query.Length > 0 || ApiBaseUrl.Fragment.Length > 0 || ApiBaseUrl.UserInfo.Length > 0)
        {
            errors.Add("Slack:ApiBaseUrl must end with '/' and carry no user, query or fragment, such as https://slack.com/api/.");
        }

        if (SocketConnections is < 1 or > 10)
        {
            errors.Add("Slack:SocketConnections must be between 1 and 10.");
        }

        if (SecurityChannel is { } channel && (channel.Length is < 2 or > 80 || !(channel[0] is '#' or 'C' or 'G') || channel.Any(char.IsWhiteSpace)))
        {
            errors.Add("Slack:SecurityChannel must be a channel's name with # (such as #security) or its id (C0123456789); leave it out for none.");
        }

        RequirePositive(errors, nameof(RequestTimeout), RequestTimeout);
        RequirePositive(errors, nameof(MaxRateLimitWait), MaxRateLimitWait);

        if (PostInterval < TimeSpan.Zero)
        {
            errors.Add("Slack:PostInterval must not be negative; one second is what Slack asks for.");
        }

        if (MaxResponseBytes < 64 * 1024)
        {
            errors.Add("Slack:MaxResponseBytes must be at least 65536.");
        }

        return errors;
    }

    internal static bool IsHttpsOrLoopback(Uri uri) =>
        uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback);

    private static void RequirePositive(List<string> errors, string name, TimeSpan value)
    {
        if (value <= TimeSpan.Zero || value > TimeSpan.FromMinutes(5))
        {
            errors.Add($"Slack:{name} must be more than zero and at most five minutes.");
        }
    }
}
