using IncidentFox.Agent.Gateway;
using IncidentFox.Agent.Investigating;

namespace IncidentFox.Agent.Tests;

/// <summary>Runs the agent in this process against a gateway.</summary>
internal static class Run
{
    public static readonly Pace Quick = new()
    {
        Retry = TimeSpan.FromMilliseconds(20),
        Look = TimeSpan.FromMilliseconds(20),
        EffectWithin = TimeSpan.FromMilliseconds(300),
        GatewayMayBeAwayFor = TimeSpan.FromMilliseconds(300),
    };

    public static async Task<Ending> AgentAsync(FakeGateway gateway, DateTimeOffset now, Pace? pace = null, IReadOnlyList<Cage.CageTarget>? cage = null)
    {
        var time = new ClockStartingAt(now);
        using var client = new GatewayClient(gateway.SocketPath, time);
        return await new Session(client, time, cage ?? [], pace ?? Quick).RunAsync(Xunit.TestContext.Current.CancellationToken);
    }
}
