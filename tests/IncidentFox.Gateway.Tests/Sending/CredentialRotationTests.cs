using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;
using Xunit;

namespace IncidentFox.Gateway.Tests.Sending;

public sealed class CredentialRotationTests : IDisposable
{
    private const string Renewed = "canary-renewed-3";

    private readonly SenderFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task When_the_target_refuses_a_credential_that_was_renewed_the_new_one_is_fetched_and_used(bool write)
    {
        await using var server = new WireServer(r => r.SendAsync(r.Text.Contains(Renewed, StringComparison.Ordinal)
            ? WireServer.Ok($"fine {Renewed} {SenderFixture.ReadSecret} {SenderFixture.WriteSecret}")
            : WireServer.Ok("who?", status: "401 Unauthorized")));
        var target = SenderFixture.Target(server.Port);
        await WarmAsync(target);
        _fixture.Vault[write ? "write" : "read"] = Renewed;

        var (status, body) = await _fixture.AnswerAsync(write ? SenderFixture.Delete(target, "{}") : SenderFixture.Get(target));

        Assert.Equal(200, status);
        Assert.Equal(2, server.Requests.Count);
        // The old one is as secret as the new one; the other credential was not part of this call.
        Assert.Equal(write ? $"fine [redacted] {SenderFixture.ReadSecret} [redacted]" : $"fine [redacted] [redacted] {SenderFixture.WriteSecret}", body);
        if (write)
            Assert.All(server.Requests, r => Assert.EndsWith("\r\n\r\n{}", r));
    }

    [Fact]
    public async Task A_credential_that_the_store_still_gives_is_not_tried_again()
    {
        await using var server = new WireServer(WireServer.Ok("who?", status: "401 Unauthorized"));
        var failed = await _fixture.FailureAsync(SenderFixture.Delete(SenderFixture.Target(server.Port)));
        Assert.Equal("credential_refused", failed.Code);
        Assert.False(failed.MayHaveRun);
        Assert.Single(server.Requests);
        Assert.Equal(2, _fixture.Fetches);
    }

    [Fact]
    public async Task A_renewed_credential_that_is_refused_as_well_ends_it()
    {
        await using var server = new WireServer(WireServer.Ok("who?", status: "401 Unauthorized"));
        var target = SenderFixture.Target(server.Port);
        await WarmAsync(target);
        _fixture.Vault["read"] = Renewed;
        Assert.Equal("credential_refused", (await _fixture.FailureAsync(SenderFixture.Get(target))).Code);
        Assert.Equal(2, server.Requests.Count);
    }

    [Fact]
    public async Task A_target_that_asks_for_no_credential_may_answer_401()
    {
        await using var server = new WireServer(WireServer.Ok("who?", status: "401 Unauthorized"));
        var (status, body) = await _fixture.AnswerAsync(SenderFixture.Get(SenderFixture.Target(server.Port, AuthScheme.None)));
        Assert.Equal((401, "who?"), (status, body));
        Assert.DoesNotContain("Authorization", Assert.Single(server.Requests));
        Assert.Equal(0, _fixture.Fetches);
    }

    [Fact]
    public async Task Forbidden_is_the_targets_answer_not_a_reason_to_fetch_again()
    {
        await using var server = new WireServer(WireServer.Ok("no", status: "403 Forbidden"));
        Assert.Equal(403, (await _fixture.AnswerAsync(SenderFixture.Get(SenderFixture.Target(server.Port)))).Status);
        Assert.Equal(1, _fixture.Fetches);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("tiny1")]
    [InlineData("line\r\nX-Evil: break")]
    [InlineData("with space")]
    public async Task Without_a_usable_credential_nothing_is_sent(string? secret)
    {
        await using var server = new WireServer(WireServer.Ok("fine"));
        if (secret is null)
            _fixture.Vault.TryRemove("read", out _);
        else
            _fixture.Vault["read"] = secret;
        var failed = await _fixture.FailureAsync(SenderFixture.Get(SenderFixture.Target(server.Port)));
        Assert.Equal("credential_unavailable", failed.Code);
        Assert.False(failed.MayHaveRun);
        Assert.Equal(0, server.Connections);
        Assert.DoesNotContain("keyvault", failed.Sentence);
        Assert.Contains(_fixture.Logged, l => l.Contains("keyvault://acme/read", StringComparison.Ordinal));
        Assert.DoesNotContain(_fixture.Logged, l => secret is not null && l.Contains(secret, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(AuthScheme.Basic, "Authorization: Basic cmVhZGVyOmNhbmFyeS1mb3ItcmVhZHMrLzE9")]
    [InlineData(AuthScheme.Header, "X-Api-Key: canary-for-reads+/1=")]
    public async Task Every_scheme_goes_out_its_own_way_and_does_not_come_back(AuthScheme scheme, string header)
    {
        await using var server = new WireServer(r => r.SendAsync(WireServer.Ok(r.Text)));
        var (_, body) = await _fixture.AnswerAsync(SenderFixture.Get(SenderFixture.Target(server.Port, scheme)));
        Assert.Contains(header + "\r\n", Assert.Single(server.Requests));
        Assert.Contains(header[..header.LastIndexOf(' ')] + " [redacted]", body);
        Assert.DoesNotContain("canary", body);
    }

    private async Task WarmAsync(Integration target)
    {
        await using var elsewhere = new WireServer(WireServer.Ok("fine"));
        var warm = target with { BaseUrl = new Uri($"http://127.0.0.1:{elsewhere.Port}") };
        await _fixture.AnswerAsync(SenderFixture.Get(warm));
        await _fixture.AnswerAsync(SenderFixture.Delete(warm));
    }
}
