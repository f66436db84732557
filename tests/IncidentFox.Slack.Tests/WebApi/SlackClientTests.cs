using System.Text.Json;
using IncidentFox.Slack.BlockKit;
using IncidentFox.Slack.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace IncidentFox.Slack.Tests.WebApi;

public sealed class SlackClientTests
{
    private static readonly SlackMessage Message = new("Hello <!channel> & <https://evil.example|x>", new HeaderBlock("Hello"));

    [Fact]
    public async Task A_post_carries_the_token_and_never_unfurls_or_parses()
    {
        await using var slack = await ClientHarness.StartAsync();
        slack.Server.Answer("chat.postMessage", 200, """{"ok":true,"channel":"C1","ts":"1.2","message":{}}""");
        var result = await slack.Client.PostMessageAsync("C1", Message, "1.0", TestContext.Current.CancellationToken);
        Assert.Equal(new PostedMessage("C1", "1.2"), result.Value);
        var call = Assert.Single(slack.Server.Calls);
        Assert.Equal(("Bearer xoxb-canary", "application/json; charset=utf-8"), (call.Authorization, call.ContentType));
        Golden.Matches("chat-post-message", call.Body);
    }

    [Fact]
    public async Task A_429_is_waited_out_and_the_post_sent_again()
    {
        await using var slack = await ClientHarness.StartAsync();
        slack.Server.Answer("chat.postMessage", 429, """{"ok":false,"error":"ratelimited"}""", ("Retry-After", "7"));
        slack.Server.Answer("chat.postMessage", 200, """{"ok":true,"channel":"C1","ts":"1.2"}""");
        var (result, took) = await slack.PassTimeAsync(slack.Client.PostMessageAsync("C1", Message, cancellationToken: TestContext.Current.CancellationToken));
        Assert.True(result.Ok);
        Assert.InRange(took, TimeSpan.FromSeconds(7), TimeSpan.FromSeconds(8));
        Assert.Equal(2, slack.Server.Calls.Count);
    }

    [Fact]
    public async Task A_wait_that_would_be_too_long_is_an_error_and_holds_back_later_calls_too()
    {
        await using var slack = await ClientHarness.StartAsync();
        slack.Server.Answer("chat.update", 429, "", ("Retry-After", "120"));
        var (first, took) = await slack.PassTimeAsync(slack.Client.UpdateMessageAsync("C1", "1.2", Message, TestContext.Current.CancellationToken));
        Assert.Equal(("ratelimited", SlackDelivery.NotDelivered, true), (first.Error!.Code, first.Error.Delivery, first.Error.CanRetry));
        Assert.True(took < TimeSpan.FromSeconds(5));
        var second = await slack.Client.UpdateMessageAsync("C1", "1.2", Message, TestContext.Current.CancellationToken);
        Assert.InRange(second.Error!.RetryAfter!.Value, TimeSpan.FromSeconds(100), TimeSpan.FromSeconds(120));
        Assert.Single(slack.Server.Calls);
    }

