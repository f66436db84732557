using System.Net;
using System.Net.Sockets;

namespace IncidentFox.Workbench.Processes;

internal static class FreePort
{
    /// <summary>A loopback port that nothing listens on now. Somebody may take it before the server does: callers try again.</summary>
    public static int Find()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
