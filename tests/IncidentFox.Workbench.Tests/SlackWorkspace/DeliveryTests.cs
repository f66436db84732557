using System.Text.Json.Nodes;
using IncidentFox.Workbench.SlackWorkspace;
using IncidentFox.Workbench.SlackWorkspace.Deliveries;
using Xunit;

namespace IncidentFox.Workbench.Tests.SlackWorkspace;

public sealed class DeliveryTests
{
    [Fact]
    public void The_signature_is_the_one_in_Slacks_own_example() => Assert.Equal(
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        RequestSignature.Compute("8f742231b10e8888abcd99yyyzzz85a5", "1531420618",
            "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner" +
            "&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN" +
            "&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"));

    [Fact]
    public async Task A_command_arrives_signed_and_form_encoded()
    {
        await using var given = await Given.WorkspaceAsync();
        var result = await given.Slack.RunCommandAsync(DemoPeople.Omar, "incidents", "/incidentfox investigate checkout is slow & <broken> ask @ada");
        Assert.True(result.IsAnswered);
        var request = Assert.Single(given.App.Requests);
        Assert.Equal("/slack/commands", request.Path);
        Assert.Equal("application/x-www-form-urlencoded", request.Headers["content-type"]);
        Assert.Equal(RequestSignature.Compute(given.Slack.Options.SigningSecret, request.Headers["x-slack-request-timestamp"], request.Body), request.Headers["x-slack-signature"]);
        Assert.Equal(given.Clock.GetUtcNow().ToUnixTimeSeconds().ToString(), request.Headers["x-slack-request-timestamp"]);
        Assert.Equal("/incidentfox", request.Field("command"));
        Assert.Equal($"investigate checkout is slow &amp; &lt;broken&gt; ask <@{DemoPeople.Ada}>", request.Field("text"));
        Assert.Equal(DemoPeople.Omar, request.Field("user_id"));
        Assert.Equal(DemoPeople.Incidents, request.Field("channel_id"));
        Assert.StartsWith(given.Slack.Url.ToString(), request.Field("response_url"));
    }

    [Fact]
    public async Task A_person_is_told_when_the_app_does_not_answer_in_three_seconds()
    {
        await using var given = await Given.WorkspaceAsync();
        var never = new TaskCompletionSource<(int, string)>();
        var arrived = new TaskCompletionSource();
        given.App.Answer = _ =>
        {
            arrived.SetResult();
            return never.Task;
        };
        var running = given.Slack.RunCommandAsync(DemoPeople.Omar, "incidents", "/incidentfox help");
        await arrived.Task;
        given.Clock.Advance(TimeSpan.FromSeconds(2.9));
        Assert.False(running.IsCompleted);
        given.Clock.Advance(TimeSpan.FromSeconds(0.2));
        var result = await running;
        never.SetResult((200, ""));
        Assert.Equal(DeliveryOutcome.TimedOut, result.Outcome);
        Assert.Contains("operation_timeout", Assert.Single(given.Slack.State.Ephemerals(DemoPeople.Omar)).Text);
        Assert.Empty(given.Slack.State.Ephemerals(DemoPeople.Ada));
    }

    [Theory]
    [InlineData(500, "http_service_error")]
    [InlineData(401, "http_service_error")]
    public async Task A_person_is_told_when_the_app_refuses(int status, string error)
    {
        await using var given = await Given.WorkspaceAsync();
        given.App.Answer = _ => Task.FromResult((status, ""));
        var result = await given.Slack.RunCommandAsync(DemoPeople.Omar, "incidents", "/incidentfox help");
        Assert.Equal(DeliveryOutcome.Refused, result.Outcome);
        Assert.Contains(error, Assert.Single(given.Slack.State.Ephemerals(DemoPeople.Omar)).Text);
    }

    [Fact]
    public async Task A_command_that_no_app_registered_is_not_sent()
    {
        await using var given = await Given.WorkspaceAsync();
        var result = await given.Slack.RunCommandAsync(DemoPeople.Omar, "incidents", "/rm -rf");
        Assert.Equal(DeliveryOutcome.NotSent, result.Outcome);
        Assert.Empty(given.App.Requests);
    }

    [Fact]
    public async Task A_failed_event_comes_again_at_once_then_after_one_minute_then_after_five()
    {
        await using var given = await Given.WorkspaceAsync();
        given.App.Answer = _ => Task.FromResult((500, ""));
        await given.Slack.SayAsync(DemoPeople.Omar, "incidents", "is anyone looking?");
        var second = await given.Slack.Deliveries.WaitForAsync(d => d is { What: "message", Attempt: 2 });
        Assert.Equal(given.Clock.GetUtcNow() + TimeSpan.FromMinutes(1), second.RetryAt);
        given.Clock.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(2, given.App.Requests.Count);
        given.Clock.Advance(TimeSpan.FromSeconds(1));
        await given.Slack.Deliveries.WaitForAsync(d => d.Attempt == 3);
        given.Clock.Advance(TimeSpan.FromMinutes(5));
        var last = await given.Slack.Deliveries.WaitForAsync(d => d.Attempt == 4);
        Assert.Null(last.RetryAt);
        given.Clock.Advance(TimeSpan.FromHours(1));

        var requests = given.App.Requests.ToList();
        Assert.Equal(["", "1", "2", "3"], requests.Select(r => r.Headers.GetValueOrDefault("x-slack-retry-num", "")));
        Assert.All(requests.Skip(1), r => Assert.Equal("http_error", r.Headers["x-slack-retry-reason"]));
        Assert.Single(requests.Select(r => r.Payload["event_id"]!.ToString()).Distinct());
    }

