using System.Net.Sockets;
using System.Text;

namespace IncidentFox.TestKit.Probe;

/// <summary>A conversation with one sandbox probe: a command per line, its answer up to a line with a single dot.</summary>
public sealed class ProbeSession : IDisposable
{
    private readonly NetworkStream stream;
    private readonly StreamReader reader;

    public ProbeSession(Socket connection)
    {
        stream = new(connection, ownsSocket: true);
        reader = new(stream, Encoding.UTF8);
    }

    /// <summary>Sends a command and returns what it answers.</summary>
    public async Task<IReadOnlyList<string>> AskAsync(string command, CancellationToken cancellationToken)
    {
        await TellAsync(command, cancellationToken);
        var lines = new List<string>();
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line == ".")
            {
                return lines;
            }

            lines.Add(line);
        }

        throw new EndOfStreamException($"The probe went away while it was told: {command}");
    }

    /// <summary>The answer of a command that answers with one line.</summary>
    public async Task<string> AskOneAsync(string command, CancellationToken cancellationToken) =>
        string.Join('\n', await AskAsync(command, cancellationToken));

    /// <summary>Sends a command that has no answer, such as <c>exit 3</c> or <c>spin</c>.</summary>
    public async Task TellAsync(string command, CancellationToken cancellationToken) =>
        await stream.WriteAsync(Encoding.UTF8.GetBytes(command + "\n"), cancellationToken);

    /// <summary>The needles as the probe takes them: turned over, so that its own memory does not hold them.</summary>
    public static string Needles(params IEnumerable<string> secrets) =>
        string.Join(' ', secrets.Select(secret => Convert.ToHexString([.. Encoding.UTF8.GetBytes(secret).Select(value => (byte)(value ^ 0xA5))])));

    public void Dispose()
    {
        reader.Dispose();
        stream.Dispose();
    }
}
