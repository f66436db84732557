using System.Globalization;
using System.IO.Compression;
using System.Text;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;
using Xunit;

namespace IncidentFox.Gateway.Tests.Sending;

public sealed class UpstreamSenderTests : IDisposable
{
    private readonly SenderFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task A_request_goes_out_byte_for_byte_as_it_was_built_and_with_nothing_else_than_the_credential()
    {
        await using var server = new WireServer(WireServer.Ok("fine"));
        var path = "/a%2Fb/%2e%2E/c//d/%41%c3%a4;x/?query=up%7Bjob%3D%22a%22%7D&x=%20+&y=..";

        var (status, body) = await _fixture.AnswerAsync(SenderFixture.Get(SenderFixture.Target(server.Port), path));

        Assert.Equal((200, "fine"), (status, body));
        var lines = Assert.Single(server.Requests).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal($"GET {path} HTTP/1.1", lines[0]);
        Assert.Equal(
            ["Accept-Encoding: identity", "Accept: application/json", $"Authorization: Bearer {SenderFixture.ReadSecret}", $"Host: 127.0.0.1:{server.Port}", "User-Agent: IncidentFox-Gateway"],
            lines[1..].Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_write_carries_its_body_and_the_write_credential()
    {
        await using var server = new WireServer(WireServer.Ok("done"));
        await _fixture.AnswerAsync(SenderFixture.Delete(SenderFixture.Target(server.Port), """{"dryRun":["All"]}"""));
        var request = Assert.Single(server.Requests);
        Assert.Contains($"Authorization: Bearer {SenderFixture.WriteSecret}\r\n", request);
        Assert.Contains("Content-Type: application/json\r\n", request);
        Assert.EndsWith("\r\n\r\n{\"dryRun\":[\"All\"]}", request);
        Assert.DoesNotContain(SenderFixture.ReadSecret, request);
    }

    [Theory]
    [InlineData("no-slash")]
    [InlineData("/with space")]
    [InlineData("/a#fragment")]
    [InlineData("/a\\b")]
    [InlineData("/a\r\nHost: evil")]
    [InlineData("/ä")]
    public async Task A_path_that_is_not_encoded_is_a_bug_and_nothing_is_sent(string path)
    {
        await using var server = new WireServer(WireServer.Ok("fine"));
        await Assert.ThrowsAsync<ArgumentException>(() => _fixture.SendAsync(SenderFixture.Get(SenderFixture.Target(server.Port), path)));
        Assert.Equal(0, server.Connections);
    }

    [Fact]
    public async Task A_path_cannot_become_another_host()
    {
        await using var server = new WireServer(WireServer.Ok("fine"));
        await _fixture.AnswerAsync(SenderFixture.Get(SenderFixture.Target(server.Port), "//evil.example/@x:1/"));
        Assert.StartsWith("GET //evil.example/@x:1/ HTTP/1.1\r\n", Assert.Single(server.Requests));
    }

    [Theory]
    [InlineData("Host", "evil")]
    [InlineData("authorization", "Bearer mine")]
    [InlineData("Transfer-Encoding", "chunked")]
    [InlineData("Connection", "upgrade")]
    [InlineData("X-HTTP-Method-Override", "DELETE")]
    [InlineData("X-Fine", "a\r\nb: c")]
    public async Task A_rule_cannot_set_headers_that_are_the_senders(string name, string value)
    {
        await using var server = new WireServer(WireServer.Ok("fine"));
        var request = SenderFixture.Get(SenderFixture.Target(server.Port)) with { Headers = [(name, value)] };
        await Assert.ThrowsAsync<ArgumentException>(() => _fixture.SendAsync(request));
        Assert.Equal(0, server.Connections);
    }

    [Fact]
    public async Task A_redirect_is_not_followed_and_its_location_is_not_passed_on()
    {
        await using var elsewhere = new WireServer(WireServer.Ok("secret place"));
        await using var server = new WireServer(WireServer.Ok("", $"Location: http://127.0.0.1:{elsewhere.Port}/\r\n", "302 Found"));
        await using var response = Assert.IsType<UpstreamResult.Response>(await _fixture.SendAsync(SenderFixture.Get(SenderFixture.Target(server.Port))));
        Assert.Equal(302, response.Status);
        Assert.Empty(response.Headers);
        Assert.Equal(0, elsewhere.Connections);
    }

    [Fact]
    public async Task Only_harmless_headers_are_passed_on_and_scrubbed_and_cookies_are_not_kept()
    {
        var headers = $"Set-Cookie: a=b\r\nServer: nginx\r\nX-Internal: 10.0.0.1\r\nWWW-Authenticate: Basic\r\nRetry-After: 3\r\nWarning: 299 - \"token {SenderFixture.ReadSecret} \u009b\"\r\nContent-Type: application/json;stream=watch\r\n";
        await using var server = new WireServer(WireServer.Ok("{}", headers));
        for (var i = 0; i < 2; i++)
        {
            await using var response = Assert.IsType<UpstreamResult.Response>(await _fixture.SendAsync(SenderFixture.Get(SenderFixture.Target(server.Port))));
            Assert.Equal([("Retry-After", "3"), ("Warning", "299 - \"token [redacted] ?\"")], response.Headers);
            Assert.Equal("application/json; stream=watch", response.ContentType);
            await SenderFixture.TextAsync(response);
        }
        Assert.All(server.Requests, r => Assert.DoesNotContain("Cookie", r));
    }

    [Fact]
    public async Task Of_links_only_the_pages_at_the_target_itself_are_passed_on_and_scrubbed()
    {
        await using var server = new WireServer(WireServer.Ok("[]"));
        var target = SenderFixture.Target(server.Port);
        var link = $"<{target.Origin}/items?page=2,3&key={Uri.EscapeDataString(SenderFixture.ReadSecret)}>; rel=\"next\"; results=\"true\"; cursor=\"0:1:0\", <https://evil.example/items?page=9>; rel=\"last\", "
            + $"<{target.Origin}.evil.example/>; rel=\"first\", <//evil.example/>; rel=prev, <{target.Origin}/admin>; rel=\"help\", </items?page=1>; rel=prev, <javascript:alert(1)>; rel=\"next\", <http";
        server.Answer = r => r.SendAsync(WireServer.Ok("[]", $"Link: {link}\r\nX-Next-Page: 2\r\n"));
        await using var response = Assert.IsType<UpstreamResult.Response>(await _fixture.SendAsync(SenderFixture.Get(target)));
        Assert.Equal([("Link", "</items?page=2,3&key=[redacted]>; rel=\"next\"; results=\"true\", </items?page=1>; rel=\"prev\""), ("X-Next-Page", "2")], response.Headers);
    }

    [Fact]
    public async Task Links_without_end_are_not_passed_on()
    {
        var many = string.Join(", ", Enumerable.Range(0, 300).Select(i => $"</items?page={i}&pad={new string('x', 20)}>; rel=\"next\""));
        await using var server = new WireServer(WireServer.Ok("[]", $"Link: {many}\r\n"));
        await using var response = Assert.IsType<UpstreamResult.Response>(await _fixture.SendAsync(SenderFixture.Get(SenderFixture.Target(server.Port))));
        Assert.All(response.Headers, h => Assert.True(h.Value.Length <= 4 * 1024 && h.Value.Split("rel=").Length <= 5));
    }

    [Theory]
    [InlineData(new byte[] { 0x1f, 0x8b, 0x08, 0, 0, 0 })]
    [InlineData(new byte[] { (byte)'P', (byte)'K', 3, 4, 20, 0 })]
    [InlineData(new byte[] { 0x28, 0xb5, 0x2f, 0xfd, 1, 2 })]
    public async Task A_packed_file_is_refused_also_when_it_comes_byte_by_byte(byte[] file)
    {
        await using var server = new WireServer(async r =>
        {
            await r.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 6\r\n\r\n");
            foreach (var b in file)
                await r.SendAsync([b]);
        });
        await using var response = Assert.IsType<UpstreamResult.Response>(await _fixture.SendAsync(SenderFixture.Get(SenderFixture.Target(server.Port))));
        Assert.Equal("response_refused", (await Assert.ThrowsAsync<UpstreamBodyException>(() => SenderFixture.TextAsync(response))).Code);
    }

    [Theory]
    [InlineData(true, "key [redacted:aws-key]!")]
    [InlineData(false, "key AKIAIOSFODNN7EXAMPLE!")]
    public async Task Other_peoples_secrets_are_replaced_unless_the_integration_wants_them(bool foreign, string expected)
    {
        await using var server = new WireServer(WireServer.Ok("key AKIAIOSFODNN7EXAMPLE!"));
        var target = SenderFixture.Target(server.Port) with { Scrub = new ScrubSettings { Foreign = foreign } };
        Assert.Equal(expected, (await _fixture.AnswerAsync(SenderFixture.Get(target))).Body);
    }

    [Fact]
    public async Task An_answer_that_does_not_begin_in_time_is_given_up_and_one_that_began_has_all_its_time()
    {
        var begun = new TaskCompletionSource();
        await using var server = new WireServer(r => r.StallAsync());
        var target = SenderFixture.Target(server.Port);
        target = target with { Limits = target.Limits with { FirstByteTimeout = TimeSpan.FromSeconds(5) } };
        var sending = _fixture.FailureAsync(SenderFixture.Delete(target));
        await ArrivedAsync(server);
        _fixture.Time.Advance(TimeSpan.FromSeconds(6));
        var failed = await sending;
        Assert.Equal(("upstream_timeout", true), (failed.Code, failed.MayHaveRun));
        Assert.Contains("begin", failed.Sentence);

        server.Answer = async r =>
        {
            await r.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf");
            await begun.Task;
            await r.SendAsync("half");
        };
        await using var response = Assert.IsType<UpstreamResult.Response>(await _fixture.SendAsync(SenderFixture.Get(target)));
        _fixture.Time.Advance(TimeSpan.FromSeconds(20));
        begun.SetResult();
        Assert.Equal("halfhalf", await SenderFixture.TextAsync(response));
    }

    [Fact]
    public async Task An_answer_that_drips_for_ever_ends_when_its_time_is_up()
    {
        await using var server = new WireServer(async r =>
        {
            await r.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            while (true)
            {
                await r.SendAsync("1\r\nx\r\n");
                _fixture.Time.Advance(TimeSpan.FromSeconds(1));
                await Task.Yield();
            }
        });
        await using var response = Assert.IsType<UpstreamResult.Response>(await _fixture.SendAsync(SenderFixture.Get(SenderFixture.Target(server.Port))));
        Assert.Equal("upstream_timeout", (await Assert.ThrowsAsync<UpstreamBodyException>(() => SenderFixture.TextAsync(response))).Code);
    }

    [Fact]
    public async Task A_secret_in_an_answer_is_replaced_also_when_it_arrives_in_pieces()
    {
        await using var server = new WireServer(async r =>
        {
            await r.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            foreach (var c in $"you sent Bearer {SenderFixture.ReadSecret}!")
                await r.SendAsync($"1\r\n{c}\r\n");
            await r.SendAsync("0\r\nX-Trailer: " + SenderFixture.ReadSecret + "\r\n\r\n");
        });
        var (_, body) = await _fixture.AnswerAsync(SenderFixture.Get(SenderFixture.Target(server.Port)));
        Assert.Equal("you sent Bearer [redacted]!", body);
    }

    [Fact]
    public async Task What_arrives_is_passed_on_before_the_answer_ends()
    {
        await using var server = new WireServer(async r =>
        {
            await r.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirst line\n");
            await r.StallAsync();
        });
        await using var response = Assert.IsType<UpstreamResult.Response>(await _fixture.SendAsync(SenderFixture.Get(SenderFixture.Target(server.Port))));
        var buffer = new byte[100];
        var read = await response.Body.ReadAtLeastAsync(buffer, 11);
        Assert.Equal("first line\n", Encoding.ASCII.GetString(buffer, 0, read));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task An_answer_encoded_against_our_wish_is_decoded_and_scrubbed(string encoding)
    {
        await using var server = new WireServer(r => r.SendAsync(Encoded(encoding, $"<{SenderFixture.ReadSecret}>")));
        var (_, body) = await _fixture.AnswerAsync(SenderFixture.Get(SenderFixture.Target(server.Port)));
        Assert.Equal("<[redacted]>", body);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    public async Task A_small_answer_that_grows_beyond_the_limit_when_decoded_is_cut_off(string encoding)
    {
        await using var server = new WireServer(r => r.SendAsync(Encoded(encoding, new string('a', 10_000_000))));
        await using var response = Assert.IsType<UpstreamResult.Response>(await _fixture.SendAsync(SenderFixture.Get(SenderFixture.Target(server.Port))));
        var e = await Assert.ThrowsAsync<UpstreamBodyException>(() => SenderFixture.TextAsync(response));
        Assert.Equal("response_too_large", e.Code);
    }

    [Theory]
    [InlineData("Content-Encoding: zstd\r\n")]
    [InlineData("Content-Encoding: gzip, br\r\n")]
    [InlineData("Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n")]
    [InlineData("Content-Type: text/plain; charset=utf-16\r\n")]
    [InlineData("Content-Type: text/plain; charset=utf-7\r\n")]
    public async Task An_answer_that_cannot_be_looked_into_is_refused(string headers)
    {
        await using var server = new WireServer(WireServer.Ok("anything", headers));
        var failed = await _fixture.FailureAsync(SenderFixture.Get(SenderFixture.Target(server.Port)));
        Assert.Equal("response_refused", failed.Code);
        Assert.True(failed.MayHaveRun);
    }

    [Fact]
    public async Task An_answer_that_is_not_what_its_encoding_says_ends_with_an_error()
    {
        await using var server = new WireServer(WireServer.Ok("this is no gzip", "Content-Encoding: gzip\r\n"));
        await using var response = Assert.IsType<UpstreamResult.Response>(await _fixture.SendAsync(SenderFixture.Get(SenderFixture.Target(server.Port))));
        var e = await Assert.ThrowsAsync<UpstreamBodyException>(() => SenderFixture.TextAsync(response));
        Assert.Equal("response_refused", e.Code);
    }

    [Theory]
    [InlineData(100_000, false)]
    [InlineData(100_001, true)]
    public async Task An_answer_longer_than_the_limit_is_cut_off_with_an_error(int length, bool tooLong)
    {
        await using var server = new WireServer(WireServer.Ok(new string('x', length)));
        await using var response = Assert.IsType<UpstreamResult.Response>(await _fixture.SendAsync(SenderFixture.Get(SenderFixture.Target(server.Port))));
        if (!tooLong)
        {
            Assert.Equal(length, (await SenderFixture.TextAsync(response)).Length);
            return;
        }
        var e = await Assert.ThrowsAsync<UpstreamBodyException>(() => SenderFixture.TextAsync(response));
        Assert.Equal("response_too_large", e.Code);
        await Assert.ThrowsAsync<UpstreamBodyException>(() => SenderFixture.TextAsync(response));   // nor is it taken for an end afterwards
    }

    [Fact]
    public async Task Endless_headers_are_refused()
    {
        await using var server = new WireServer($"HTTP/1.1 200 OK\r\nX: {new string('a', 100_000)}\r\n\r\n");
        Assert.Equal("response_refused", (await _fixture.FailureAsync(SenderFixture.Get(SenderFixture.Target(server.Port)))).Code);
    }

    [Theory]
    [InlineData("not http at all\r\n\r\n")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n")]
    public async Task An_answer_that_breaks_the_rules_is_refused(string answer)
    {
        await using var server = new WireServer(answer);
        var failed = await _fixture.FailureAsync(SenderFixture.Get(SenderFixture.Target(server.Port)));
        Assert.Equal("response_refused", failed.Code);
        Assert.DoesNotContain("not http", failed.Sentence);
    }

    [Fact]
    public async Task An_answer_that_does_not_come_in_time_is_given_up()
    {
        await using var server = new WireServer(r => r.StallAsync());
        var sending = _fixture.FailureAsync(SenderFixture.Delete(SenderFixture.Target(server.Port)));
        await ArrivedAsync(server);
        _fixture.Time.Advance(TimeSpan.FromSeconds(31));
        var failed = await sending;
        Assert.Equal("upstream_timeout", failed.Code);
        Assert.True(failed.MayHaveRun);
    }

    [Fact]
    public async Task A_body_that_does_not_end_in_time_is_cut_off()
    {
        await using var server = new WireServer(async r =>
        {
            await r.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
            await r.StallAsync();
        });
        await using var response = Assert.IsType<UpstreamResult.Response>(await _fixture.SendAsync(SenderFixture.Get(SenderFixture.Target(server.Port))));
        var reading = SenderFixture.TextAsync(response);
        _fixture.Time.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal("upstream_timeout", (await Assert.ThrowsAsync<UpstreamBodyException>(() => reading)).Code);
    }

    [Fact]
    public async Task A_body_that_is_broken_off_ends_with_an_error_not_as_if_it_were_whole()
    {
        await using var server = new WireServer(async r =>
        {
            await r.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
            await r.HangUpAsync();
        });
        await using var response = Assert.IsType<UpstreamResult.Response>(await _fixture.SendAsync(SenderFixture.Get(SenderFixture.Target(server.Port))));
        Assert.Equal("upstream_unreachable", (await Assert.ThrowsAsync<UpstreamBodyException>(() => SenderFixture.TextAsync(response))).Code);
    }

    [Fact]
    public async Task When_nobody_waits_any_more_the_target_is_hung_up_on()
    {
        var gone = new TaskCompletionSource();
        await using var server = new WireServer(async r =>
        {
            await r.StallAsync();
            gone.SetResult();
        });
        using var patience = new CancellationTokenSource();
        var sending = _fixture.SendAsync(SenderFixture.Get(SenderFixture.Target(server.Port)), patience.Token);
        await ArrivedAsync(server);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        await gone.Task.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task A_response_that_is_not_wanted_hangs_up_on_the_target()
    {
        var gone = new TaskCompletionSource();
        await using var server = new WireServer(async r =>
        {
            await r.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
            await r.StallAsync();
            gone.SetResult();
        });
        await Assert.IsType<UpstreamResult.Response>(await _fixture.SendAsync(SenderFixture.Get(SenderFixture.Target(server.Port)))).DisposeAsync();
        await gone.Task.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Failures_are_logged_without_secrets_and_with_the_correlation_id()
    {
        await using var server = new WireServer(WireServer.Ok(SenderFixture.ReadSecret, "", "401 Unauthorized"));
        await _fixture.FailureAsync(SenderFixture.Get(SenderFixture.Target(server.Port)));
        Assert.Contains(_fixture.Logged, l => l.Contains("corr-1", StringComparison.Ordinal));
        Assert.DoesNotContain(_fixture.Logged, l => l.Contains("canary", StringComparison.Ordinal));
    }

    private static async Task ArrivedAsync(WireServer server)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (server.Requests.IsEmpty)
            await Task.Delay(5, limit.Token);
    }

    private static byte[] Encoded(string encoding, string text)
    {
        using var buffer = new MemoryStream();
        using (Stream encoder = encoding switch
        {
            "gzip" => new GZipStream(buffer, CompressionLevel.Fastest, leaveOpen: true),
            "deflate" => new ZLibStream(buffer, CompressionLevel.Fastest, leaveOpen: true),
            _ => new BrotliStream(buffer, CompressionLevel.Fastest, leaveOpen: true),
        })
            encoder.Write(Encoding.UTF8.GetBytes(text));
        var head = string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: {encoding}\r\nContent-Length: {buffer.Length}\r\n\r\n");
        return [.. Encoding.ASCII.GetBytes(head), .. buffer.ToArray()];
    }
}
