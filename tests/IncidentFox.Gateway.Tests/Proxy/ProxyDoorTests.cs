using System.Net;
using System.Net.Security;
using System.Text.Json.Nodes;
using IncidentFox.Contracts;
using IncidentFox.Core.Audit;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.TestKit;
using Xunit;

namespace IncidentFox.Gateway.Tests.Proxy;

/// <summary>What the proxy door lets through, and that it is the same call as through the other doors.</summary>
public sealed class ProxyDoorTests(TestPostgres postgres)
{
    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task A_request_through_the_proxy_is_the_same_call_as_through_the_base_URL(string version)
    {
        await using var world = await ProxyWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenCagedAsync();
        await using var relay = new TestRelay(sandbox);
        using var client = ProxyWorld.Client(sandbox, relay, Version.Parse(version));

        using var answer = await client.GetAsync(new Uri("https://kube.test:6443/api/v1/namespaces/shop/pods?labelSelector=app%3Dcheckout"), TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.OK, Version.Parse(version)), (answer.StatusCode, answer.Version));
        Assert.Equal("upstream", answer.Headers.GetValues(Protocol.SourceHeader).Single());
        Assert.Equal("""{"items":[{"a":1},{"b":[1,2]}]}""", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        await sandbox.SendAsync("GET", "/i/kubernetes/api/v1/namespaces/shop/pods?labelSelector=app%3Dcheckout");

        var sent = world.Host.Sender.Sent.ToArray();
        Assert.Equal(2, sent.Length);
        Assert.Equal(sent[1].Request.PathAndQuery, sent[0].Request.PathAndQuery);
        Assert.True(JsonNode.DeepEquals(sent[1].Request.Call.Parameters, sent[0].Request.Call.Parameters));
        Assert.Equal(sent[1].Request.Call.Tool, sent[0].Request.Call.Tool);
        var rows = await world.Host.AuditAsync(sandbox.Investigation, AuditEventTypes.ToolRequested);
        Assert.Equal(["list_pods", "list_pods"], rows.Select(r => r.Tool));
        Assert.Empty(await world.Host.AuditAsync(sandbox.Investigation, AuditEventTypes.ToolRefused));
    }

    [Fact]
    public async Task Integrations_below_a_path_are_reached_below_it_and_nowhere_else()
    {
        await using var world = await ProxyWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenCagedAsync();
        var inside = await ProxyWorld.GetInsideAsync(sandbox, "obs.test:443", "/prom/api/v1/query?query=up", host: "OBS.test");
        Assert.Equal((200, "upstream"), (inside.Status, inside.Source));
        Assert.Equal("/prom/api/v1/query?query=up", world.Host.Sender.Sent.Single().Request.PathAndQuery);
        foreach (var path in new[] { "/api/v1/query?query=up", "/promx/api/v1/query?query=up", "/Prom/api/v1/query?query=up", "/prom/../prom/api/v1/query?query=up", "//prom/api/v1/query?query=up" })
        {
            var answer = await ProxyWorld.GetInsideAsync(sandbox, "obs.test:443", path);
            Assert.True(answer is { Status: 400 or 403 }, $"{path}: {answer.Status} {answer.Body}");
        }
        Assert.Single(world.Host.Sender.Sent);
    }

    [Fact]
    public async Task A_write_through_the_proxy_waits_for_people()
    {
        await using var world = await ProxyWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenCagedAsync();
        await using var relay = new TestRelay(sandbox);
        using var client = ProxyWorld.Client(sandbox, relay, HttpVersion.Version20);
        using var request = new HttpRequestMessage(HttpMethod.Delete, "https://kube.test:6443/api/v1/namespaces/shop/pods/checkout-1");
        request.Headers.Add(Protocol.ReasonHeader, "It hangs.");
        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        var body = JsonNode.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
        Assert.StartsWith("apr_", (string)body["approval_id"]!, StringComparison.Ordinal);
        Assert.Equal("It hangs.", world.Host.Preparer.LastReason);
        Assert.Empty(world.Host.Sender.Sent);
    }

    [Fact]
    public async Task Inside_a_tunnel_there_is_no_agents_door()
    {
        await using var world = await ProxyWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenCagedAsync();
        foreach (var path in new[] { Protocol.TaskPath, Protocol.ToolsPath, "/i/prometheus/api/v1/query?query=up" })
        {
            var answer = await ProxyWorld.GetInsideAsync(sandbox, "kube.test:6443", path);
            Assert.Equal((403, "no_rule"), (answer.Status, answer.Code));
        }
        Assert.Empty(world.Host.Sender.Sent);
    }