    [Fact]
    public async Task An_event_that_was_answered_is_not_sent_again()
    {
        await using var given = await Given.WorkspaceAsync();
        await given.Slack.SayAsync(DemoPeople.Omar, "incidents", "hello");
        var delivered = await given.Slack.Deliveries.WaitForAsync(d => d.What == "message");
        Assert.Null(delivered.RetryAt);
        given.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Single(given.App.Requests);
    }

    [Fact]
    public async Task A_mention_is_delivered_as_a_message_and_as_a_mention_with_one_timestamp()
    {
        await using var given = await Given.WorkspaceAsync();
        var said = await given.Slack.SayAsync(DemoPeople.Omar, "incidents", "@incidentfox what about checkout?");
        await given.Slack.Deliveries.WaitForAsync(d => d.What == "message");
        await given.Slack.Deliveries.WaitForAsync(d => d.What == "app_mention");
        var happened = given.App.Requests.Select(r => r.Payload["event"]!).ToList();
        Assert.Equal(["app_mention", "message"], happened.Select(e => e["type"]!.ToString()).Order());
        Assert.All(happened, e => Assert.Equal(said.Ts, e["ts"]!.ToString()));
        Assert.All(given.App.Requests, r => Assert.Equal(DemoPeople.BotUserId, r.Payload["authorizations"]![0]!["user_id"]!.ToString()));
    }

    [Fact]
    public async Task A_stranger_is_delivered_with_the_team_they_belong_to()
    {
        await using var given = await Given.WorkspaceAsync();
        var post = await given.App.CallAsync(given.Slack, "chat.postMessage", new { channel = "#incidents", text = "card", blocks = Cards.Approval });
        await given.Slack.ClickAsync(DemoPeople.Xeno, "incidents", post["ts"]!.ToString(), "approve");
        var click = given.App.Requests.Last(r => r.Path == "/slack/interactions").Payload;
        Assert.Equal(DemoPeople.StrangerTeamId, click["user"]!["team_id"]!.ToString());
        Assert.Equal(DemoPeople.TeamId, click["team"]!["id"]!.ToString());

        var said = await given.Slack.SayAsync(DemoPeople.Xeno, "incidents", "hello");
        await given.Slack.Deliveries.WaitForAsync(d => d.What == "message" && d.RequestBody.Contains(said.Ts, StringComparison.Ordinal));
        var happened = given.App.Requests.Last(r => r.Body.Contains(said.Ts, StringComparison.Ordinal)).Payload;
        Assert.Equal(DemoPeople.StrangerTeamId, happened["event"]!["user_team"]!.ToString());
        Assert.True(happened["is_ext_shared_channel"]!.GetValue<bool>());
    }

    [Fact]
    public async Task A_click_carries_what_Slack_sends()
    {
        await using var given = await Given.WorkspaceAsync();
        var ts = (await given.App.CallAsync(given.Slack, "chat.postMessage", new { channel = DemoPeople.Approvals, text = "card", blocks = Cards.Approval }))["ts"]!.ToString();
        Assert.True((await given.Slack.ClickAsync(DemoPeople.Ada, "sre-approvals", ts, "approve")).IsAnswered);
        var click = given.App.Requests.Last(r => r.Path == "/slack/interactions").Payload;
        Assert.Equal("block_actions", click["type"]!.ToString());
        Assert.Equal(ts, click["container"]!["message_ts"]!.ToString());
        Assert.Equal(ts, click["message"]!["ts"]!.ToString());
        Assert.Equal(DemoPeople.Approvals, click["channel"]!["id"]!.ToString());
        var action = click["actions"]![0]!;
        Assert.Equal(("approve", "decision", "a-1"), (action["action_id"]!.ToString(), action["block_id"]!.ToString(), action["value"]!.ToString()));
        Assert.NotNull(click["trigger_id"]);
        Assert.NotNull(click["response_url"]);
        Assert.IsType<JsonObject>(click["state"]!["values"]);
    }

    [Fact]
    public async Task Only_events_that_the_app_subscribed_to_are_delivered()
    {
        await using var app = await DemoApp.StartAsync();
        await using var slack = await SlackDouble.StartAsync(new SlackDoubleOptions { Url = "http://127.0.0.1:0", AppBaseUrl = app.Url, Events = ["app_mention"] });
        await slack.SayAsync(DemoPeople.Omar, "incidents", "hello @incidentfox");
        slack.OpenHome(DemoPeople.Omar);
        await slack.Deliveries.WaitForAsync(d => d.What == "app_mention");
        Assert.Equal("app_mention", Assert.Single(app.Requests).Payload["event"]!["type"]!.ToString());
    }

    [Fact]
    public async Task The_events_address_proves_itself_with_the_challenge()
    {
        await using var given = await Given.WorkspaceAsync();
        Assert.False(await given.Slack.VerifyEventsUrlAsync());
        given.App.Answer = r => Task.FromResult((200, r.Payload["challenge"]!.ToString()));
        Assert.True(await given.Slack.VerifyEventsUrlAsync());
    }

    [Fact]
    public async Task During_an_outage_nothing_arrives_and_the_API_answers_503()
    {
        await using var given = await Given.WorkspaceAsync();
        await given.Slack.OutageAsync(true);
        Assert.False((await given.Slack.RunCommandAsync(DemoPeople.Omar, "incidents", "/incidentfox help")).IsAnswered);
        Assert.Empty(given.App.Requests);
        var (response, _) = await given.App.SendAsync(given.Slack, "auth.test", new { });
        Assert.Equal(503, (int)response.StatusCode);
        await given.Slack.OutageAsync(false);
        Assert.True((await given.App.CallAsync(given.Slack, "auth.test", new { }))["ok"]!.GetValue<bool>());
    }
}
