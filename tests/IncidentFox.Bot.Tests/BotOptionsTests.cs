namespace IncidentFox.Bot.Tests;

public sealed class BotOptionsTests
{
    [Fact]
    public void The_defaults_are_valid() => Assert.Empty(new BotOptions().Validate());

    [Fact]
    public void Every_error_is_reported_at_once_with_its_setting()
    {
        var errors = new BotOptions
        {
            MaxSandboxes = 0,
            MaxAge = TimeSpan.Zero,
            SlackUserCache = TimeSpan.FromDays(1),
            Workers = 0,
        }.Validate().ToList();

        Assert.Equal(4, errors.Count);
        Assert.All(errors, e => Assert.StartsWith("Bot:", e));
    }
}
