using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;
using Xunit;

namespace IncidentFox.Gateway.Tests.Sending;

/// <summary>Targets that refuse a credential otherwise than by 401.</summary>
public sealed class CredentialRefusalTests : IDisposable
{
    private const string Refusal = """{"ok":false,"error":"invalid_auth"}""";
    private const string Renewed = "canary-renewed-4";

    private readonly SenderFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Theory]
    [InlineData("403 Forbidden", "no")]
    [InlineData("200 OK", Refusal)]
    [InlineData("200 OK", "\n {\"error\" : \"invalid_auth\"}\n")]
    public async Task What_its_integration_calls_a_refusal_is_one_and_a_renewed_credential_is_tried(string status, string body)
    {
        await using var server = new WireServer(r => r.SendAsync(r.Text.Contains(Renewed, StringComparison.Ordinal)
            ? WireServer.Ok("fine")
            : WireServer.Ok(body, status: status)));
        var failed = await _fixture.FailureAsync(SenderFixture.Get(Target(server)));
        Assert.Equal(("credential_refused", false), (failed.Code, failed.MayHaveRun));
        Assert.DoesNotContain("invalid_auth", failed.Sentence, StringComparison.Ordinal);

        _fixture.Vault["read"] = Renewed;
        _fixture.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal((200, "fine"), await _fixture.AnswerAsync(SenderFixture.Get(Target(server))));
    }

    [Theory]
    [InlineData("403 Forbidden", "you may not")]
    [InlineData("200 OK", Refusal)]
    public async Task Nothing_but_401_is_a_refusal_where_the_integration_says_nothing(string status, string body)
    {
        await using var server = new WireServer(WireServer.Ok(body, status: status));
        Assert.Equal((int.Parse(status[..3]), body), await _fixture.AnswerAsync(SenderFixture.Get(SenderFixture.Target(server.Port))));
        Assert.Single(server.Requests);
    }

    [Theory]
    [InlineData("200 OK", """{"ok":false,"error":"channel_not_found"}""")]
    [InlineData("200 OK", """{"ok":true,"matches":[{"error":"invalid_auth"}]}""")]
    [InlineData("200 OK", """{"error":["invalid_auth"]}""")]
    [InlineData("200 OK", "not JSON, invalid_auth")]
    [InlineData("200 OK", "")]
    [InlineData("500 Oops", Refusal)]
    public async Task Every_other_answer_passes_as_it_came(string status, string body)
    {
        await using var server = new WireServer(WireServer.Ok(body, status: status));
        Assert.Equal((int.Parse(status[..3]), body), await _fixture.AnswerAsync(SenderFixture.Get(Target(server))));
        Assert.Single(server.Requests);
    }

    [Theory]
    [InlineData(4_095)]
    [InlineData(4_096)]
    [InlineData(4_097)]
    [InlineData(90_000)]
    public async Task A_long_answer_passes_whole_whatever_it_says(int length)
    {
        var body = """{"matches":["%"],"error":"none"}""".Replace("%", new string('x', length - 31), StringComparison.Ordinal);
        await using var server = new WireServer(WireServer.Ok(body));
        Assert.Equal((200, body), await _fixture.AnswerAsync(SenderFixture.Get(Target(server))));
    }

    [Fact]
    public async Task A_body_that_breaks_off_at_its_start_breaks_off_for_the_reader_too()
    {
        await using var server = new WireServer(async r =>
        {
            await r.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"ok\":1");
            await r.HangUpAsync();
        });
        await using var response = Assert.IsType<UpstreamResult.Response>(await _fixture.SendAsync(SenderFixture.Get(Target(server)), TestContext.Current.CancellationToken));
        var buffer = new byte[100];
        Assert.Equal(7, await response.Body.ReadAsync(buffer, TestContext.Current.CancellationToken));
        var broken = await Assert.ThrowsAsync<UpstreamBodyException>(() => response.Body.ReadAsync(buffer, TestContext.Current.CancellationToken).AsTask());
        Assert.Equal("upstream_unreachable", broken.Code);
    }

    private static Integration Target(WireServer server) => SenderFixture.Target(server.Port) with
    {
        Refusal = new RefusalSettings { Statuses = [403], Pointer = "/error", Texts = ["invalid_auth"] },
    };
}
