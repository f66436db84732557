using System.Net;
using System.Text;
using IncidentFox.Contracts;
using IncidentFox.Core.Audit;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.TestKit;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace IncidentFox.Gateway.Tests.HostileAgent;

/// <summary>An agent that wants a request to mean something else than what was checked.</summary>
public sealed class RequestAttackTests(TestPostgres postgres)
{
    [Fact]
    public async Task A_tool_that_is_not_listed_can_not_be_called_by_its_name_or_by_its_request()
    {
        await using var world = await HostileWorld.StartAsync(postgres, """{"tools":{"list_nodes":{"enabled":false}}}""");
        var hostile = await world.Host.OpenCagedAsync();
        Assert.DoesNotContain("\"list_nodes\"", (await hostile.SendAsync("GET", Protocol.ToolsPath)).Body, StringComparison.Ordinal);
        Assert.Equal((403, "denied"), await hostile.CallAsync("list_nodes", "{}") is var a ? (a.Status, a.Code) : default);
        Assert.Equal((403, "denied"), await hostile.SendAsync("GET", "/i/kubernetes/api/v1/nodes") is var b ? (b.Status, b.Code) : default);
        foreach (var name in new[] { "LIST_NODES", "list_nodes%00", "list%5Fnodes", "list_nodes/", "./list_nodes" })
            Assert.True((await hostile.CallAsync(name, "{}")).Status is 400 or 403, name);
        world.NothingWasSent();
        Assert.All(await world.Host.AuditAsync(hostile.Investigation, AuditEventTypes.ToolRefused), r => Assert.Equal("denied", r.Status));
    }

    private static readonly string[] Paths =
    [
        "/api/v1/namespaces/shop/pods/../secrets",
        "/api/v1/namespaces/shop/pods/%2e%2e/secrets",
        "/api/v1/namespaces/shop/pods/..%2fsecrets",
        "/api/v1/namespaces/shop/pods/%252e%252e%252fsecrets",
        "/api/v1/namespaces/shop%2Fsecrets/pods",
        "/api/v1/namespaces/shop\\pods",
        "/api/v1/namespaces/shop/pods;x=1",
        "/api/v1//namespaces/shop/pods",
        "/api/v1/namespaces/shop/pods/",
        "/api/v1/namespaces/shop/pods#/api/v1/secrets",
        "/api/v1/namespaces/%c0%ae%c0%ae/pods",
        "/api/v1/namespaces/shop/pods/x/proxy/metadata",
        "/api/v1/namespaces/shop/services/http:x:80/proxy/",
        "/api/v1/nodes/n1/proxy/pods",
        "/api/v1/namespaces/shop/serviceaccounts/default/token",
        "/API/v1/nodes",
        "/api/v1/secrets",
        "@payments/payments",
    ];

