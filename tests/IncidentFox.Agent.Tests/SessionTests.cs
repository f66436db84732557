using System.Net;
using System.Net.Sockets;
using System.Text;
using IncidentFox.Agent.Cage;
using IncidentFox.Agent.Gateway;
using IncidentFox.Agent.Investigating;
using Xunit;

namespace IncidentFox.Agent.Tests;

/// <summary>The cage, the order of the first steps, and how a session ends. Probes stay on the loopback here.</summary>
public sealed class SessionTests
{
    [Fact]
    public async Task Something_within_reach_is_told_and_the_agent_stops_before_it_has_a_task()
    {
        using var open = new TcpListener(IPAddress.Loopback, 0);
        open.Start();
        await using var gateway = Gateway();
        var ending = await Run.AgentAsync(gateway, SmallShop.Now, cage: [new("loopback", (IPEndPoint)open.LocalEndpoint)]);
        Assert.Equal(ExitCodes.NotCaged, ending.Code);
        Assert.Contains(open.LocalEndpoint.ToString()!, ending.Said!, StringComparison.Ordinal);
        Assert.True(Assert.Single(gateway.Hello!.Cage).Reached);
        Assert.Empty(gateway.Events);
        Assert.Empty(gateway.Violations);
    }

    [Fact]
    public async Task Refused_and_silent_addresses_are_out_of_reach_within_a_third_of_a_second()
    {
        using var silent = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var closed = ClosedPort();
        var started = TimeProvider.System.GetTimestamp();
        var probes = await CageProbes.TryAsync([new("loopback", closed), new("dns", (IPEndPoint)silent.Client.LocalEndPoint!, Datagram: true)], TestContext.Current.CancellationToken);
        Assert.Equal(["ConnectionRefused", "TimedOut"], probes.Select(p => p.Detail));
        Assert.DoesNotContain(probes, p => p.Reached);
        Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task A_name_server_that_answers_is_within_reach()
    {
        using var server = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var answering = Task.Run(async () =>
        {
            var question = await server.ReceiveAsync();
            await server.SendAsync(new byte[12], question.RemoteEndPoint);
        }, TestContext.Current.CancellationToken);
        var probe = Assert.Single(await CageProbes.TryAsync([new("dns", (IPEndPoint)server.Client.LocalEndPoint!, Datagram: true)], TestContext.Current.CancellationToken));
        Assert.True(probe.Reached);
        await answering;
    }

    [Fact]
    public void Every_kind_of_address_is_tried() =>
        Assert.Equal(["dns", "ipv6", "loopback", "metadata", "outside", "private"], CageProbes.Everywhere().Select(t => t.Kind).Distinct().Order());

    [Fact]
    public async Task The_task_is_waited_for()
    {
        await using var gateway = Gateway();
        var asked = 0;
        gateway.Intercept = (_, path) => path == Contracts.Protocol.TaskPath && asked++ < 3 ? FakeGateway.Http(204, []) : null;
        Assert.Equal(ExitCodes.Done, (await Run.AgentAsync(gateway, SmallShop.Now)).Code);
        Assert.Equal(4, asked);
    }

    [Theory]
    [InlineData("""{"v":1,"type":"orders"}""", "unknown message type 'orders'")]
    [InlineData("""{"v":2,"type":"task"}""", "protocol version 2 is not known")]
    [InlineData("""{"v":1,"type":"task","extra":1}""", "extra")]
    [InlineData("garbage", "not")]
    public async Task A_message_it_does_not_know_ends_the_session_with_an_error_that_names_it(string task, string said)
    {
        await using var gateway = Gateway();
        gateway.Intercept = (_, path) => path == Contracts.Protocol.TaskPath ? FakeGateway.Http(200, Encoding.UTF8.GetBytes(task)) : null;
        var ending = await Run.AgentAsync(gateway, SmallShop.Now);
        Assert.Equal(ExitCodes.Refused, ending.Code);
        Assert.Contains(said, ending.Said!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_gateway_it_gives_up()
    {
        var time = new ClockStartingAt(SmallShop.Now);
        using var client = new GatewayClient("/nonexistent/gateway.sock", time);
        var ending = await new Session(client, time, [], Run.Quick).RunAsync(TestContext.Current.CancellationToken);
        Assert.Equal(ExitCodes.GatewayGone, ending.Code);
    }

    [Fact]
    public async Task A_gateway_that_goes_away_in_the_middle_ends_it()
    {
        await using var gateway = Gateway();
        gateway.Intercept = (_, path) => path is Contracts.Protocol.EventsPath ? [] : null;
        Assert.Equal(ExitCodes.GatewayGone, (await Run.AgentAsync(gateway, SmallShop.Now)).Code);
    }

    [Fact]
    public async Task A_gateway_that_refuses_events_ends_it()
    {
        await using var gateway = Gateway();
        gateway.Intercept = (_, path) => path is Contracts.Protocol.EventsPath ? FakeGateway.Http(410, []) : null;
        Assert.Equal(ExitCodes.Refused, (await Run.AgentAsync(gateway, SmallShop.Now)).Code);
    }

    [Fact]
    public async Task A_batch_whose_acknowledgement_was_lost_is_sent_again_and_counted_once()
    {
        await using var gateway = Gateway();
        gateway.LostAcknowledgements = 2;
        Assert.Equal(ExitCodes.Done, (await Run.AgentAsync(gateway, SmallShop.Now)).Code);
        Assert.Equal(Enumerable.Range(1, gateway.Events.Count).Select(i => (long)i), gateway.Events.Select(e => e.Sequence));
        Assert.True(gateway.Batches > 2);
        Assert.Empty(gateway.Violations);
    }

    private static FakeGateway Gateway()
    {
        var shop = new SmallShop();
        return new() { Task = shop.Ask(), ToolNames = SmallShop.Tools, Answer = shop.Answer };
    }

    private static IPEndPoint ClosedPort()
    {
        using var once = new TcpListener(IPAddress.Loopback, 0);
        once.Start();
        return (IPEndPoint)once.LocalEndpoint;
    }
}
