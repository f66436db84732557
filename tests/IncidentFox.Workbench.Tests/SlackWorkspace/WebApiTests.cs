using System.Text.Json.Nodes;
using IncidentFox.Workbench.SlackWorkspace;
using Xunit;

namespace IncidentFox.Workbench.Tests.SlackWorkspace;

public sealed class WebApiTests
{
    [Fact]
    public async Task A_posted_message_with_every_kind_of_block_is_kept_as_it_was_sent()
    {
        await using var given = await Given.WorkspaceAsync();
        var post = await Ok(given, "chat.postMessage", new { channel = "#incidents", text = "report", blocks = Cards.Everything });
        var kept = Assert.Single(given.Slack.State.Messages(DemoPeople.Incidents));
        Assert.Equal(post["ts"]!.ToString(), kept.Ts);
        Assert.Equal(Cards.Everything.Count, kept.Blocks!.Count);
        Assert.All(kept.Blocks, block => Assert.False(string.IsNullOrEmpty(block!["block_id"]?.ToString())));
        var history = await Ok(given, "conversations.history", new { channel = DemoPeople.Incidents });
        Assert.Equal("report", history["messages"]![0]!["text"]!.ToString());
    }

    [Theory]
    [InlineData("", "not_authed")]
    [InlineData("xoxb-wrong", "invalid_auth")]
    [InlineData("app", "not_allowed_token_type")]
    public async Task A_call_without_the_right_token_is_refused(string token, string error)
    {
        await using var given = await Given.WorkspaceAsync();
        await Fails(given, error, "auth.test", new { }, token == "app" ? given.Slack.Options.AppToken : token);
    }

    [Fact]
    public async Task Messages_are_refused_with_Slacks_errors()
    {
        await using var given = await Given.WorkspaceAsync(new SlackLimits { RateLimitsOn = false });
        await Fails(given, "channel_not_found", "chat.postMessage", new { channel = "C0NOWHERE", text = "x" });
        await Fails(given, "not_in_channel", "chat.postMessage", new { channel = "#general", text = "x" });
        await Fails(given, "no_text", "chat.postMessage", new { channel = "#incidents" });
        await Fails(given, "no_text", "chat.postMessage", new { channel = "#incidents", blocks = Array.Empty<object>() });
        await Fails(given, "msg_too_long", "chat.postMessage", new { channel = "#incidents", text = new string('x', 40_001) });
        await Fails(given, "thread_not_found", "chat.postMessage", new { channel = "#incidents", text = "x", thread_ts = "1.000001" });
        await Fails(given, "user_not_in_channel", "chat.postEphemeral", new { channel = "#incidents", text = "x", user = "U0NOBODY" });
        await Fails(given, "unknown_method", "chat.shout", new { });
        var blocks = await Fails(given, "invalid_blocks", "chat.postMessage", new { channel = "#incidents", text = "x", blocks = new[] { new { type = "banner" } } });
        Assert.Equal("[ERROR] unsupported type: banner [json-pointer:/blocks/0/type]", blocks["response_metadata"]!["messages"]![0]!.ToString());
        var large = Enumerable.Range(0, 10).Select(_ => new { type = "section", text = new { type = "mrkdwn", text = new string('x', 2_000) } });
        await Fails(given, "msg_blocks_too_long", "chat.postMessage", new { channel = "#incidents", text = "x", blocks = large });
        Assert.Empty(given.Slack.State.Messages(DemoPeople.Incidents));
    }

    [Fact]
    public async Task An_update_needs_an_id_an_own_message_and_less_text()
    {
        await using var given = await Given.WorkspaceAsync();
        var mine = (await Ok(given, "chat.postMessage", new { channel = "#incidents", text = "one", blocks = Cards.Approval }))["ts"]!.ToString();
        var theirs = await given.Slack.SayAsync(DemoPeople.Omar, "incidents", "hello");
        await Fails(given, "channel_not_found", "chat.update", new { channel = "#incidents", ts = mine, text = "two" });
        await Fails(given, "message_not_found", "chat.update", new { channel = DemoPeople.Incidents, ts = "1.000001", text = "two" });
        await Fails(given, "cant_update_message", "chat.update", new { channel = DemoPeople.Incidents, ts = theirs.Ts, text = "two" });
        await Fails(given, "msg_too_long", "chat.update", new { channel = DemoPeople.Incidents, ts = mine, text = new string('ü', 2_001) });
        await Ok(given, "chat.update", new { channel = DemoPeople.Incidents, ts = mine, text = "two" });
        var kept = given.Slack.State.Find(DemoPeople.Incidents, mine)!;
        Assert.Equal(("two", 2), (kept.Text, kept.Blocks!.Count));
        Assert.NotNull(kept.EditedTs);
        await Ok(given, "chat.update", new { channel = DemoPeople.Incidents, ts = mine, text = "three", blocks = Array.Empty<object>() });
        Assert.Empty(given.Slack.State.Find(DemoPeople.Incidents, mine)!.Blocks!);
    }

    [Fact]
    public async Task Posting_is_limited_per_channel_and_says_when_to_try_again()
    {
        await using var given = await Given.WorkspaceAsync(new SlackLimits { PostBurst = 2 });
        await Ok(given, "chat.postMessage", new { channel = "#incidents", text = "1" });
        await Ok(given, "chat.postMessage", new { channel = DemoPeople.Incidents, text = "2" });
        var (response, answer) = await given.App.SendAsync(given.Slack, "chat.postMessage", new { channel = "#incidents", text = "3" });
        Assert.Equal((429, "ratelimited", "1"), ((int)response.StatusCode, answer["error"]!.ToString(), response.Headers.GetValues("Retry-After").Single()));
        await Ok(given, "chat.postMessage", new { channel = "#sre-approvals", text = "elsewhere" });
        given.Clock.Advance(TimeSpan.FromSeconds(1));
        await Ok(given, "chat.postMessage", new { channel = "#incidents", text = "3" });
        Assert.Equal(["1", "2", "3"], given.Slack.State.Messages(DemoPeople.Incidents).Select(m => m.Text));
    }

