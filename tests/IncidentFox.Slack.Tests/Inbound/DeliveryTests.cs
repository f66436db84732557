using System.Net;
using IncidentFox.Slack.BlockKit;
using IncidentFox.Slack.Tests.Support;

namespace IncidentFox.Slack.Tests.Inbound;

public sealed class DeliveryTests
{
    [Fact]
    public async Task A_command_reaches_the_handler_with_its_fields()
    {
        await using var host = await SlackHost.StartAsync();
        using var response = await host.SendFormAsync(SlackPaths.Commands, Samples.Command("investigate a+b & c=d %20 é"));
        var command = Assert.Single(host.Handler.Commands);
        Assert.Equal(
            new SlashCommand
            {
                Command = "/incidentfox",
                Text = "investigate a+b & c=d %20 é",
                UserId = "U2147483697",
                UserName = "olga",
                ChannelId = "C2147483705",
                ChannelName = "incidents",
                TeamId = "T0001",
                EnterpriseId = "E0001",
                TriggerId = "13345224609.738474920.8088930838d88f008e0",
                ResponseUrl = "https://hooks.slack.com/commands/1234/5678",
            },
            command);
        Assert.Equal("", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task An_ephemeral_reply_is_the_answer_to_the_command()
    {
        await using var host = await SlackHost.StartAsync();
        host.Handler.Reply = () => SlackReply.Ephemeral(new SlackMessage("Started <!channel>", new HeaderBlock("Started")));
        using var response = await host.SendFormAsync(SlackPaths.Commands, Samples.Command());
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        Golden.Matches("reply-ephemeral", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_click_reaches_the_handler_with_both_teams()
    {
        await using var host = await SlackHost.StartAsync();
        using var response = await host.SendFormAsync(SlackPaths.Interactions, Samples.Payload(Samples.Click));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var click = Assert.Single(host.Handler.Interactions);
        Assert.Equal((SlackInteractionType.BlockActions, "UA8RXUSPL", "T9TK3CUKW", "T9TK3CUKA"), (click.Type, click.UserId, click.UserTeamId, click.TeamId));
        Assert.Equal(("CBR2V3XEX", "1548261231.000200", "1548261230.000100"), (click.ChannelId, click.MessageTs, click.ThreadTs));
        Assert.Equal("12321423423.333649436676.d8c1bb837935619ccad0f624c448ffb3", click.DeliveryKey);
        var action = Assert.Single(click.Actions);
        Assert.Equal(("approve", "decision", "apr_1", "button"), (action.ActionId, action.BlockId, action.Value, action.Type));
    }

    [Fact]
    public async Task A_submitted_view_brings_its_values_and_can_be_sent_back()
    {
        await using var host = await SlackHost.StartAsync();
        host.Handler.Reply = () => SlackReply.ViewErrors(new Dictionary<string, string> { ["reason"] = "Say why." });
        using var first = await host.SendFormAsync(SlackPaths.Interactions, Samples.Payload(Samples.Submission));
        Assert.Equal("""{"response_action":"errors","errors":{"reason":"Say why."}}""", await first.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        var view = Assert.Single(host.Handler.Interactions).View!;
        Assert.Equal(("deny_reason", "apr_1"), (view.CallbackId, view.PrivateMetadata));
        Assert.Equal(("too risky", "now", null), (view.Value("reason", "text"), view.Value("when", "pick"), view.Value("empty", "text")));

        // The corrected form carries the same trigger id, and must be handled.
        host.Handler.Reply = () => SlackReply.CloseView;
        using var second = await host.SendFormAsync(SlackPaths.Interactions, Samples.Payload(Samples.Submission.Replace("too risky", "not now")));
        Assert.Equal("""{"response_action":"clear"}""", await second.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal(2, host.Handler.Interactions.Count);
    }

    [Fact]
    public async Task An_event_reaches_the_handler()
    {
        await using var host = await SlackHost.StartAsync();
        using var response = await host.SendJsonAsync(SlackPaths.Events, Samples.Mention());
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var slackEvent = Assert.Single(host.Handler.Events);
        Assert.Equal(("Ev08MFMKH6", "app_mention", "U061F7AUR", "C0LAN2Q65"), (slackEvent.EventId, slackEvent.Type, slackEvent.UserId, slackEvent.ChannelId));
        Assert.Equal(("T0001", "T0002", true), (slackEvent.TeamId, slackEvent.UserTeamId, slackEvent.IsExternallyShared));
    }

    [Fact]
    public async Task The_url_verification_challenge_is_answered_when_signed_and_only_then()
    {
        await using var host = await SlackHost.StartAsync();
        const string Challenge = """{"token":"x","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}""";
        using var signed = await host.SendJsonAsync(SlackPaths.Events, Challenge);
        Assert.Equal("3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P", await signed.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal("text/plain", signed.Content.Headers.ContentType?.MediaType);
        using var forged = await host.SendAsync(host.Signed(SlackPaths.Events, Challenge, "application/json", secret: "wrong"));
        Assert.Equal(HttpStatusCode.Unauthorized, forged.StatusCode);
    }

    [Fact]
    public async Task An_interaction_of_an_unknown_type_is_acknowledged_and_ignored()
    {
        await using var host = await SlackHost.StartAsync();
        using var response = await host.SendFormAsync(SlackPaths.Interactions, Samples.Payload("""{"type":"something_new","user":{"id":"U1"}}"""));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(0, host.Handler.Handled);
    }

    [Fact]
    public async Task A_reply_that_slack_would_not_read_becomes_an_empty_one()
    {
        await using var host = await SlackHost.StartAsync();
        host.Handler.Reply = () => SlackReply.Ephemeral(new SlackMessage("lost"));
        using var response = await host.SendFormAsync(SlackPaths.Interactions, Samples.Payload(Samples.Click));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }
}
