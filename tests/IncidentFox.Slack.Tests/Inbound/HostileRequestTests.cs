using System.Net;
using System.Net.Sockets;
using System.Text;
using CsCheck;
using IncidentFox.Slack.Tests.Support;

namespace IncidentFox.Slack.Tests.Inbound;

public sealed class HostileRequestTests
{
    private const string Form = "application/x-www-form-urlencoded";
    private const string Json = "application/json";

    [Theory]
    [InlineData("")]
    [InlineData("&")]
    [InlineData("command")]
    [InlineData("=x")]
    [InlineData("command=%2Fx")]
    [InlineData("command=%zz")]
    [InlineData("command=%2")]
    [InlineData("command=%ff%fe")]
    [InlineData("command=%00")]
    public async Task A_malformed_command_is_a_400_without_details(string body) => await AssertMalformedAsync(SlackPaths.Commands, body, Form);

    [Fact]
    public async Task A_key_given_twice_is_refused() => await AssertMalformedAsync(SlackPaths.Commands, Samples.Command() + "&user_id=U0000000ADMIN", Form);

    [Fact]
    public async Task An_id_that_is_not_one_is_refused() =>
        await AssertMalformedAsync(SlackPaths.Commands, Samples.Command().Replace("U2147483697", "%3Cscript%3E"), Form);

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("""{"type":"event_callback"}""")]
    [InlineData("""{"type":"nonsense"}""")]
    [InlineData("""{"type":7}""")]
    [InlineData("""{"type":"event_callback","type":"event_callback"}""")]
    [InlineData("""{"type":"event_callback","event_id":"Ev1","event":{"type":"message","text":"\ud800"}}""")]
    [InlineData("""{"type":"event_callback","event_id":"Ev1","event":{"type":"message","text":"a\u0000b"}}""")]
    [InlineData("""{"type":"event_callback","event_id":"Ev1","event":{"type":"message","user":7}}""")]
    [InlineData("""{"type":"event_callback","event_id":"Ev1","event":[]}""")]
    [InlineData("""{"\ud800":"event_callback"}""")]
    public async Task A_malformed_event_is_a_400_without_details(string body) => await AssertMalformedAsync(SlackPaths.Events, body, Json);

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"type":"block_actions"}""")]
    [InlineData("""{"type":"block_actions","user":{"id":"U1"},"actions":{}}""")]
    [InlineData("""{"type":"block_actions","user":{"id":"U1"},"actions":[7]}""")]
    [InlineData("""{"type":"view_submission","user":{"id":"U1"},"view":{"id":"V1","state":{"values":{"a":7}}}}""")]
    [InlineData("""{"type":"view_submission","user":{"id":"U1"},"view":{"id":"V1","state":{"values":{"a":{"b":7}}}}}""")]
    public async Task A_malformed_interaction_is_a_400_without_details(string json) => await AssertMalformedAsync(SlackPaths.Interactions, Samples.Payload(json), Form);

    [Fact]
    public async Task Json_that_is_nested_too_deeply_is_refused() =>
        await AssertMalformedAsync(SlackPaths.Events, string.Concat(Enumerable.Repeat("{\"a\":", 5000)) + "1" + new string('}', 5000), Json);

    [Fact]
    public async Task The_content_type_must_be_right()
    {
        await using var host = await SlackHost.StartAsync();
        using var response = await host.SendAsync(host.Signed(SlackPaths.Commands, Samples.Command(), "text/plain"));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(SlackRefusalReasons.WrongContentType, Assert.Single(host.Handler.Refusals).Reason);
        Assert.Equal(0, host.Handler.Handled);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_over_one_mebibyte_is_refused_whether_or_not_it_says_so(bool chunked)
    {
        await using var host = await SlackHost.StartAsync();
        var request = host.Signed(SlackPaths.Commands, "text=" + new string('a', 1024 * 1024), Form);
        request.Headers.TransferEncodingChunked = chunked;
        request.Headers.ExpectContinue = true;
        using var response = await host.SendAsync(request);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Equal(SlackRefusalReasons.Oversized, Assert.Single(host.Handler.Refusals).Reason);
        Assert.Equal(0, host.Handler.Handled);
    }

    [Fact]
    public async Task A_body_that_never_ends_is_given_up()
    {
        await using var host = await SlackHost.StartAsync();
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, host.Http.BaseAddress!.Port, TestContext.Current.CancellationToken);
        await using var stream = socket.GetStream();
        var timestamp = host.Clock.GetUtcNow().ToUnixTimeSeconds();
        var head = $"POST {SlackPaths.Commands} HTTP/1.1\r\nHost: x\r\nContent-Type: {Form}\r\nContent-Length: 1000\r\nX-Slack-Request-Timestamp: {timestamp}\r\nX-Slack-Signature: v0=00\r\n\r\ntext=";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head), TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() =>
        {
            host.Clock.Advance(TimeSpan.FromMilliseconds(200));
            return !host.Handler.Refusals.IsEmpty;
        });
        Assert.Contains(host.Handler.Refusals.First().Reason, new[] { SlackRefusalReasons.TooSlow, SlackRefusalReasons.Malformed });
    }

    [Fact]
    public async Task A_thousand_refusals_from_one_source_are_one_record_a_minute_and_the_rest_are_counted()
    {
        await using var host = await SlackHost.StartAsync();
        for (var i = 0; i < 1000; i++)
        {
            using var response = await host.SendAsync(host.Signed(SlackPaths.Commands, "x", Form, secret: "wrong"));
            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        }

        Assert.Single(host.Handler.Refusals);
        host.Clock.Advance(TimeSpan.FromMinutes(1));
        using var next = await host.SendAsync(host.Signed(SlackPaths.Commands, "x", Form, secret: "wrong"));
        Assert.Equal(new[] { 0L, 999L }, host.Handler.Refusals.Select(r => r.Suppressed));
    }

    [Fact]
    public async Task Signed_garbage_never_causes_more_than_a_400()
    {
        await using var host = await SlackHost.StartAsync();
        var json = Gen.Select(Gen.Int[0, Samples.Click.Length - 1], Gen.Char, (at, c) => Samples.Click[..at] + c + Samples.Click[(at + 1)..]);
        await json.SampleAsync(
            async text =>
            {
                host.Clock.Advance(TimeSpan.FromSeconds(1));
                using var response = await host.Http.SendAsync(host.Signed(SlackPaths.Interactions, Samples.Payload(text.Replace("\ud800", "")), Form));
                return response.StatusCode is HttpStatusCode.OK or HttpStatusCode.BadRequest;
            },
            iter: 500,
            threads: 1);
    }

    private static async Task AssertMalformedAsync(string path, string body, string contentType)
    {
        await using var host = await SlackHost.StartAsync();
        using var response = await host.SendAsync(host.Signed(path, body, contentType));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("malformed", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal(SlackRefusalReasons.Malformed, Assert.Single(host.Handler.Refusals).Reason);
        Assert.Equal(0, host.Handler.Handled);
    }
}
