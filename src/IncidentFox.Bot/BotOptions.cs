namespace IncidentFox.Bot;

/// <summary>Section <c>Bot</c>: what people touch.</summary>
public sealed class BotOptions
{
    /// <summary>Name of the configuration section.</summary>
    public const string Section = "Bot";

    /// <summary>Sandboxes at work at the same time in this process, 1 to 200; further investigations wait their turn.</summary>
    public int MaxSandboxes { get; set; } = 8;

    /// <summary>An investigation that is older than this ends as failed, also while it waits for people; approvals live up to 7 days.</summary>
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromDays(8);

    /// <summary>How long a person's standing in Slack (guest, stranger, deactivated) is believed before it is asked again.</summary>
    public TimeSpan SlackUserCache { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Hangfire workers of this process, 1 to 100.</summary>
    public int Workers { get; set; } = 8;

    /// <summary>Every error at once, each with how to mend it.</summary>
    public IEnumerable<string> Validate()
    {
        if (MaxSandboxes is < 1 or > 200)
            yield return $"{Section}:MaxSandboxes is {MaxSandboxes}: give 1 to 200.";
        if (MaxAge < TimeSpan.FromHours(1))
            yield return $"{Section}:MaxAge is {MaxAge}: give at least 01:00:00.";
        if (SlackUserCache < TimeSpan.Zero || SlackUserCache > TimeSpan.FromMinutes(15))
            yield return $"{Section}:SlackUserCache is {SlackUserCache}: give 00:00:00 to 00:15:00.";
        if (Workers is < 1 or > 100)
            yield return $"{Section}:Workers is {Workers}: give 1 to 100.";
    }
}