    [Fact]
    public async Task Fifty_updates_a_minute_are_let_through_and_no_more()
    {
        await using var given = await Given.WorkspaceAsync();
        var ts = (await Ok(given, "chat.postMessage", new { channel = "#incidents", text = "0" }))["ts"]!.ToString();
        for (var i = 0; i < 50; i++) await Ok(given, "chat.update", new { channel = DemoPeople.Incidents, ts, text = $"{i}" });
        await Fails(given, "ratelimited", "chat.update", new { channel = DemoPeople.Incidents, ts, text = "too many" });
        Assert.Equal("49", given.Slack.State.Find(DemoPeople.Incidents, ts)!.Text);
    }

    [Fact]
    public async Task A_test_can_order_limits_errors_and_lost_answers()
    {
        await using var given = await Given.WorkspaceAsync();
        given.Slack.RateLimit("auth.test", TimeSpan.FromSeconds(30));
        var (limited, _) = await given.App.SendAsync(given.Slack, "auth.test", new { });
        Assert.Equal("30", limited.Headers.GetValues("Retry-After").Single());
        given.Clock.Advance(TimeSpan.FromSeconds(30));
        await Ok(given, "auth.test", new { });

        given.Slack.FailNext("chat.postMessage", "internal_error", 2);
        await Fails(given, "internal_error", "chat.postMessage", new { channel = "#incidents", text = "x" });
        await Fails(given, "internal_error", "chat.postMessage", new { channel = "#incidents", text = "x" });
        Assert.Empty(given.Slack.State.Messages(DemoPeople.Incidents));

        given.Slack.FailNext("chat.postMessage", "lost_response");
        await Assert.ThrowsAsync<HttpRequestException>(() => given.App.CallAsync(given.Slack, "chat.postMessage", new { channel = "#incidents", text = "posted all the same" }));
        Assert.Single(given.Slack.State.Messages(DemoPeople.Incidents));
        Assert.Equal(5, given.Slack.ApiCalls.All.Count);
    }

    [Fact]
    public async Task A_reading_method_ignores_a_JSON_body()
    {
        await using var given = await Given.WorkspaceAsync();
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        http.DefaultRequestHeaders.Authorization = new("Bearer", given.Slack.Options.BotToken);
        using var body = new StringContent($$"""{"user":"{{DemoPeople.Ada}}"}""", System.Text.Encoding.UTF8, "application/json");
        var answer = JsonNode.Parse(await (await http.PostAsync(new Uri(given.Slack.ApiBaseUrl, "users.info"), body)).Content.ReadAsStringAsync())!;
        Assert.Equal("user_not_found", answer["error"]!.ToString());
        Assert.Equal("ada", (await Ok(given, "users.info", new { user = DemoPeople.Ada }))["user"]!["name"]!.ToString());
    }

    [Fact]
    public async Task The_directory_knows_who_is_in_which_group_and_who_is_from_elsewhere()
    {
        await using var given = await Given.WorkspaceAsync();
        var admins = await Ok(given, "usergroups.users.list", new { usergroup = DemoPeople.AdminsGroup });
        Assert.Equal([DemoPeople.Ada, DemoPeople.Ben], admins["users"]!.AsArray().Select(u => u!.ToString()));
        await Fails(given, "no_such_subteam", "usergroups.users.list", new { usergroup = "S0NONE" });
        Assert.Equal(DemoPeople.StrangerTeamId, (await Ok(given, "users.info", new { user = DemoPeople.Xeno }))["user"]!["team_id"]!.ToString());
        var first = await Ok(given, "conversations.list", new { limit = 2 });
        var second = await Ok(given, "conversations.list", new { limit = 2, cursor = first["response_metadata"]!["next_cursor"]!.ToString() });
        Assert.Equal(3, first["channels"]!.AsArray().Count + second["channels"]!.AsArray().Count);
        Assert.Equal("", second["response_metadata"]!["next_cursor"]!.ToString());
    }

    [Fact]
    public async Task Concurrent_posts_get_distinct_timestamps()
    {
        await using var given = await Given.WorkspaceAsync(new SlackLimits { RateLimitsOn = false });
        var posts = await Task.WhenAll(Enumerable.Range(0, 60).Select(i => Ok(given, "chat.postMessage", new { channel = "#incidents", text = $"{i}" })));
        Assert.Equal(60, posts.Select(p => p["ts"]!.ToString()).Distinct().Count());
        Assert.Equal(60, given.Slack.State.Messages(DemoPeople.Incidents).Count);
    }

    private static async Task<JsonObject> Ok(Given given, string method, object arguments)
    {
        var answer = await given.App.CallAsync(given.Slack, method, arguments);
        Assert.True(answer["ok"]?.GetValue<bool>() == true, $"{method}: {answer.ToJsonString()}");
        return answer;
    }

    private static async Task<JsonObject> Fails(Given given, string error, string method, object arguments, string? token = null)
    {
        var answer = await given.App.CallAsync(given.Slack, method, arguments, token);
        Assert.Equal(error, answer["error"]?.ToString());
        return answer;
    }
}
