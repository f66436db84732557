using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace IncidentFox.SandboxProbe;

/// <summary>Tries one way out. "open" means that something answered or took the packet; anything else is the error.</summary>
internal static class Reaching
{
    public static string Connect(string kind, string[] target)
    {
        try
        {
            switch (kind)
            {
                case "tcp":
                    Dial(ProtocolType.Tcp, Address(target), []);
                    break;
                case "udp":
                    Dial(ProtocolType.Udp, Address(target), [1, 2, 3, 4]);
                    break;
                case "unix":
                    Dial(ProtocolType.Unspecified, new UnixDomainSocketEndPoint(target[0]), []);
                    break;
                case "abstract":
                    Dial(ProtocolType.Unspecified, new UnixDomainSocketEndPoint("\0" + target[0]), []);
                    break;
                default:
                    return "unknown kind";
            }

            return "open";
        }
        catch (SocketException failure)
        {
            return "closed " + failure.SocketErrorCode;
        }
    }

    private static IPEndPoint Address(string[] target) =>
        new(IPAddress.Parse(target[0]), int.Parse(target[1], CultureInfo.InvariantCulture));

    private static void Dial(ProtocolType protocol, EndPoint endPoint, byte[] packet)
    {
        using var socket = new Socket(endPoint.AddressFamily, protocol == ProtocolType.Udp ? SocketType.Dgram : SocketType.Stream, protocol);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        try
        {
            socket.ConnectAsync(endPoint, limit.Token).AsTask().GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            throw new SocketException((int)SocketError.TimedOut);
        }

        if (packet.Length > 0)
        {
            socket.Send(packet);
        }
    }
}
