using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using IncidentFox.Gateway.AgentDoor.Proxy;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.TestKit;
using Xunit;

namespace IncidentFox.Gateway.Tests.Proxy;

/// <summary>What a hostile program in a sandbox tries at the proxy door. Nothing of it reaches a target.</summary>
public sealed class HostileTunnelTests(TestPostgres postgres)
{
    [Theory]
    [InlineData("alerts.test:443")]          // another team's
    [InlineData("example.com:443")]
    [InlineData("kube.test:443")]            // the right host, another port
    [InlineData("obs.test:6443")]
    [InlineData("kube.test.:6443")]
    [InlineData("xn--kube-.test:6443")]
    [InlineData("127.0.0.1:6443")]
    [InlineData("2130706433:6443")]
    [InlineData("[::1]:6443")]
    [InlineData("[::ffff:127.0.0.1]:6443")]
    [InlineData("169.254.169.254:80")]
    public async Task Other_places_are_refused_in_plain_text_and_audited(string authority)
    {
        await using var world = await ProxyWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenCagedAsync();
        var answer = await ProxyWorld.ConnectAsync(sandbox, authority, "GET /v1/agent/task HTTP/1.1\r\nHost: x\r\n\r\n");
        Assert.Equal((403, "no_rule", "gateway"), (answer.Status, answer.Code, answer.Source));
        Assert.Contains("kube.test:6443, obs.test:443", answer.Message, StringComparison.Ordinal);
        if (!authority.StartsWith("alerts", StringComparison.Ordinal))
            Assert.DoesNotContain("alerts", answer.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("HTTP/1.1", answer.Body, StringComparison.Ordinal);   // what was behind it was not answered
        var row = Assert.Single(await world.RefusedAsync(sandbox, 1));
        Assert.Equal(("no_rule", "CONNECT", authority), ((string)row.Details!["code"]!, (string)row.Details["method"]!, (string)row.Details["authority"]!));
        Assert.Equal("denied", row.Status);
    }

    [Fact]
    public async Task Reaching_for_another_teams_place_is_told_to_people()
    {
        await using var world = await ProxyWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenCagedAsync();
        await ProxyWorld.ConnectAsync(sandbox, "example.com:443");
        await ProxyWorld.ConnectAsync(sandbox, "alerts.test:443");
        IReadOnlyList<Core.Audit.AuditEvent> rows = [];
        for (var i = 0; i < 400 && rows.Count == 0; i++)
        {
            await Task.Delay(25, TestContext.Current.CancellationToken);
            rows = await world.Host.AuditAsync(sandbox.Investigation, Core.Audit.AuditEventTypes.SecurityAlert);
        }
        Assert.Contains("alerts.test:443", Core.Audit.AuditJson.Format(Assert.Single(rows)).ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_in_capitals_is_the_same_name()
    {
        await using var world = await ProxyWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenCagedAsync();
        var answer = await ProxyWorld.GetInsideAsync(sandbox, "KUBE.Test:6443", "/api/v1/nodes", host: "kube.TEST:6443");
        Assert.Equal((200, "upstream"), (answer.Status, answer.Source));
    }

    [Theory]
    [InlineData("CONNECT kube.test:6443 HTTP/1.1\r\n\r\n", 400)]
    [InlineData("CONNECT kube.test:6443 HTTP/1.1\r\nHost: obs.test\r\n\r\n", 400)]
    [InlineData("CONNECT kube.test:6443 HTTP/1.1\r\nHost: kube.test\r\n\r\n", 400)]
    [InlineData("CONNECT kube.test:6443 HTTP/1.1\r\nHost: kube.test:6443\r\nHost: kube.test:6443\r\n\r\n", 400)]
    [InlineData("CONNECT kube.test:6443 HTTP/1.1\nHost: kube.test:6443\r\n\r\n", 400)]
    [InlineData("CONNECT kube.test:6443 HTTP/1.1\r\nHost: kube.test:6443\r\n folded: 1\r\n\r\n", 400)]
    [InlineData("CONNECT kube.test:6443 HTTP/1.1\r\nHost : kube.test:6443\r\n\r\n", 400)]
    [InlineData("CONNECT kube.test:6443 HTTP/1.1\r\nHost: kube.test:6443\r\nContent-Length: 5\r\n\r\nhello", 400)]
    [InlineData("CONNECT kube.test:6443 HTTP/1.1\r\nHost: kube.test:6443\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400)]
    [InlineData("CONNECT kube.test:6443 HTTP/1.1\r\nHost: kube.test:6443\r\nUpgrade: h2c\r\n\r\n", 400)]
    [InlineData("CONNECT kube.test:6443 HTTP/1.1\r\nHost: kube.test:6443\r\nProxy-Authorization: Basic YTpi\r\n\r\n", 400)]
    [InlineData("CONNECT kube.test:6443 HTTP/1.1\r\nHost: kube.test:6443\r\nX: \u0000\r\n\r\n", 400)]
    [InlineData("CONNECT kube.test HTTP/1.1\r\nHost: kube.test\r\n\r\n", 400)]
    [InlineData("CONNECT kube.test:06443 HTTP/1.1\r\nHost: kube.test:06443\r\n\r\n", 400)]
    [InlineData("CONNECT kube.test:0 HTTP/1.1\r\nHost: kube.test:0\r\n\r\n", 400)]
    [InlineData("CONNECT kube.test:70000 HTTP/1.1\r\nHost: kube.test:70000\r\n\r\n", 400)]
    [InlineData("CONNECT kube.test:+443 HTTP/1.1\r\nHost: kube.test:+443\r\n\r\n", 400)]
    [InlineData("CONNECT k\u00fcbe.test:6443 HTTP/1.1\r\nHost: k\u00fcbe.test:6443\r\n\r\n", 400)]
    [InlineData("CONNECT user@kube.test:6443 HTTP/1.1\r\nHost: user@kube.test:6443\r\n\r\n", 400)]
    [InlineData("CONNECT https://kube.test:6443 HTTP/1.1\r\nHost: kube.test:6443\r\n\r\n", 400)]
    [InlineData("CONNECT kube.test:6443/api HTTP/1.1\r\nHost: kube.test:6443/api\r\n\r\n", 400)]
    [InlineData("CONNECT  kube.test:6443 HTTP/1.1\r\nHost: kube.test:6443\r\n\r\n", 400)]
    [InlineData("CONNECT kube.test:6443 HTTP/2.0\r\nHost: kube.test:6443\r\n\r\n", 505)]
    public async Task A_CONNECT_that_could_mean_two_things_is_refused_and_nothing_behind_it_is_read(string bytes, int status)
    {
        await using var world = await ProxyWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenCagedAsync();
        var answer = await sandbox.RawAsync(bytes + "GET /v1/agent/task HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        Assert.Equal((status, "bad_request"), (answer.Status, answer.Code));
        Assert.DoesNotContain("HTTP/1.1 200", answer.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_CONNECT_whose_head_never_ends_is_refused()
    {
        await using var world = await ProxyWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenCagedAsync();
        var answer = await sandbox.RawAsync("CONNECT kube.test:6443 HTTP/1.1\r\nHost: kube.test:6443\r\nX: " + new string('x', 20_000));
        Assert.Equal(431, answer.Status);
    }

    [Fact]
    public async Task An_old_CONNECT_opens_a_tunnel_too_but_old_HTTP_is_not_spoken_in_it()
    {
        await using var world = await ProxyWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenCagedAsync();
        using (var socket = await sandbox.ConnectAsync())
        {
            await socket.SendAsync("CONNECT kube.test:6443 HTTP/1.0\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
            var buffer = new byte[100];
            var read = await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken);
            Assert.StartsWith("HTTP/1.1 200", Encoding.ASCII.GetString(buffer, 0, read), StringComparison.Ordinal);
        }
        var answer = await ProxyWorld.RawInsideAsync(sandbox, "kube.test:6443", "GET /api/v1/nodes HTTP/1.0\r\nHost: kube.test:6443\r\n\r\n");
        Assert.Equal((400, "bad_request"), (answer.Status, answer.Code));
        Assert.Empty(world.Host.Sender.Sent);
    }

    [Theory]
    [InlineData("GET /v1/agent/task HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]
    [InlineData("\0\0\0\0\0\0\0\0")]
    public async Task What_is_not_TLS_in_a_tunnel_is_closed_without_an_answer_and_audited(string bytes)
    {
        await using var world = await ProxyWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenCagedAsync();
        // At once, as if the CONNECT had been a request like any other.
        var answer = await ProxyWorld.ConnectAsync(sandbox, "kube.test:6443", bytes);
        Assert.Equal((200, ""), (answer.Status, answer.Body));
        Assert.Equal("not_tls", await world.RefusalCodeAsync(sandbox));
        Assert.Empty(world.Host.Sender.Sent);
    }

    [Theory]
    [InlineData("obs.test")]
    [InlineData("alerts.test")]
    [InlineData("kube.test.evil.example")]
    [InlineData("")]
    public async Task Another_name_in_the_handshake_ends_it(string serverName)
    {
        await using var world = await ProxyWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenCagedAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => ProxyWorld.SecureAsync(sandbox, "kube.test:6443", serverName));
        Assert.Equal("server_name_mismatch", await world.RefusalCodeAsync(sandbox));
    }

    [Theory]
    [InlineData("obs.test")]
    [InlineData("obs.test:443")]
    [InlineData("kube.test")]
    [InlineData("kube.test:443")]
    [InlineData("alerts.test")]
    public async Task Another_Host_in_the_tunnel_is_refused(string host)
    {
        await using var world = await ProxyWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenCagedAsync();
        var answer = await ProxyWorld.GetInsideAsync(sandbox, "kube.test:6443", "/api/v1/nodes", host);
        Assert.Equal((400, "bad_request"), (answer.Status, answer.Code));
        Assert.Equal(400, await Http2Bytes.AskAsync(sandbox, "kube.test:6443", (":method", "GET"), (":scheme", "https"), (":authority", host), (":path", "/api/v1/nodes")));
        Assert.Equal(2, (await world.RefusedAsync(sandbox, 2)).Count);
        Assert.Empty(world.Host.Sender.Sent);
    }

    [Fact]
    public async Task HTTP_2_is_read_as_strictly()
    {
        await using var world = await ProxyWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenCagedAsync();
        (string, string)[] good = [(":method", "GET"), (":scheme", "https"), (":authority", "kube.test:6443"), (":path", "/api/v1/nodes")];
        Assert.Equal(200, await Http2Bytes.AskAsync(sandbox, "kube.test:6443", good));
        (string, string)[][] bad =
        [
            [.. good, ("host", "alerts.test")],
            [(":method", "GET"), (":scheme", "https"), (":path", "/api/v1/nodes"), ("host", "alerts.test")],
            [(":method", "GET"), (":scheme", "https"), (":path", "/api/v1/nodes")],
            [(":method", "GET"), (":scheme", "http"), .. good[2..]],
            [(":method", "CONNECT"), (":authority", "kube.test:6443")],
            [(":method", "CONNECT"), (":protocol", "websocket"), .. good[1..]],
            [.. good[..3], (":path", "https://kube.test:6443/api/v1/nodes")],
            [.. good[..3], (":path", "/api/v1/%6eodes")],
            [.. good[..3], (":path", "*")],
            [.. good, ("te", "trailers")],
            [.. good, ("connection", "close")],
            [.. good, ("transfer-encoding", "chunked")],
            [.. good, ("authorization", "Bearer x")],
            [.. good, ("x-http-method-override", "DELETE")],
            [.. good, ("Accept", "x")],
            [.. good, (":path", "/api/v1/pods")],
        ];
        var sent = world.Host.Sender.Sent.Count;
        foreach (var headers in bad)
        {
            var status = await Http2Bytes.AskAsync(sandbox, "kube.test:6443", headers);
            var isHarmless = headers.Contains(("host", "alerts.test")) && headers.Length == 5;   // :authority decides, and Host is passed on to nobody
            Assert.True(status is 0 or 400 or 403 || (isHarmless && status == 200), $"{status}: {string.Join(", ", headers)}");
            sent += status == 200 ? 1 : 0;
        }
        Assert.Equal(sent, world.Host.Sender.Sent.Count);
        Assert.All(world.Host.Sender.Sent, s => Assert.Equal("https://kube.test:6443", s.Request.Integration.Origin));
    }

    [Theory]
    [InlineData("GET /api/v1/nodes HTTP/1.1\r\nHost: kube.test:6443\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /api/v1/pods HTTP/1.1\r\nHost: kube.test:6443\r\n\r\n")]
    [InlineData("GET /api/v1/nodes HTTP/1.1\r\nHost: kube.test:6443\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\nGET /api/v1/pods HTTP/1.1\r\nHost: kube.test:6443\r\n\r\n")]
    [InlineData("GET /api/v1/nodes HTTP/1.1\r\nHost: kube.test:6443\r\nTransfer-Encoding: xchunked\r\n\r\n")]
    [InlineData("GET /api/v1/nodes HTTP/1.1\r\nHost: kube.test:6443\r\nHost: kube.test:6443\r\n\r\n")]
    [InlineData("GET /api/v1/nodes HTTP/1.1\r\nHost: kube.test:6443\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")]
    [InlineData("GET /api/v1/nodes HTTP/1.1\r\nHost: kube.test:6443\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n")]
    [InlineData("GET https://kube.test:6443/api/v1/nodes HTTP/1.1\r\nHost: kube.test:6443\r\nConnection: close\r\n\r\n")]
    [InlineData("GET https://alerts.test/api/v2/alerts HTTP/1.1\r\nHost: alerts.test\r\nConnection: close\r\n\r\n")]
    [InlineData("CONNECT kube.test:6443 HTTP/1.1\r\nHost: kube.test:6443\r\nConnection: close\r\n\r\n")]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: kube.test:6443\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /api/v1/nodes HTTP/1.1\r\nHost: kube.test:6443\r\nConnection: close\r\nAuthorization: Bearer x\r\n\r\n")]
    [InlineData("GET /api/v1/nodes HTTP/1.1\r\nHost: kube.test:6443\r\nConnection: close\r\nX-HTTP-Method-Override: DELETE\r\n\r\n")]
    [InlineData("GET /api/v1/nodes HTTP/1.1\r\nHost: kube.test:6443\r\nConnection: close\r\nContent-Encoding: gzip\r\n\r\n")]
    [InlineData("POST /api/v1/nodes HTTP/1.1\r\nHost: kube.test:6443\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHost: x\r\n\r\n")]
    [InlineData("GET /api/v1/%6eodes HTTP/1.1\r\nHost: kube.test:6443\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /api/v1/namespaces/shop/secrets HTTP/1.1\r\nHost: kube.test:6443\r\nConnection: close\r\n\r\n")]
    public async Task Requests_in_a_tunnel_are_read_as_strictly_as_at_the_other_doors(string bytes)
    {
        await using var world = await ProxyWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenCagedAsync();
        var answer = await ProxyWorld.RawInsideAsync(sandbox, "kube.test:6443", bytes);
        Assert.True(answer.Status is 400 or 403 or 405, $"{answer.Status} {answer.Body}");
        Assert.Empty(world.Host.Sender.Sent);
    }

    [Fact]
    public async Task What_is_not_HTTP_inside_TLS_is_closed_and_audited()
    {
        await using var world = await ProxyWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenCagedAsync();
        var answer = await ProxyWorld.RawInsideAsync(sandbox, "kube.test:6443", "EHLO kube.test\r\nMAIL FROM:<a@b>\r\n\r\n");
        Assert.True(answer.Status is 0 or 400 or 505, answer.Body);
        Assert.Equal("not_http", await world.RefusalCodeAsync(sandbox));
    }

    [Fact]
    public async Task A_client_that_only_connects_has_done_nothing_wrong()
    {
        await using var world = await ProxyWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenCagedAsync();
        await using (await ProxyWorld.SecureAsync(sandbox, "kube.test:6443"))
        {
            // Nothing is said.
        }
        await (await ProxyWorld.TunnelAsync(sandbox, "kube.test:6443")).DisposeAsync();
        Assert.Equal(200, (await ProxyWorld.GetInsideAsync(sandbox, "kube.test:6443", "/api/v1/nodes")).Status);
        Assert.Empty(await world.Host.AuditAsync(sandbox.Investigation, Core.Audit.AuditEventTypes.ToolRefused));
    }

    [Fact]
    public async Task TLS_before_1_2_is_refused()
    {
        await using var world = await ProxyWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenCagedAsync();
        foreach (var minor in new byte[] { 1, 2 })   // 1.0 and 1.1
        {
            await using var tunnel = await ProxyWorld.TunnelAsync(sandbox, "kube.test:6443");
            await tunnel.WriteAsync(ClientHello(minor, "kube.test"), TestContext.Current.CancellationToken);
            using var answer = new MemoryStream();
            await tunnel.CopyToAsync(answer, TestContext.Current.CancellationToken);
            // Nothing, or an alert (21) and no handshake (22).
            Assert.True(answer.Length == 0 || answer.ToArray()[0] == 21, Convert.ToHexString(answer.ToArray()));
        }
        Assert.All(await world.RefusedAsync(sandbox, 2), r => Assert.Equal("tls_failed", (string)r.Details!["code"]!));
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 22 })]
    [InlineData(new byte[] { 22, 3, 1, 2, 0, 1 })]
    public async Task Who_is_slow_in_the_handshake_is_cut_off(byte[] bytes)
    {
        await using var world = await ProxyWorld.StartAsync(postgres, handshakeSeconds: 1);
        var sandbox = await world.Host.OpenCagedAsync();
        await using var tunnel = await ProxyWorld.TunnelAsync(sandbox, "kube.test:6443");
        await tunnel.WriteAsync(bytes, TestContext.Current.CancellationToken);
        var read = await tunnel.ReadAsync(new byte[1], TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.Equal(0, read);
    }

    [Fact]
    public async Task Thousands_of_CONNECTs_cost_no_more_than_their_refusal()
    {
        await using var world = await ProxyWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenCagedAsync();
        var statuses = new System.Collections.Concurrent.ConcurrentBag<int>();
        await Parallel.ForEachAsync(Enumerable.Range(0, 2_000), new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = TestContext.Current.CancellationToken }, async (i, _) =>
        {
            try
            {
                statuses.Add((await ProxyWorld.ConnectAsync(sandbox, $"h{i}.test:443")).Status);
            }
            catch (SocketException)
            {
                statuses.Add(0);   // more connections at once than a sandbox may have
            }
        });
        Assert.All(statuses, s => Assert.Contains(s, new[] { 0, 403, 429 }));
        Assert.Equal(2_000, statuses.Count);
        var rows = await world.RefusedAsync(sandbox, ProxyTrail.MostRows);
        Assert.Equal(ProxyTrail.MostRows, rows.Count);
        Assert.Single(rows, r => r.Details!["last_row"] is not null);
        // And the door is open for what is right.
        Assert.Equal(200, (await ProxyWorld.GetInsideAsync(sandbox, "kube.test:6443", "/api/v1/nodes")).Status);
    }

    [Fact]
    public async Task Closing_a_sandboxes_door_closes_its_tunnels()
    {
        await using var world = await ProxyWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenCagedAsync();
        await using var secure = await ProxyWorld.SecureAsync(sandbox, "kube.test:6443");
        var folder = Path.GetDirectoryName(sandbox.SocketPath)!;
        await world.Host.Door.CloseAsync(sandbox.Id, TestContext.Current.CancellationToken);
        Assert.False(Directory.Exists(folder));
        try
        {
            Assert.Equal(0, await secure.ReadAsync(new byte[1], TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
        }
        catch (IOException)
        {
            // Cut off.
        }
    }

    // As a client of old would write it (RFC 4346, 7.4.1.2), with two cipher suites and the server's name.
    private static byte[] ClientHello(byte minor, string name)
    {
        var host = Encoding.ASCII.GetBytes(name);
        byte[] extension = [0, 0, 0, (byte)(host.Length + 5), 0, (byte)(host.Length + 3), 0, 0, (byte)host.Length, .. host];
        byte[] body = [3, minor, .. new byte[32], 0, 0, 4, 0xC0, 0x09, 0xC0, 0x0A, 1, 0, 0, (byte)extension.Length, .. extension];
        byte[] handshake = [1, 0, 0, (byte)body.Length, .. body];
        return [22, 3, 1, 0, (byte)handshake.Length, .. handshake];
    }
}
