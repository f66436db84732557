using System.Net.Sockets;
using System.Text;
using IncidentFox.Contracts;
using IncidentFox.Core;
using IncidentFox.Core.Audit;
using IncidentFox.Gateway.Alerts;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.TestKit;
using Xunit;

namespace IncidentFox.Gateway.Tests.HostileAgent;

/// <summary>An agent that wants to be somebody else, somewhere else, or at another time.</summary>
public sealed class IdentityAttackTests(TestPostgres postgres)
{
    [Theory]
    [InlineData("POST", "/tools/list_payments", "/tools/list_paymentz")]
    [InlineData("GET", "/i/payments/payments", "/i/paymentz/payments")]
    public async Task Another_teams_integration_is_refused_in_the_same_words_as_one_that_does_not_exist_and_people_are_alerted(string method, string theirs, string nobodys)
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var (hostile, owner) = (await world.Host.OpenCagedAsync("sre"), await world.Host.OpenCagedAsync("web"));
        var body = method == "POST" ? TestSandbox.ToolRequest("{}") : null;
        var refused = await hostile.SendAsync(method, theirs, body);
        var unknown = await hostile.SendAsync(method, nobodys, body);
        Assert.Equal((403, "no_rule"), (refused.Status, refused.Code));
        // Nothing in the answer tells the two apart but the name that was sent: no body, no header, no status.
        Assert.Equal(Same(unknown, "paymentz", "list_paymentz"), Same(refused, "payments", "list_payments"));
        world.NothingWasSent();
        var alert = await world.AlertAsync(hostile, SecurityAlertKinds.OtherTeam);
        Assert.Equal(("sre", "web", theirs), (alert.TeamId, (string)alert.Details!["other_team"]!, (string)alert.Details!["path"]!));
        Assert.Equal(2, (await world.Host.AuditAsync(hostile.Investigation, AuditEventTypes.ToolRefused)).Count);
        Assert.Equal(200, (await owner.CallAsync("list_payments", "{}")).Status);
        Assert.Equal($"Bearer {HostileWorld.PaymentsSecret}", Assert.Single(world.Upstream.Seen).Authorization);
        Assert.Empty(await world.AlertsAsync(owner));
    }

    [Fact]
    public async Task An_investigation_that_was_stopped_gets_nothing_more_on_a_connection_that_is_open_already_and_going_on_is_alerted()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var (hostile, neighbour) = (await world.Host.OpenCagedAsync(), await world.Host.OpenCagedAsync());
        using var open = await hostile.ConnectAsync();
        Assert.Contains("200 OK", await OverAsync(open), StringComparison.Ordinal);
        await hostile.StopAsync();
        Assert.Contains("session_over", await OverAsync(open), StringComparison.Ordinal);
        var before = world.Upstream.Seen.Count;
        Assert.Equal("session_over", (await hostile.CallAsync("list_nodes", "{}")).Code);
        // Just after the end a call is late, no attack; minutes later nobody works any more.
        await world.Host.Database.ShiftClockAsync(SecurityAlerts.Grace + TimeSpan.FromSeconds(5));
        Assert.Equal("session_over", (await hostile.CallAsync("list_nodes", "{}")).Code);
        Assert.Equal("session_over", (await hostile.SendAsync("GET", Protocol.TaskPath)).Code);
        await world.AlertAsync(hostile, SecurityAlertKinds.CallAfterEnd);
        Assert.Equal(before, world.Upstream.Seen.Count);
        await world.NeighbourWorksAsync(neighbour);
    }

    private static readonly string[] Claims =
    [
        "X-Sandbox-Id", "X-Incidentfox-Sandbox", "x-investigation-id", "X-Team-Id", "Impersonate-User", "X-Remote-User", "X-Forwarded-User",
    ];

    [Fact]
    public async Task An_identity_that_is_claimed_in_a_header_is_refused_and_alerted()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var (hostile, other) = (await world.Host.OpenCagedAsync("sre"), await world.Host.OpenCagedAsync("web"));
        foreach (var (header, target) in Claims.SelectMany(c => new[] { Protocol.TaskPath, "/i/kubernetes/api/v1/nodes", "/i/payments/payments" }.Select(t => (c, t))))
            Assert.Equal((403, "forged_identity"), await hostile.SendAsync("GET", target, null, $"{header}: {other.Id}") is var a ? (a.Status, a.Code) : default);
        world.NothingWasSent();
        await world.AlertAsync(hostile, SecurityAlertKinds.ForgedIdentity);
        Assert.Equal(other.Investigation.ToString(), (string)(await other.SendAsync("GET", Protocol.TaskPath)).Json["investigation_id"]!);
    }

    [Fact]
    public async Task A_token_that_is_made_up_or_replayed_is_worth_nothing()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var hostile = await world.Host.OpenCagedAsync();
        foreach (var token in new[] { $"Bearer {HostileWorld.ReadSecret}", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.", "Basic YWRtaW46YWRtaW4=" })
        {
            Assert.Equal((400, "bad_request"), await hostile.SendAsync("GET", "/i/kubernetes/api/v1/nodes", null, $"Authorization: {token}") is var a ? (a.Status, a.Code) : default);
            // Elsewhere it is not even looked at: the connection says who asks.
            var task = await hostile.SendAsync("GET", Protocol.TaskPath, null, $"Authorization: {token}");
            Assert.Equal(hostile.Investigation.ToString(), (string)task.Json["investigation_id"]!);
        }
        world.NothingWasSent();
    }

    [Fact]
    public async Task A_socket_path_of_a_sandbox_that_is_gone_leads_nowhere_and_a_new_one_is_itself()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var gone = await world.Host.OpenCagedAsync();
        using var open = await gone.ConnectAsync();
        await world.Host.Door.CloseAsync(gone.Id, TestContext.Current.CancellationToken);
        await Assert.ThrowsAnyAsync<SocketException>(gone.ConnectAsync);
        var fresh = await world.Host.OpenCagedAsync("web");
        Assert.NotEqual(gone.SocketPath, fresh.SocketPath);
        Assert.Equal("", await OverAsync(open));
        // Where the old one was, somebody puts a link to the new one: it is the new one's socket, whoever comes through it.
        Directory.CreateDirectory(Path.GetDirectoryName(gone.SocketPath)!);
        File.CreateSymbolicLink(gone.SocketPath, fresh.SocketPath);
        var task = await gone.SendAsync("GET", Protocol.TaskPath);
        Assert.Equal(fresh.Investigation.ToString(), (string)task.Json["investigation_id"]!);
        world.NothingWasSent();
    }

    [Fact]
    public async Task Taking_the_task_many_times_gives_the_same_one_and_never_anothers()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var (hostile, other) = (await world.Host.OpenCagedAsync(), await world.Host.OpenCagedAsync("web"));
        var tasks = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => hostile.SendAsync("GET", Protocol.TaskPath)));
        Assert.Single(tasks.Select(t => t.Body).Distinct());
        Assert.All(tasks, t => Assert.Equal(hostile.Investigation.ToString(), (string)t.Json["investigation_id"]!));
        Assert.Equal(400, (await hostile.SendAsync("GET", $"{Protocol.TaskPath}?sandbox={other.Id}")).Status);
        Assert.Equal(404, (await hostile.SendAsync("GET", $"{Protocol.TaskPath}/{other.Id}")).Status);
    }

    [Fact]
    public async Task A_hello_that_shows_no_cage_gets_nothing_and_is_alerted_once_however_often_it_is_said()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var hostile = await world.Host.OpenAsync();
        for (var i = 0; i < 8; i++)
            Assert.Equal("not_caged", (await hostile.SendAsync("POST", Protocol.HelloPath, TestSandbox.Hello(reached: true))).Code);
        Assert.Equal("not_caged", (await hostile.SendAsync("POST", Protocol.HelloPath, TestSandbox.Hello(false, "loopback", "loopback", "nothing"))).Code);
        var strange = TestSandbox.Hello().Replace("\"agent_version\"", $"\"sandbox_id\":\"{SandboxId.New()}\",\"agent_version\"", StringComparison.Ordinal);
        Assert.Equal("bad_message", (await hostile.SendAsync("POST", Protocol.HelloPath, strange)).Code);
        Assert.Equal("not_caged", (await hostile.CallAsync("list_nodes", "{}")).Code);
        world.NothingWasSent();
        await world.AlertAsync(hostile, SecurityAlertKinds.NotCaged);
        // Two, should a minute have turned over in between.
        Assert.InRange((await world.AlertsAsync(hostile)).Count, 1, 2);
    }

    private static string Same(Answer answer, string name, string tool)
    {
        var json = answer.Json;
        json.Remove("correlation_id");
        var headers = answer.Headers.Where(h => h.Key is not ("Date" or "x-incidentfox-correlation-id" or "Content-Length")).Select(h => $"{h.Key}: {h.Value}").Order(StringComparer.Ordinal);
        return $"{answer.Status} {string.Join('|', headers)} {json.ToJsonString()}".Replace(tool, "NAME", StringComparison.Ordinal).Replace(name, "NAME", StringComparison.Ordinal);
    }

    // One request over a connection that stays open; what comes back in one piece.
    private static async Task<string> OverAsync(Socket connection)
    {
        var ct = TestContext.Current.CancellationToken;
        try
        {
            await connection.SendAsync("GET /v1/agent/tools HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(), ct);
            var buffer = new byte[64 * 1024];
            return Encoding.UTF8.GetString(buffer, 0, await connection.ReceiveAsync(buffer, ct));
        }
        catch (SocketException)
        {
            return "";
        }
    }
}
