using System.Net.Sockets;
using System.Text;
using IncidentFox.SandboxProbe;

// Dials its door and does as it is told, one command per line; every answer ends with a line holding a single dot.
if (args is not [var socketPath])
{
    Console.Error.WriteLine("usage: sandbox-probe <socket>");
    return 64;
}

if (CanaryAgent.IsAskedFor())
{
    return CanaryAgent.Run(socketPath);
}

using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
socket.Connect(new UnixDomainSocketEndPoint(socketPath));
using var stream = new NetworkStream(socket);
using var reader = new StreamReader(stream, Encoding.UTF8);
using var writer = new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true };
while (reader.ReadLine() is { } line)
{
    var words = line.Split(' ');
    if (words[0] == "exit")
    {
        return int.Parse(words[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    try
    {
        foreach (var answer in Commands.Run(words))
        {
            writer.WriteLine(answer);
        }
    }
    catch (Exception failure) when (failure is IOException or SocketException or UnauthorizedAccessException or OutOfMemoryException)
    {
        writer.WriteLine("failed " + failure.GetType().Name);
    }

    writer.WriteLine(".");
}

return 0;
