using System.Net;
using System.Text;
using IncidentFox.Slack.Tests.Support;

namespace IncidentFox.Slack.Tests.Inbound;

public sealed class SignatureTests
{
    private const string Form = "application/x-www-form-urlencoded";

    [Fact]
    public async Task A_signed_request_is_accepted()
    {
        await using var host = await SlackHost.StartAsync();
        using var response = await host.SendFormAsync(SlackPaths.Commands, Samples.Command());
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Single(host.Handler.Commands);
        Assert.Empty(host.Handler.Refusals);
    }

    [Fact]
    public async Task Slacks_own_documented_example_is_accepted()
    {
        // docs.slack.dev/authentication/verifying-requests-from-slack
        await using var host = await SlackHost.StartAsync();
        host.Clock.AdjustTime(DateTimeOffset.FromUnixTimeSeconds(1531420618));
        const string Body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA"
            + "&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
            + "&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        var request = SlackHost.Request(SlackPaths.Commands, Encoding.UTF8.GetBytes(Body), Form, "1531420618", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503");
        using var response = await host.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("/webhook-collect", Assert.Single(host.Handler.Commands).Command);
    }

    [Theory]
    [InlineData(-300, HttpStatusCode.OK)]
    [InlineData(300, HttpStatusCode.OK)]
    [InlineData(-301, HttpStatusCode.Unauthorized)]
    [InlineData(301, HttpStatusCode.Unauthorized)]
    public async Task A_request_older_or_younger_than_five_minutes_is_refused(int seconds, HttpStatusCode expected)
    {
        await using var host = await SlackHost.StartAsync();
        using var response = await host.SendAsync(host.Signed(SlackPaths.Commands, Samples.Command(), Form, host.Clock.GetUtcNow().AddSeconds(seconds)));
        Assert.Equal(expected, response.StatusCode);
        Assert.Equal(expected == HttpStatusCode.OK ? 1 : 0, host.Handler.Handled);
    }

    [Fact]
    public async Task A_request_signed_with_another_secret_is_refused_and_recorded()
    {
        await using var host = await SlackHost.StartAsync();
        using var response = await host.SendAsync(host.Signed(SlackPaths.Commands, Samples.Command(), Form, secret: "another secret than the right one"));
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal(0, host.Handler.Handled);
        var refusal = Assert.Single(host.Handler.Refusals);
        Assert.Equal(("127.0.0.1", SlackPaths.Commands, SlackRefusalReasons.BadSignature), (refusal.SourceAddress, refusal.Path, refusal.Reason));
    }

    [Fact]
    public async Task A_request_signed_with_an_empty_secret_is_refused()
    {
        await using var host = await SlackHost.StartAsync();
        using var response = await host.SendAsync(host.Signed(SlackPaths.Commands, Samples.Command(), Form, secret: ""));
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Fact]
    public async Task Changing_one_byte_of_the_body_breaks_the_signature()
    {
        await using var host = await SlackHost.StartAsync();
        var body = Samples.Command();
        var timestamp = host.Clock.GetUtcNow().ToUnixTimeSeconds().ToString(System.Globalization.CultureInfo.InvariantCulture);
        var changed = Encoding.UTF8.GetBytes(body.Replace("checkout", "checkouu"));
        using var response = await host.SendAsync(SlackHost.Request(SlackPaths.Commands, changed, Form, timestamp, SlackHost.Sign(timestamp, body, SlackHost.Secret)));
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal(0, host.Handler.Handled);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("v0=")]
    [InlineData("v0=0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("v0=zz00000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("v1=0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000000")]
    public async Task A_garbage_signature_is_refused(string? signature)
    {
        await using var host = await SlackHost.StartAsync();
        var timestamp = host.Clock.GetUtcNow().ToUnixTimeSeconds().ToString(System.Globalization.CultureInfo.InvariantCulture);
        using var response = await host.SendAsync(SlackHost.Request(SlackPaths.Commands, Encoding.UTF8.GetBytes(Samples.Command()), Form, timestamp, signature));
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal(0, host.Handler.Handled);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData(" 1772366400")]
    [InlineData("1772366400.0")]
    [InlineData("0x6")]
    [InlineData("99999999999999999999999999999999")]
    [InlineData("١٧٧٢٣٦٦٤٠٠")]
    public async Task A_timestamp_that_is_not_plain_digits_is_refused_even_when_signed(string? timestamp)
    {
        await using var host = await SlackHost.StartAsync();
        var body = Samples.Command();
        var request = SlackHost.Request(SlackPaths.Commands, Encoding.UTF8.GetBytes(body), Form, null, SlackHost.Sign(timestamp ?? "", body, SlackHost.Secret));
        if (timestamp is not null)
        {
            host.Http.DefaultRequestHeaders.TryAddWithoutValidation("X-Slack-Request-Timestamp", Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(timestamp)));
        }

        HttpResponseMessage response;
        try
        {
            response = await host.SendAsync(request);
        }
        catch (HttpRequestException)
        {
            Assert.Equal(0, host.Handler.Handled);
            return;
        }

        Assert.Contains(response.StatusCode, new[] { HttpStatusCode.Unauthorized, HttpStatusCode.BadRequest });
        Assert.Equal(0, host.Handler.Handled);
    }

    [Fact]
    public async Task Two_signature_headers_are_refused_even_when_one_is_right()
    {
        await using var host = await SlackHost.StartAsync();
        var request = host.Signed(SlackPaths.Commands, Samples.Command(), Form);
        request.Headers.TryAddWithoutValidation("X-Slack-Signature", "v0=0000000000000000000000000000000000000000000000000000000000000000");
        using var response = await host.SendAsync(request);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal(0, host.Handler.Handled);
    }
}
