using System.Net.Sockets;
using System.Text;
using IncidentFox.Contracts;
using IncidentFox.Core;
using IncidentFox.Core.Audit;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.TestKit;
using Microsoft.Extensions.Options;
using Xunit;

namespace IncidentFox.Gateway.Tests.AgentDoor;

public sealed class DoorTests(TestPostgres postgres)
{
    [Fact]
    public async Task Nothing_but_hello_is_answered_before_the_cage_was_shown()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenAsync();
        foreach (var (method, target, body) in new[]
        {
            ("GET", Protocol.TaskPath, null), ("GET", Protocol.ToolsPath, null), ("POST", Protocol.EventsPath, "{}"), ("GET", "/i/kubernetes/api/v1/nodes", null),
            ("POST", "/tools/list_nodes", TestSandbox.ToolRequest("{}")), ("GET", Protocol.ApprovalPathPrefix + ApprovalId.New(), (string?)null),
        })
        {
            var answer = await sandbox.SendAsync(method, target, body);
            Assert.Equal((403, "not_caged", "gateway"), (answer.Status, answer.Code, answer.Source));
        }
        Assert.Empty(host.Sender.Sent);
        var welcome = await sandbox.SendAsync("POST", Protocol.HelloPath, TestSandbox.Hello());
        Assert.Equal(sandbox.Id.ToString(), (string)welcome.Json["sandbox_id"]!);
        var task = await sandbox.SendAsync("GET", Protocol.TaskPath);
        Assert.Equal(("checkout is returning 5xx", sandbox.Investigation.ToString()), ((string)task.Json["question"]!, (string)task.Json["investigation_id"]!));
        Assert.Equal(120, (int)task.Json["park_after_seconds"]!);
        Assert.Null(task.Json["resume"]);
        Assert.Equal(task.Body, (await sandbox.SendAsync("GET", Protocol.TaskPath)).Body);
    }

    [Fact]
    public async Task A_sandbox_that_reaches_something_or_shows_too_little_is_no_cage_and_that_is_audited()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenAsync();
        Assert.Equal("not_caged", (await sandbox.SendAsync("POST", Protocol.HelloPath, TestSandbox.Hello(reached: true))).Code);
        var few = await sandbox.SendAsync("POST", Protocol.HelloPath, TestSandbox.Hello(false, "loopback", "dns"));
        Assert.Equal("not_caged", few.Code);
        Assert.Contains("metadata, outside, private, ipv6", few.Message, StringComparison.Ordinal);
        Assert.Equal("not_caged", (await sandbox.SendAsync("GET", Protocol.TaskPath)).Code);
        var rows = await host.AuditAsync(sandbox.Investigation, AuditEventTypes.SandboxChanged);
        Assert.Equal(2, rows.Count(r => r.Status == "not_caged"));
        Assert.Equal(64, few.Json["correlation_id"]!.ToString().Length * 2);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"v":2,"type":"hello","agent_version":"x","cage":[]}""")]
    [InlineData("""{"v":1,"type":"task","agent_version":"x","cage":[]}""")]
    [InlineData("""{"v":1,"type":"hello","agent_version":"x","cage":[],"sandbox_id":"sbx_1"}""")]
    [InlineData("""{"v":1,"type":"hello","agent_version":"x","cage":null}""")]
    public async Task A_message_that_is_none_is_refused_by_name(string body)
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenAsync();
        var answer = await sandbox.SendAsync("POST", Protocol.HelloPath, body);
        Assert.Equal((400, "bad_message"), (answer.Status, answer.Code));
    }

    [Fact]
    public async Task Nothing_that_a_client_sends_makes_it_another_sandbox()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var mine = await host.OpenCagedAsync();
        var other = await host.OpenCagedAsync(team: "web");
        string[] headers = ["X-Forwarded-For: 10.0.0.1", "Forwarded: for=other", $"Cookie: sandbox={other.Id}"];
        var task = await mine.SendAsync("GET", Protocol.TaskPath, null, headers);
        Assert.Equal(mine.Investigation.ToString(), (string)task.Json["investigation_id"]!);
        // Not even after the other one's socket was used: connections are marked one by one.
        Assert.Equal(other.Investigation.ToString(), (string)(await other.SendAsync("GET", Protocol.TaskPath)).Json["investigation_id"]!);
        Assert.Equal(mine.Investigation.ToString(), (string)(await mine.SendAsync("GET", Protocol.TaskPath)).Json["investigation_id"]!);
    }

    [Theory]
    [InlineData("GET /i/kubernetes/api/v1/pods HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n")]
    [InlineData("GET /i/kubernetes/api/v1/pods HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\nConnection: close\r\n\r\n0\r\n\r\n")]
    [InlineData("GET /i/kubernetes/api/v1/pods HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\nX-Trailer: 1\r\n\r\n")]
    [InlineData("GET /i/kubernetes/api/v1/pods HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")]
    [InlineData("GET /i/kubernetes/api/v1/pods HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n")]
    [InlineData("GET /i/kubernetes/api/v1/pods HTTP/1.1\r\nHost: x\r\nX-HTTP-Method-Override: DELETE\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /i/kubernetes/api/v1/pods HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /i/kubernetes/api/v1/pods HTTP/1.1\r\nHost: x\r\nImpersonate-User: admin\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /i/kubernetes/api/v1/pods HTTP/1.1\r\nHost: x\r\nTrailer: a\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /i/kubernetes/api/v1/pods HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("GET /i/kubernetes/api/v1/pods HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n")]
    [InlineData("GET /i/kubernetes/api/v1/pods HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /i/kubernetes/api/v1/pods HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\nConnection: close\r\n\r\n0\r\n\r\n")]
    [InlineData("GET /i/kubernetes/api/v1/pods HTTP/1.1\r\nHost: x\r\nAccept: a\r\n Authorization: Bearer x\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /i/kubernetes/api/v1/pods HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /i/kubernetes/api/v1/pods HTTP/1.1\r\nHost: x\r\nX-Original-URL: /i/kubernetes/api/v1/secrets\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /i/kubernetes/api/v1/pods HTTP/1.1\r\nHost: x\r\nX-Rewrite-URL: /i/kubernetes/api/v1/secrets\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /i/kubernetes/api/v1/pods HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")]
    [InlineData("GET /i/kubernetes/api/v1/pods HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")]
    [InlineData("GET /i/kubernetes/api/v1/pods?limit=1&limit=2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /i/kubernetes/api/v1/pods?_method=DELETE HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /i/kubernetes//api/v1/pods HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /i/kubernetes/api/v1/pods/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /i/kubernetes/api/v1%2Fpods HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /i/kubernetes/api/v1%5Cpods HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /i/kubernetes/api/%2E%2E/api/v1/pods HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")]
    [InlineData("GET //x/i/kubernetes/api/v1/pods HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /i/kubernetes/../../v1/agent/tools HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /i/kubernetes/api/v1/namespaces/a/secrets HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")]
    [InlineData("GET http://x/i/kubernetes/api/v1/pods HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /tools/../i/kubernetes/api/v1/pods HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /i%2Fkubernetes/api/v1/pods HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")]
    [InlineData("CONNECT kubernetes:443 HTTP/1.1\r\nHost: kubernetes:443\r\nConnection: close\r\n\r\n")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]
    [InlineData("\0\0\0\r\n\r\n")]
    public async Task A_request_that_two_servers_could_read_in_two_ways_never_reaches_a_target(string raw)
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        var answer = await sandbox.RawAsync(raw);
        Assert.True(answer.Status is >= 400 and <= 505, $"{answer.Status} for {raw}: {answer.Body}");
        Assert.Empty(host.Sender.Sent);
        // The door is as open as before.
        Assert.Equal(200, (await sandbox.SendAsync("GET", Protocol.ToolsPath)).Status);
    }

    [Fact]
    public async Task An_unknown_path_is_told_what_there_is()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        var answer = await sandbox.SendAsync("GET", "/metrics");
        Assert.Equal((404, "not_found"), (answer.Status, answer.Code));
        Assert.Contains(Protocol.EventsPath, answer.Message, StringComparison.Ordinal);
        Assert.Equal((405, "method_not_allowed"), ((await sandbox.SendAsync("DELETE", Protocol.TaskPath)) is var wrong ? (wrong.Status, wrong.Code) : default));
        Assert.Equal(400, (await sandbox.SendAsync("GET", Protocol.TaskPath + "?x=1")).Status);
    }

    [Fact]
    public async Task A_message_that_is_too_large_is_refused_whether_it_says_so_or_not()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        var said = await sandbox.RawAsync($"POST {Protocol.EventsPath} HTTP/1.1\r\nHost: x\r\nContent-Length: {Protocol.MaxMessageBytes + 1}\r\nConnection: close\r\n\r\n");
        Assert.Equal((413, "too_large"), (said.Status, said.Code));
        var chunk = new string(' ', 0x10000);
        var unsaid = await sandbox.RawAsync($"POST {Protocol.EventsPath} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            + string.Concat(Enumerable.Repeat($"10000\r\n{chunk}\r\n", 5)) + "0\r\n\r\n");
        Assert.Equal((413, "too_large"), (unsaid.Status, unsaid.Code));
    }

    [Fact]
    public async Task One_sandbox_can_not_take_more_than_its_share_and_takes_none_of_anothers()
    {
        await using var host = await GatewayHost.StartAsync(postgres, change: o => new GatewayOptions
        {
            IntegrationsPaths = o.IntegrationsPaths, RuntimeDirectory = o.RuntimeDirectory, ConcurrentRequests = 2, RequestsPerSecond = 1_000,
        });
        var (greedy, modest) = (await host.OpenCagedAsync(), await host.OpenCagedAsync());
        var release = new TaskCompletionSource();
        var both = new CountdownEvent(2);
        host.Sender.Answer = async (_, _) =>
        {
            both.Signal();
            await release.Task;
            return FakeSender.Json("{}");
        };
        var running = Enumerable.Range(0, 2).Select(_ => greedy.CallAsync("list_nodes", "{}")).ToList();
        Assert.True(await Task.Run(() => both.Wait(TimeSpan.FromSeconds(20))));
        var third = await greedy.SendAsync("GET", Protocol.ToolsPath);
        Assert.Equal((429, "too_many_requests", "1"), (third.Status, third.Code, third.Headers["Retry-After"]));
        Assert.Equal(200, (await modest.SendAsync("GET", Protocol.ToolsPath)).Status);
        release.SetResult();
        Assert.All(await Task.WhenAll(running), a => Assert.Equal(200, a.Status));
        Assert.Equal(200, (await greedy.SendAsync("GET", Protocol.ToolsPath)).Status);
    }

    [Fact]
    public async Task Closing_cuts_connections_and_leaves_nothing_behind()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        using var connection = await sandbox.ConnectAsync();
        await host.Door.CloseAsync(sandbox.Id, TestContext.Current.CancellationToken);
        await host.Door.CloseAsync(sandbox.Id, TestContext.Current.CancellationToken);
        Assert.False(Directory.Exists(Path.GetDirectoryName(sandbox.SocketPath)));
        var buffer = new byte[1];
        var read = 0;
        try
        {
            read = await connection.ReceiveAsync(buffer, TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(20));
        }
        catch (SocketException)
        {
            // Reset is as good as closed.
        }
        Assert.Equal(0, read);
        await Assert.ThrowsAnyAsync<SocketException>(sandbox.ConnectAsync);
    }

    [Fact]
    public async Task The_socket_is_alone_in_a_directory_that_others_can_not_enter()
    {
        await using var host = await GatewayHost.StartAsync(postgres, change: o => new GatewayOptions
        {
            IntegrationsPaths = o.IntegrationsPaths, RuntimeDirectory = o.RuntimeDirectory, SandboxUid = Environment.IsPrivilegedProcess ? 65534 : null, SandboxGid = Environment.IsPrivilegedProcess ? 65534 : null,
        });
        var sandbox = await host.OpenAsync();
        var directory = Path.GetDirectoryName(sandbox.SocketPath)!;
        Assert.Equal([sandbox.SocketPath], Directory.GetFileSystemEntries(directory));
        Assert.Matches("/[0-9a-f]{8}/gateway[.]sock$", sandbox.SocketPath);
        Assert.True(Encoding.UTF8.GetByteCount(sandbox.SocketPath) <= 100);
        const UnixFileMode Others = UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
        Assert.Equal((UnixFileMode)0, File.GetUnixFileMode(directory) & (Others | UnixFileMode.GroupWrite));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(sandbox.SocketPath));
    }

    [Fact]
    public async Task What_a_killed_gateway_left_is_removed_and_what_is_not_ours_is_left()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenAsync();
        var runtime = Path.GetDirectoryName(Path.GetDirectoryName(sandbox.SocketPath))!;
        var (dead, foreign) = (Directory.CreateDirectory(Path.Combine(runtime, "0badf00d")).FullName, Directory.CreateDirectory(Path.Combine(runtime, "somebody")).FullName);
        using (var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            socket.Bind(new UnixDomainSocketEndPoint(Path.Combine(dead, "gateway.sock")));
        }
        Gateway.AgentDoor.Sockets.SocketDirectory.RemoveDead(runtime);
        Assert.True(Directory.Exists(foreign));
        Assert.True(File.Exists(sandbox.SocketPath));
    }

    [Fact]
    public void Every_mistake_in_the_options_is_told_at_once()
    {
        var options = new GatewayOptions
        {
            RuntimeDirectory = "/run/../tmp", IntegrationsPaths = ["/nowhere/at/all"], ParkAfterSeconds = 0, ConcurrentRequests = 1, SandboxUid = 5, RequiredProbes = [],
        };
        var e = Assert.Throws<OptionsValidationException>(() => new Microsoft.Extensions.DependencyInjection.ServiceCollection().AddGateway(options));
        Assert.All(new[] { "RuntimeDirectory", "/nowhere/at/all", "ParkAfterSeconds", "ConcurrentRequests", "SandboxUid", "RequiredProbes" },
            name => Assert.Contains(name, e.Message, StringComparison.Ordinal));
    }
}
