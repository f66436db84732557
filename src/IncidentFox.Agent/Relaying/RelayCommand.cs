using System.Net;
using System.Net.Sockets;

namespace IncidentFox.Agent.Relaying;

/// <summary><c>incidentfox-agent relay --listen 127.0.0.1:3128 [--socket PATH]</c>, for tools that are pointed at a proxy by HTTPS_PROXY.</summary>
internal static class RelayCommand
{
    public const string Usage = "usage: incidentfox-agent relay --listen 127.0.0.1:PORT [--socket path of the gateway's socket]";

    /// <summary>What the arguments ask for; null when they can't be read. Only loopback: others must not be let in.</summary>
    public static (IPEndPoint Listen, string Socket)? Parse(IReadOnlyList<string> arguments)
    {
        IPEndPoint? listen = null;
        string? socket = null;
        for (var i = 0; i + 1 < arguments.Count; i += 2)
        {
            if (arguments[i] == "--listen" && listen is null && IPEndPoint.TryParse(arguments[i + 1], out var address)
                && address is { AddressFamily: AddressFamily.InterNetwork, Port: > 0 } && IPAddress.IsLoopback(address.Address))
                listen = address;
            else if (arguments[i] == "--socket" && socket is null && arguments[i + 1].StartsWith('/'))
                socket = arguments[i + 1];
            else
                return null;
        }
        return listen is null || arguments.Count % 2 != 0 ? null : (listen, socket ?? Program.DefaultSocket);
    }

    /// <summary>Runs until it is ended.</summary>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, TextWriter says)
    {
        if (Parse(arguments) is not var (listen, socket))
        {
            await says.WriteLineAsync(Usage);
            return ExitCodes.Usage;
        }
        try
        {
            using var relay = new Relay(listen, socket);
            await says.WriteLineAsync($"relaying {relay.Address} to {socket}");
            await relay.RunAsync(CancellationToken.None);
            return ExitCodes.Done;
        }
        catch (SocketException e)
        {
            await says.WriteLineAsync($"{listen} can't be listened on ({e.SocketErrorCode}): choose another port.");
            return ExitCodes.Usage;
        }
    }
}
