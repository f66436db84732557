using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Cluster;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>A command's output and end on the channels of <c>v5.channel.k8s.io</c>: the first byte of every message is its channel.</summary>
internal sealed class ExecStream(WebSocket socket, bool stdout, bool stderr)
{
    private const byte Output = 1;
    private const byte Errors = 2;
    private const byte Status = 3;
    private const int PieceSize = 32 * 1024;

    public async Task RunAsync(Func<CancellationToken, ExecStart> start, CancellationToken aborted)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        try
        {
            // The first message holds nothing but its channel.
            await SendAsync(stdout ? Output : stderr ? Errors : Status, [], aborted);
            var gone = WaitForCloseAsync(aborted);
            var end = !stdout && !stderr
                ? Failure("unable to upgrade connection: you must specify at least 1 of stdin, stdout, stderr")
                : await RunAsync(start(stop.Token), gone, aborted);
            if (end is not null)
            {
                await SendAsync(Status, Encoding.UTF8.GetBytes(end.Compacted()), aborted);
            }

            await stop.CancelAsync();
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, statusDescription: null, aborted);
            await gone;
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            await stop.CancelAsync();
        }
    }

    private async Task<JsonObject?> RunAsync(ExecStart started, Task gone, CancellationToken aborted)
    {
        if (started.Running is not { } running)
        {
            return Failure(started.Problem!);
        }

        if (await Task.WhenAny(running, gone) == gone)
        {
            return null; // whoever asked has left; there is nobody to tell
        }

        var result = await running;
        await SendAllAsync(Output, stdout ? result.Output : [], aborted);
        await SendAllAsync(Errors, stderr ? result.Errors : [], aborted);
        return result.ExitCode == 0 ? new() { ["metadata"] = new JsonObject(), ["status"] = "Success" } : new()
        {
            ["metadata"] = new JsonObject(),
            ["status"] = "Failure",
            ["message"] = $"command terminated with non-zero exit code: command terminated with exit code {result.ExitCode}",
            ["reason"] = "NonZeroExitCode",
            ["details"] = new JsonObject { ["causes"] = new JsonArray(new JsonObject { ["reason"] = "ExitCode", ["message"] = $"{result.ExitCode}" }) },
        };
    }

    private static JsonObject Failure(string why) => new()
    {
        ["metadata"] = new JsonObject(),
        ["status"] = "Failure",
        ["message"] = $"Internal error occurred: {why}",
        ["reason"] = "InternalError",
        ["details"] = new JsonObject { ["causes"] = new JsonArray(new JsonObject { ["message"] = why }) },
        ["code"] = 500,
    };

    private async Task WaitForCloseAsync(CancellationToken aborted)
    {
        var ignored = new byte[1024];
        try
        {
            while ((await socket.ReceiveAsync(ignored.AsMemory(), aborted)).MessageType != WebSocketMessageType.Close)
            {
                // Nothing is read from whoever listens.
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            // Gone without a word.
        }
    }

    private async Task SendAllAsync(byte channel, byte[] bytes, CancellationToken aborted)
    {
        foreach (var piece in bytes.Chunk(PieceSize))
        {
            await SendAsync(channel, piece, aborted);
        }
    }

    private ValueTask SendAsync(byte channel, byte[] piece, CancellationToken aborted) =>
        socket.SendAsync(new ReadOnlyMemory<byte>([channel, .. piece]), WebSocketMessageType.Binary, endOfMessage: true, aborted);
}