    [Fact]
    public async Task A_path_that_two_servers_could_read_in_two_ways_or_that_no_rule_names_goes_nowhere()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var hostile = await world.Host.OpenCagedAsync();
        foreach (var path in Paths)
        {
            var answer = await hostile.SendAsync("GET", "/i/kubernetes" + path);
            Assert.True(answer.Status is 400 or 403 or 404, $"{path}: {answer.Status} {answer.Body}");
        }
        world.NothingWasSent();
        Assert.Equal(200, (await hostile.CallAsync("list_nodes", "{}")).Status);
    }

    private static readonly string[] Queries =
    [
        "?labelSelector=a&labelSelector=b",
        "?labelSelector=a&labelselector=b",
        "?label%53elector=a",
        "?watch=true",
        "?fieldManager=x&dryRun=All",
        "?labelSelector=a%00b",
        "?labelSelector=a%0d%0aX-Evil:%201",
        "?=x",
        "??labelSelector=a",
        "?labelSelector[]=a",
        "?labelSelector=%ff",
    ];

    [Fact]
    public async Task A_query_that_no_rule_knows_or_that_says_a_key_twice_goes_nowhere()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var hostile = await world.Host.OpenCagedAsync();
        foreach (var query in Queries)
        {
            var answer = await hostile.SendAsync("GET", "/i/kubernetes/api/v1/namespaces/shop/pods" + query);
            Assert.True(answer.Status is 400 or 403, $"{query}: {answer.Status} {answer.Body}");
        }
        world.NothingWasSent();
        Assert.Equal(Queries.Length, (await world.Host.AuditAsync(hostile.Investigation, AuditEventTypes.ToolRefused)).Count);
    }

    private static readonly string[] Bodies =
    [
        """{"filter":"a","filter":"b"}""",
        """{"filter":"a","size":10,"size":9999}""",
        """{"filter":"a","size":9999}""",
        """{"filter":"a","script":"rm -rf"}""",
        """{"filter":{"a":1}}""",
        """{"filter":"a"} {"filter":"b"}""",
        """[{"filter":"a"}]""",
        """{"filter":"\ud800"}""",
        """{"filter":"a\u0000"}""",
        "filter=a",
        """{"filter":"a",}""",
        """/* x */{"filter":"a"}""",
    ];

    [Fact]
    public async Task A_body_that_holds_more_or_other_than_its_rule_goes_nowhere()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var hostile = await world.Host.OpenCagedAsync();
        foreach (var body in Bodies)
        {
            var answer = await hostile.SendAsync("POST", "/i/shop/ask", body, "Content-Type: application/json");
            Assert.True(answer.Status is 400 or 403, $"{body}: {answer.Status} {answer.Body}");
        }
        world.NothingWasSent();
        Assert.Equal(200, (await hostile.CallAsync("ask", """{"filter":"a"}""")).Status);
        Assert.Equal("""{"filter":"a","size":10}""", Assert.Single(world.Upstream.Seen).Body);
    }

    private static readonly string[] Smuggled =
    [
        "POST /tools/list_nodes HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /i/kubernetes/api/v1/nodes HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /tools/list_nodes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\nGET /i/kubernetes/api/v1/nodes HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /tools/list_nodes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\nGET /i/kubernetes/api/v1/nodes HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /tools/list_nodes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\nGET /i/kubernetes/api/v1/nodes HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /tools/list_nodes HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\nGET /i/kubernetes/api/v1/nodes HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /tools/list_nodes HTTP/1.1\r\nHost: x\r\nContent-Length : 0\r\n\r\nGET /i/kubernetes/api/v1/nodes HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /tools/list_nodes HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\nGET /i/kubernetes/api/v1/nodes HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /tools/list_nodes HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\nGET /i/kubernetes/api/v1/nodes HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /tools/list_nodes HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\nGET /i/kubernetes/api/v1/nodes HTTP/1.1\r\nHost: x\r\n\r\n",
    ];

    [Fact]
    public async Task A_request_that_is_smuggled_behind_ambiguous_framing_is_never_answered()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var (hostile, neighbour) = (await world.Host.OpenCagedAsync(), await world.Host.OpenCagedAsync());
        foreach (var raw in Smuggled)
        {
            var answer = await hostile.RawAsync(raw);
            Assert.True(answer.Status is >= 400 and not 500, $"{answer.Status} for {raw}");
            Assert.DoesNotContain("HTTP/1.1 200", answer.Body, StringComparison.Ordinal);
        }
        world.NothingWasSent();
        await world.NeighbourWorksAsync(neighbour);
    }

    private static readonly string[] OwnHeaders =
    [
        "Authorization: Bearer x",
        "Proxy-Authorization: Basic x",
        "Cookie: session=1",
        "X-HTTP-Method-Override: DELETE",
        "X-Original-URL: /api/v1/secrets",
        "X-Forwarded-Host: evil.example",
        "X-Api-Key: 1",
        "Range: bytes=0-1",
    ];

    [Fact]
    public async Task A_header_of_the_agents_own_never_reaches_a_target()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var hostile = await world.Host.OpenCagedAsync();
        foreach (var header in OwnHeaders)
            Assert.True((await hostile.SendAsync("GET", "/i/kubernetes/api/v1/nodes", null, header)).Status is 400 or 403, header);
        world.NothingWasSent();
        // At the tools' door headers mean nothing, or are refused: either way nothing of them is sent.
        foreach (var header in OwnHeaders)
            await hostile.SendAsync("POST", "/tools/list_nodes", TestSandbox.ToolRequest("{}"), header);
        var names = OwnHeaders.Select(h => h.Split(':')[0]).Where(n => n != "Authorization").ToList();
        Assert.All(world.Upstream.Seen, s => Assert.DoesNotContain(names, n => s.Headers.ContainsKey(n)));
        Assert.All(world.Upstream.Seen, s => Assert.Equal($"Bearer {HostileWorld.ReadSecret}", s.Authorization));
    }

    [Fact]
    public async Task A_host_of_the_agents_own_changes_neither_where_it_goes_nor_what_is_said()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var hostile = await world.Host.OpenCagedAsync();
        var answer = await hostile.RawAsync("GET /i/kubernetes/api/v1/nodes HTTP/1.1\r\nHost: 169.254.169.254\r\nConnection: close\r\n\r\n");
        Assert.Equal(200, answer.Status);
        Assert.Equal($"127.0.0.1:{world.Upstream.Kubernetes}", Assert.Single(world.Upstream.Seen).Headers["Host"]);
        Assert.DoesNotContain(world.Resolved, n => n.Contains("169", StringComparison.Ordinal));
    }

    private static readonly string[] Addresses =
    [
        "http://169.254.169.254/latest/meta-data/",
        "//evil.example/x",
        "@evil.example",
        "x@evil.example:80",
        "a?b=c#d",
        "a\r\nHost: evil.example",
        "a&q=b",
        "../../../etc/passwd",
    ];

    [Fact]
    public async Task A_parameter_that_is_an_address_stays_a_parameter()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var hostile = await world.Host.OpenCagedAsync();
        foreach (var value in Addresses)
        {
            world.Upstream.Seen.Clear();
            var json = System.Text.Json.JsonSerializer.Serialize(value);
            Assert.True((await hostile.CallAsync("search", $$"""{"q":{{json}}}""")).Status is 200 or 400);
            Assert.True((await hostile.CallAsync("get_item", $$"""{"item":{{json}}}""")).Status is 200 or 400);
            // Whatever was sent went to the shop, below its path, with the value in one place.
            Assert.All(world.Upstream.Seen, s =>
            {
                Assert.Equal(world.Upstream.Shop, s.Port);
                Assert.Equal($"127.0.0.1:{world.Upstream.Shop}", s.Headers["Host"]);
                Assert.Matches(@"^/api/(search\?q=[A-Za-z0-9%._~-]*|items/[A-Za-z0-9%._~-]+)$", s.Target);
                Assert.Equal(value, Uri.UnescapeDataString(s.Target[(s.Target.StartsWith("/api/search", StringComparison.Ordinal) ? "/api/search?q=".Length : "/api/items/".Length)..]));
            });
        }
        Assert.All(world.Resolved, n => Assert.Equal("127.0.0.1", n));
    }

    private static readonly string[] Forbidden =
    [
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "fd00:ec2::254",
        "10.0.0.1",
        "0.0.0.0",
    ];

    [Fact]
    public async Task A_name_that_turns_into_the_metadata_service_or_a_private_address_is_not_connected_to()
    {
        await using var world = await HostileWorld.StartAsync(postgres, shopHost: "shop.example");
        var hostile = await world.Host.OpenCagedAsync();
        // Every connection is a new one, and its name is asked for again.
        world.Upstream.Answer = async http =>
        {
            http.Response.Headers.Connection = "close";
            await http.Response.WriteAsync("{}");
        };
        foreach (var address in Forbidden)
        {
            world.Names = _ => [IPAddress.Loopback];
            Assert.Equal(200, (await hostile.CallAsync("search", """{"q":"a"}""")).Status);
            world.Names = _ => [IPAddress.Parse(address)];
            var answer = await hostile.CallAsync("search", """{"q":"b"}""");
            Assert.Equal((502, "address_refused"), (answer.Status, answer.Code));
            HostileWorld.NoSecretIn(answer.Body);
        }
        Assert.Equal(Forbidden.Length, world.Upstream.Seen.Count);
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task A_redirect_is_not_followed_and_its_address_is_not_told(int status)
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var hostile = await world.Host.OpenCagedAsync();
        world.Upstream.Answer = http =>
        {
            http.Response.StatusCode = status;
            http.Response.Headers.Location = $"http://127.0.0.1:{world.Upstream.Payments}/payments?token={HostileWorld.ReadSecret}";
            http.Response.Headers.SetCookie = "session=1";
            return Task.CompletedTask;
        };
        var answer = await hostile.CallAsync("list_nodes", "{}");
        Assert.Equal(status, answer.Status);
        Assert.DoesNotContain("Location", answer.Headers.Keys, StringComparer.OrdinalIgnoreCase);
        Assert.DoesNotContain("Set-Cookie", answer.Headers.Keys, StringComparer.OrdinalIgnoreCase);
        Assert.Single(world.Upstream.Seen);
    }

    [Fact]
    public async Task Arguments_that_are_huge_or_nested_deeply_are_refused_and_the_audit_trail_stays_small()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var hostile = await world.Host.OpenCagedAsync();
        var long5000 = new string('x', 5_000);
        var deep = string.Concat(Enumerable.Repeat("[", 5_000)) + string.Concat(Enumerable.Repeat("]", 5_000));
        Assert.Equal(400, (await hostile.CallAsync("search", $$"""{"q":"{{long5000}}"}""")).Status);
        Assert.Equal(400, (await hostile.CallAsync("search", $$"""{"q":{{deep}}}""")).Status);
        Assert.Equal(413, (await hostile.CallAsync("search", $$"""{"q":"{{new string('x', Protocol.MaxMessageBytes)}}"}""")).Status);
        Assert.Equal(400, (await hostile.CallAsync("search", "{" + string.Join(',', Enumerable.Range(0, 2_000).Select(i => $"\"k{i}\":1")) + "}")).Status);
        var many = await hostile.SendAsync("GET", "/i/shop/search?" + string.Join('&', Enumerable.Range(0, 1_500).Select(i => $"a{i}=1")));
        Assert.True(many.Status is 400 or 403 or 414);
        world.NothingWasSent();
        foreach (var row in await world.Host.AuditAsync(hostile.Investigation))
            Assert.True(Encoding.UTF8.GetByteCount(AuditJson.Format(row).ToJsonString()) < 16 * 1024);
    }
}
