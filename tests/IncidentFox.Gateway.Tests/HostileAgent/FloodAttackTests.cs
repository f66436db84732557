using System.Net.Sockets;
using System.Text;
using IncidentFox.Contracts;
using IncidentFox.Core.Audit;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.TestKit;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace IncidentFox.Gateway.Tests.HostileAgent;

/// <summary>An agent that wants to drown somebody: the trail, the log, the gateway or a neighbour.</summary>
public sealed class FloodAttackTests(TestPostgres postgres)
{
    [Fact]
    public async Task Refusals_by_the_hundred_fill_neither_the_audit_trail_nor_the_alerts_and_a_neighbour_works_on()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var (hostile, neighbour) = (await world.Host.OpenCagedAsync(), await world.Host.OpenCagedAsync());
        var started = TimeProvider.System.GetTimestamp();
        var answers = new List<Answer>();
        for (var i = 0; i < 50; i++)
        {
            answers.AddRange(await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => hostile.CallAsync("list_payments", "{}"))));
            if (i % 10 == 0)
                await world.NeighbourWorksAsync(neighbour);
        }
        var most = (new GatewayOptions().RequestsPerSecond * (4 + TimeProvider.System.GetElapsedTime(started).TotalSeconds)) + 1;
        Assert.All(answers, a => Assert.True(a.Status is 403 or 429, $"{a.Status}"));
        var rows = await world.Host.AuditAsync(hostile.Investigation, AuditEventTypes.ToolRefused);
        Assert.Equal(answers.Count(a => a.Status == 403), rows.Count);
        Assert.True(rows.Count <= most, $"{rows.Count} rows, at most {most}");
        Assert.InRange((await world.AlertsAsync(hostile)).Count, 0, 2 + (int)(TimeProvider.System.GetElapsedTime(started).TotalSeconds / 60));
        await world.AlertAsync(hostile, "other_team");
    }

    [Fact]
    public async Task A_name_with_line_breaks_or_escapes_in_it_writes_no_line_of_its_own_into_log_or_audit()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var hostile = await world.Host.OpenCagedAsync();
        string[] names = ["%0aWarning%2050%20forged", "a%1b[31m", "x%0d%0aFAKE", "<script>", "list_nodes%00", "%E2%80%AEevil"];
        foreach (var name in names)
        {
            Assert.True((await hostile.SendAsync("POST", $"/tools/{name}", TestSandbox.ToolRequest("{}"))).Status >= 400);
            Assert.True((await hostile.SendAsync("GET", $"/i/kubernetes/{name}")).Status >= 400);
            Assert.True((await hostile.SendAsync("GET", $"/i/{name}/x")).Status >= 400);
        }
        Assert.True((await hostile.CallAsync("search", """{"a\nb\u001b[31m":1,"q":"x"}""")).Status >= 400);
        Assert.Equal(200, (await hostile.CallAsync("search", """{"q":"line\nbreak"}""")).Status);
        Assert.All(world.Logged, l => Assert.DoesNotContain("FAKE", l, StringComparison.Ordinal));
        foreach (var row in await world.Host.AuditAsync(hostile.Investigation, AuditEventTypes.ToolRefused))
        {
            var reason = (string)row.Details!["reason"]!;
            Assert.All(reason, c => Assert.True(c is (>= ' ' and <= '~') or '…', $"{(int)c:x4}"));
        }
    }

    [Fact]
    public async Task Connections_that_are_opened_and_never_say_anything_are_bounded_and_cut_and_no_neighbour_notices()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var (hostile, neighbour) = (await world.Host.OpenCagedAsync(), await world.Host.OpenCagedAsync());
        var held = new List<Socket>();
        try
        {
            for (var i = 0; i < 60; i++)
            {
                try
                {
                    var connection = await hostile.ConnectAsync();
                    held.Add(connection);
                    // Half a request each: one that dribbles its head, one its body.
                    var head = i % 2 == 0 ? "GET /v1/agent/tools HTTP/1.1\r\nHo" : "POST /tools/list_nodes HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{";
                    await connection.SendAsync(Encoding.ASCII.GetBytes(head));
                }
                catch (SocketException)
                {
                    // No more than so many at once.
                }
            }
            await world.NeighbourWorksAsync(neighbour);
            // Each of them is ended by the gateway, without a byte from us.
            var buffer = new byte[4096];
            foreach (var connection in held)
            {
                var read = 1;
                while (read > 0)
                {
                    try
                    {
                        read = await connection.ReceiveAsync(buffer, TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(40));
                    }
                    catch (SocketException)
                    {
                        read = 0;
                    }
                }
            }
            Assert.DoesNotContain(world.Upstream.Seen, s => s.Authorization is null);
            await HostileWorld.UntilAsync("the hostile one's own turn", async () => (await hostile.SendAsync("GET", Protocol.ToolsPath)).Status == 200);
        }
        finally
        {
            held.ForEach(h => h.Dispose());
        }
    }

    [Fact]
    public async Task More_calls_at_once_than_allowed_are_refused_and_never_reach_the_target()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var (hostile, neighbour) = (await world.Host.OpenCagedAsync(), await world.Host.OpenCagedAsync());
        var (now, peak) = (0, 0);
        var release = new TaskCompletionSource();
        world.Upstream.Answer = async http =>
        {
            if (http.Request.Path.Value!.EndsWith("/namespaces", StringComparison.Ordinal))
            {
                var running = Interlocked.Increment(ref now);
                InterlockedMax(ref peak, running);
                await release.Task;
                Interlocked.Decrement(ref now);
            }
            await http.Response.WriteAsync("""{"items":[]}""");
        };
        var calls = Enumerable.Range(0, 30).Select(_ => hostile.CallAsync("list_namespaces", "{}")).ToList();
        await HostileWorld.UntilAsync("the refusals", () => Task.FromResult(calls.Count(c => c.IsCompleted) >= 30 - new GatewayOptions().ConcurrentRequests));
        await world.NeighbourWorksAsync(neighbour);
        release.SetResult();
        var answers = await Task.WhenAll(calls);
        Assert.True(peak <= new GatewayOptions().ConcurrentRequests);
        Assert.All(answers, a => Assert.True(a.Status is 200 or 429 or 0, $"{a.Status}"));
        Assert.Contains(answers, a => a.Status == 429);
        Assert.Equal(answers.Count(a => a.Status == 200), world.Upstream.Seen.Count(s => s.Target.EndsWith("/namespaces", StringComparison.Ordinal)));
        var requested = (await world.Host.AuditAsync(hostile.Investigation, AuditEventTypes.ToolRequested)).Count;
        Assert.Equal(world.Upstream.Seen.Count(s => s.Target.EndsWith("/namespaces", StringComparison.Ordinal)), requested);
    }

    private static void InterlockedMax(ref int target, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref target)) < value)
            Interlocked.CompareExchange(ref target, value, seen);
    }
}
