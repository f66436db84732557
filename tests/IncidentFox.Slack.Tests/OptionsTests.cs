using System.Text.Json;
using IncidentFox.Slack.Tests.Support;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace IncidentFox.Slack.Tests;

public sealed class OptionsTests
{
    [Fact]
    public void An_empty_signing_secret_is_refused_at_start_up()
    {
        var options = new SlackOptions { BotToken = new("xoxb-1"), SigningSecret = new("  ") };
        Assert.Contains(options.Validate(), e => e.StartsWith("Slack:SigningSecret is empty", StringComparison.Ordinal));
        Assert.Throws<ArgumentException>(() => new ServiceCollection().AddSlack(options));
    }

    [Fact]
    public void Every_error_is_reported_at_once()
    {
        var options = new SlackOptions { ApiBaseUrl = new("http://slack.example/"), SocketConnections = 99, RequestTimeout = TimeSpan.Zero };
        Assert.Equal(5, options.Validate().Count);
    }

    [Fact]
    public void With_socket_mode_no_signing_secret_is_needed_and_no_address_is_open()
    {
        var options = new SlackOptions { BotToken = new("xoxb-1"), AppToken = new("xapp-1") };
        Assert.Empty(options.Validate());
        Assert.False(options.HttpEnabled);
    }

    [Fact]
    public async Task Without_a_signing_secret_the_addresses_do_not_exist()
    {
        await using var slack = await FakeSlackServer.StartAsync();
        slack.AnswerSocketAddress();
        await using var host = await SlackHost.StartAsync(new SlackOptions { ApiBaseUrl = slack.ApiBaseUrl, BotToken = new("xoxb-1"), AppToken = new("xapp-1") });
        using var response = await host.SendFormAsync(SlackPaths.Commands, Samples.Command());
        Assert.Equal(System.Net.HttpStatusCode.NotFound, response.StatusCode);
    }

    [Fact]
    public void Options_bind_from_configuration()
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["Slack:ApiBaseUrl"] = "http://127.0.0.1:5080/api/",
                ["Slack:BotToken"] = "xoxb-1",
                ["Slack:SigningSecret"] = SlackHost.Secret,
                ["Slack:SocketConnections"] = "3",
            })
            .Build();
        var options = configuration.GetSection(SlackOptions.SectionName).Get<SlackOptions>()!;
        Assert.Empty(options.Validate());
        Assert.Equal(("xoxb-1", 3), (options.BotToken.Reveal(), options.SocketConnections));
    }

    [Fact]
    public void A_secret_is_never_printed_or_written()
    {
        var secret = new SlackSecret("xoxb-canary");
        Assert.Equal("[redacted]", secret.ToString());
        Assert.Equal("[redacted]", $"{secret}");
        Assert.Throws<NotSupportedException>(() => JsonSerializer.Serialize(secret));
        Assert.Throws<NotSupportedException>(() => JsonSerializer.Serialize(new SlackOptions { BotToken = secret }));
    }
}