    [Fact]
    public async Task Posts_to_one_channel_are_a_second_apart_and_other_channels_do_not_wait()
    {
        await using var slack = await ClientHarness.StartAsync();
        slack.Server.Answer("chat.postMessage", 200, """{"ok":true,"channel":"C1","ts":"1.2"}""");
        await slack.Client.PostMessageAsync("C1", Message, cancellationToken: TestContext.Current.CancellationToken);
        await slack.Client.PostMessageAsync("C2", Message, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(2, slack.Server.Calls.Count);
        var (_, took) = await slack.PassTimeAsync(slack.Client.PostMessageAsync("C1", Message, cancellationToken: TestContext.Current.CancellationToken));
        Assert.True(took >= TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task A_post_whose_answer_was_lost_is_not_sent_again()
    {
        await using var slack = await ClientHarness.StartAsync();
        slack.Server.Answer("chat.postMessage", context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        var (result, _) = await slack.PassTimeAsync(slack.Client.PostMessageAsync("C1", Message, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal(SlackDelivery.Unknown, result.Error!.Delivery);
        Assert.Single(slack.Server.Calls);
    }

    [Fact]
    public async Task A_post_over_a_kept_alive_connection_that_breaks_is_not_sent_again_by_the_http_stack()
    {
        await using var slack = await ClientHarness.StartAsync();
        slack.Server.Answer("chat.postMessage", 200, """{"ok":true,"channel":"C1","ts":"1.2"}""");
        slack.Server.Answer("chat.postMessage", context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        Assert.True((await slack.Client.PostMessageAsync("C1", Message, cancellationToken: TestContext.Current.CancellationToken)).Ok);
        var second = await slack.Client.PostMessageAsync("C2", Message, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(SlackDelivery.Unknown, second.Error!.Delivery);
        Assert.Equal(2, slack.Server.Calls.Count);
    }

    [Theory]
    [InlineData(500, "", "server_error")]
    [InlineData(200, """{"ok":false,"error":"internal_error"}""", "internal_error")]
    [InlineData(200, "<html>", "invalid_response")]
    [InlineData(200, "[]", "invalid_response")]
    [InlineData(200, """{"ok":"true"}""", "invalid_response")]
    [InlineData(200, """{"ok":true}""", "invalid_response")]
    public async Task A_failed_post_that_may_have_been_delivered_says_so_and_is_sent_once(int status, string body, string code)
    {
        await using var slack = await ClientHarness.StartAsync();
        slack.Server.Answer("chat.postMessage", status, body);
        var (result, _) = await slack.PassTimeAsync(slack.Client.PostMessageAsync("C1", Message, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal((code, SlackDelivery.Unknown), (result.Error!.Code, result.Error.Delivery));
        Assert.Single(slack.Server.Calls);
    }

    [Fact]
    public async Task A_read_is_repeated_after_a_server_error()
    {
        await using var slack = await ClientHarness.StartAsync();
        slack.Server.Answer("users.info", 500, "");
        slack.Server.Answer("users.info", 200, """{"ok":true,"user":{"id":"U1","name":"olga","real_name":"Olga","team_id":"T1","tz":"Europe/Kyiv","is_restricted":false,"deleted":false}}""");
        var (result, _) = await slack.PassTimeAsync(slack.Client.GetUserAsync("U1", TestContext.Current.CancellationToken));
        Assert.Equal(("U1", "olga", "T1", "Europe/Kyiv"), (result.Value!.Id, result.Value.Name, result.Value.TeamId, result.Value.TimeZone));
        Assert.Equal(new[] { "user=U1", "user=U1" }, slack.Server.Calls.Select(c => c.Body));
    }

    [Fact]
    public async Task Slacks_own_refusal_is_final_and_brings_its_explanation()
    {
        await using var slack = await ClientHarness.StartAsync();
        slack.Server.Answer("chat.postMessage", 200, """{"ok":false,"error":"invalid_blocks","response_metadata":{"messages":["[ERROR] no more than 50 items"]}}""");
        var result = await slack.Client.PostMessageAsync("C1", Message, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(("invalid_blocks", false, SlackDelivery.NotDelivered), (result.Error!.Code, result.Error.CanRetry, result.Error.Delivery));
        Assert.Contains("50 items", result.Error.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_error_code_that_is_not_one_is_not_repeated()
    {
        await using var slack = await ClientHarness.StartAsync();
        slack.Server.Answer("auth.test", 200, """{"ok":false,"error":"\n<!channel> forged log line"}""");
        var result = await slack.Client.AuthTestAsync(TestContext.Current.CancellationToken);
        Assert.Equal("unknown_error", result.Error!.Code);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_answer_that_is_too_large_is_given_up(bool chunked)
    {
        await using var slack = await ClientHarness.StartAsync();
        slack.Server.Answer("auth.test", async context =>
        {
            var body = new byte[80 * 1024];
            context.Response.ContentLength = chunked ? null : body.Length;
            await context.Response.Body.WriteAsync(body);
        });
        var result = await slack.Client.AuthTestAsync(TestContext.Current.CancellationToken);
        Assert.Equal("response_too_large", result.Error!.Code);
    }

    [Fact]
    public async Task An_answer_that_does_not_come_is_a_timeout()
    {
        await using var slack = await ClientHarness.StartAsync();
        slack.Server.Answer("views.open", context => Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default));
        var (result, took) = await slack.PassTimeAsync(slack.Client.OpenViewAsync("trigger", new ModalView("Deny", [new DividerBlock()], "deny"), TestContext.Current.CancellationToken));
        Assert.Equal(("timeout", SlackDelivery.Unknown), (result.Error!.Code, result.Error.Delivery));
        Assert.InRange(took, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(11));
        Assert.Single(slack.Server.Calls);
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        await using var slack = await ClientHarness.StartAsync();
        slack.Server.Answer("auth.test", 302, "", ("Location", new Uri(slack.Server.ApiBaseUrl, "stolen").ToString()));
        var result = await slack.Client.AuthTestAsync(TestContext.Current.CancellationToken);
        Assert.Equal("http_302", result.Error!.Code);
        Assert.DoesNotContain(slack.Server.Calls, c => c.Method == "stolen");
    }

    [Fact]
    public async Task Cookies_are_not_kept()
    {
        await using var slack = await ClientHarness.StartAsync();
        slack.Server.Answer("auth.test", 200, """{"ok":true,"team_id":"T1","user_id":"U1"}""", ("Set-Cookie", "d=1"));
        await slack.Client.AuthTestAsync(TestContext.Current.CancellationToken);
        await slack.Client.AuthTestAsync(TestContext.Current.CancellationToken);
        Assert.All(slack.Server.Calls, c => Assert.Null(c.Cookie));
    }

    [Fact]
    public async Task All_pages_of_channels_are_read()
    {
        await using var slack = await ClientHarness.StartAsync();
        slack.Server.Answer("conversations.list", 200, """{"ok":true,"channels":[{"id":"C1","name":"incidents","is_member":true,"is_ext_shared":true}],"response_metadata":{"next_cursor":"dGVhbQ=="}}""");
        slack.Server.Answer("conversations.list", 200, """{"ok":true,"channels":[{"id":"C2","name":"sre-approvals","is_private":true}],"response_metadata":{"next_cursor":""}}""");
        var result = await slack.Client.ListChannelsAsync(TestContext.Current.CancellationToken);
        Assert.Equal(
            [new SlackChannel { Id = "C1", Name = "incidents", IsMember = true, IsExternallyShared = true }, new SlackChannel { Id = "C2", Name = "sre-approvals", IsPrivate = true }],
            result.Value!);
        Assert.Contains("cursor=dGVhbQ%3D%3D", slack.Server.Calls.Last().Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Members_and_permalinks_and_the_home_tab_work()
    {
        await using var slack = await ClientHarness.StartAsync();
        slack.Server.Answer("usergroups.users.list", 200, """{"ok":true,"users":["U1","U2"]}""");
        slack.Server.Answer("chat.getPermalink", 200, """{"ok":true,"permalink":"https://x.slack.com/archives/C1/p12"}""");
        var members = await slack.Client.ListUserGroupMembersAsync("S1", TestContext.Current.CancellationToken);
        var permalink = await slack.Client.GetPermalinkAsync("C1", "1.2", TestContext.Current.CancellationToken);
        var home = await slack.Client.PublishHomeAsync("U1", new HomeView([new HeaderBlock("Home")]), TestContext.Current.CancellationToken);
        Assert.Equal(["U1", "U2"], members.Value!);
        Assert.Equal("https://x.slack.com/archives/C1/p12", permalink.Value);
        Assert.True(home.Ok);
        Assert.Equal("channel=C1&message_ts=1.2", slack.Server.Calls.Single(c => c.Method == "chat.getPermalink").Body);
    }

    [Theory]
    [InlineData("http://169.254.169.254/latest/meta-data")]
    [InlineData("https://hooks.slack.com.evil.example/x")]
    [InlineData("https://hooks.slack.com@evil.example/x")]
    [InlineData("https://evil.example/hooks.slack.com")]
    [InlineData("http://hooks.slack.com/x")]
    [InlineData("https://hooks.slack.com:8443/x")]
    [InlineData("http://127.0.0.1:1/x")]
    [InlineData("file:///etc/passwd")]
    [InlineData("not a url")]
    [InlineData("")]
    public async Task A_response_url_that_is_not_slacks_is_never_called(string url)
    {
        await using var slack = await ClientHarness.StartAsync();
        var result = await slack.Client.RespondAsync(url, Message, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal("refused_url", result.Error!.Code);
        Assert.Empty(slack.Server.Calls);
    }

    [Fact]
    public async Task A_response_url_gets_no_token_and_understands_the_bare_ok()
    {
        await using var slack = await ClientHarness.StartAsync();
        slack.Server.Answer("5678", 200, "ok");
        var result = await slack.Client.RespondAsync(new Uri(slack.Server.ApiBaseUrl, "/commands/1234/5678").ToString(), Message, replaceOriginal: true, TestContext.Current.CancellationToken);
        Assert.True(result.Ok);
        var call = Assert.Single(slack.Server.Calls);
        Assert.Null(call.Authorization);
        using var body = JsonDocument.Parse(call.Body);
        Assert.True(body.RootElement.GetProperty("replace_original").GetBoolean());
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_certainly_not_reached()
    {
        await using var slack = await ClientHarness.StartAsync(_ => ClientHarness.Options(new Uri("http://127.0.0.1:1/api/")));
        var result = await slack.Client.PostMessageAsync("C1", Message, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(("unreachable", SlackDelivery.NotDelivered), (result.Error!.Code, result.Error.Delivery));
    }
}
