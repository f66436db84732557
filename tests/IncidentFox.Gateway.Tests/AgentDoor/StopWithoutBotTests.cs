using IncidentFox.Core;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Safety;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.TestKit;
using Xunit;

namespace IncidentFox.Gateway.Tests.AgentDoor;

/// <summary>Bot and gateway are processes of their own: a stop holds at a gateway although no bot runs that would end the investigations.</summary>
public sealed class StopWithoutBotTests(TestPostgres postgres)
{
    private static readonly OrgId Acme = new("acme");
    private static readonly Principal Operator = CommandLineOperator.Of(Acme, "test");

    [Fact]
    public async Task A_freeze_stops_the_calls_of_its_team_and_no_other_s_and_its_end_lets_them_go_on()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await GatewayHost.StartAsync(postgres);
        var (frozen, free) = (await host.OpenCagedAsync("sre"), await host.OpenCagedAsync("web"));
        var stops = new Stops(host.Database.Bot, host.Audit);
        Assert.Equal((200, 200), await BothAsync());

        Assert.True((await stops.FreezeAsync(Operator, Acme, new TeamId("sre"), "something is wrong", ct)).Done);
        var sent = host.Sender.Sent.Count;
        Assert.Equal("session_over", (await frozen.CallAsync("list_nodes", "{}")).Code);
        Assert.Equal(sent, host.Sender.Sent.Count);
        Assert.Equal((403, 200), await BothAsync());

        Assert.True((await stops.LiftAsync(Operator, Acme, new TeamId("sre"), "it was nothing", ct)).Done);
        Assert.Equal((200, 200), await BothAsync());

        async Task<(int Frozen, int Free)> BothAsync() => ((await frozen.CallAsync("list_nodes", "{}")).Status, (await free.CallAsync("list_nodes", "{}")).Status);
    }
}