    [Fact]
    public async Task The_other_doors_stay_as_they_are_beside_it()
    {
        await using var world = await ProxyWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenCagedAsync();
        Assert.Equal(200, (await sandbox.CallAsync("list_nodes", "{}")).Status);
        Assert.Equal(200, (await sandbox.SendAsync("GET", Protocol.TaskPath)).Status);
        // As slow a client as it gets before the first line is clear.
        using var socket = await sandbox.ConnectAsync();
        foreach (var piece in new[] { "C", "O", "PY / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" })
        {
            await socket.SendAsync(System.Text.Encoding.ASCII.GetBytes(piece), TestContext.Current.CancellationToken);
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
        var buffer = new byte[1_024];
        var read = await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken);
        Assert.StartsWith("HTTP/1.1 404", System.Text.Encoding.ASCII.GetString(buffer, 0, read), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_request_in_a_tunnel_is_judged_anew()
    {
        await using var world = await ProxyWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenCagedAsync();
        await using var secure = await ProxyWorld.SecureAsync(sandbox, "kube.test:6443");
        await sandbox.StopAsync();
        await secure.WriteAsync("GET /api/v1/nodes HTTP/1.1\r\nHost: kube.test:6443\r\nConnection: close\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        using var all = new MemoryStream();
        await secure.CopyToAsync(all, TestContext.Current.CancellationToken);
        var answer = Answer.Parse(all.ToArray());
        Assert.Equal((403, "session_over"), (answer.Status, answer.Code));
        var late = await ProxyWorld.ConnectAsync(sandbox, "unknown.test:443");
        Assert.Equal((403, "session_over"), (late.Status, late.Code));
        Assert.Empty(world.Host.Sender.Sent);
    }

    [Fact]
    public async Task It_is_shut_unless_it_is_opened_and_says_what_to_use_instead()
    {
        await using var world = await ProxyWorld.StartAsync(postgres, enabled: false);
        var sandbox = await world.Host.OpenCagedAsync();
        var connect = await ProxyWorld.ConnectAsync(sandbox, "kube.test:6443");
        Assert.Equal(405, connect.Status);
        Assert.Contains("/i/{integration}/", connect.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(ProxyWorld.CaFile(sandbox)));
        Assert.False(File.Exists(world.AuthorityFile));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Plain_http_is_not_proxied(bool enabled)
    {
        await using var world = await ProxyWorld.StartAsync(postgres, enabled);
        var sandbox = await world.Host.OpenCagedAsync();
        var answer = await sandbox.RawAsync("GET http://kube.test:6443/api/v1/nodes HTTP/1.1\r\nHost: kube.test:6443\r\n\r\nGET /v1/agent/task HTTP/1.1\r\nHost: x\r\n\r\n");
        Assert.Equal((400, "bad_request"), (answer.Status, answer.Code));
        Assert.Contains("use https", answer.Message, StringComparison.Ordinal);
        Assert.Empty(world.Host.Sender.Sent);
    }

    [Fact]
    public async Task Nothing_is_proxied_before_the_cage_was_shown()
    {
        await using var world = await ProxyWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenAsync();
        var answer = await ProxyWorld.ConnectAsync(sandbox, "kube.test:6443");
        Assert.Equal((403, "not_caged"), (answer.Status, answer.Code));
    }

    [Fact]
    public async Task Both_versions_of_HTTP_are_offered_by_name_and_no_other_protocol()
    {
        await using var world = await ProxyWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenCagedAsync();
        foreach (var protocol in new[] { SslApplicationProtocol.Http2, SslApplicationProtocol.Http11 })
        {
            await using var secure = await ProxyWorld.SecureAsync(sandbox, "kube.test:6443", alpn: protocol);
            Assert.Equal(protocol, secure.NegotiatedApplicationProtocol);
        }
        await Assert.ThrowsAnyAsync<Exception>(() => ProxyWorld.SecureAsync(sandbox, "kube.test:6443", alpn: new SslApplicationProtocol("ssh")));
        Assert.Equal("tls_failed", await world.RefusalCodeAsync(sandbox));
    }
}
