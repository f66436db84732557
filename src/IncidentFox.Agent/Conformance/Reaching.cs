using System.Globalization;
using System.Net;
using System.Net.Sockets;
using IncidentFox.Agent.Cage;
using IncidentFox.Agent.Gateway;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Conformance;

/// <summary>Ways out and ways in.</summary>
internal static class Reaching
{
    // Policies are enforced a moment after a pod starts: 0.5 to 1.2 s were measured. What is open after this stays open.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);
    private static Socket? _listener;

    /// <summary>Tries what no agent may reach, and what else it is told, until all of it is out of reach twice in a row.</summary>
    public static async Task TryAsync(IReadOnlyList<IPEndPoint> more, ActReport report)
    {
        CageTarget[] targets = [.. CageProbes.Everywhere(), .. ApiServer(), .. more.Select(address => new CageTarget("told", address))];
        var since = TimeProvider.System.GetTimestamp();
        IReadOnlyList<CageProbe> probes;
        for (var refused = 0; ; await Task.Delay(Pause))
        {
            probes = await CageProbes.TryAsync(targets, CancellationToken.None);
            refused = probes.Any(p => p.Reached) ? 0 : refused + 1;
            if (refused == 2 || TimeProvider.System.GetElapsedTime(since) > Patience)
                break;
        }
        report.Line("reach", json =>
        {
            json.WriteNumber("tried", targets.Length);
            json.WriteNumber("told", more.Count);
            json.WriteNumber("after_ms", (long)TimeProvider.System.GetElapsedTime(since).TotalMilliseconds);
            ActReport.Names(json, "reached", [.. probes.Where(p => p.Reached).Select(p => p.Target)]);
        });
    }

    // Kubernetes tells every container where its API is.
    private static IEnumerable<CageTarget> ApiServer()
    {
        var environment = Environment.GetEnvironmentVariables();
        return IPAddress.TryParse(environment["KUBERNETES_SERVICE_HOST"] as string, out var address)
            && int.TryParse(environment["KUBERNETES_SERVICE_PORT"] as string, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and < 65536
            ? [new CageTarget("api", new IPEndPoint(address, port))]
            : [];
    }

    /// <summary>Tries a socket that is somebody else's.</summary>
    public static async Task DialAsync(string path, ActReport report)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var outcome = "Connected";
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException e)
        {
            outcome = e.SocketErrorCode.ToString();
        }
        report.Line("dial", json => json.WriteString("outcome", outcome));
    }

    /// <summary>Says hello at its own door, as an agent does first.</summary>
    public static async Task KnockAsync(GatewayClient door, ActReport report)
    {
        var hello = new AgentHello { AgentVersion = "conform", Cage = await CageProbes.TryAsync(CageProbes.Everywhere(), CancellationToken.None) };
        var body = MessageCodec.Write(hello, ContractsJson.Default.AgentHello);
        var since = TimeProvider.System.GetTimestamp();
        var reply = await door.PostAsync(Protocol.HelloPath, body, CancellationToken.None);
        while (reply.Unreachable && TimeProvider.System.GetElapsedTime(since) < Patience)
        {
            await Task.Delay(Pause);
            reply = await door.PostAsync(Protocol.HelloPath, body, CancellationToken.None);
        }
        report.Line("knock", json =>
        {
            if (reply.Status is { } status)
                json.WriteNumber("status", (int)status);
            else
                json.WriteString("problem", reply.Problem?.Length > 200 ? reply.Problem[..200] : reply.Problem);
        });
    }

    /// <summary>Listens on every address it has, until it ends.</summary>
    public static void Listen(int port, ActReport report)
    {
        var problem = "";
        try
        {
            _listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            _listener.Bind(new IPEndPoint(IPAddress.Any, port));
            _listener.Listen();
        }
        catch (SocketException e)
        {
            problem = e.SocketErrorCode.ToString();
        }
        report.Line("listen", json => json.WriteString("problem", problem));
    }
}
