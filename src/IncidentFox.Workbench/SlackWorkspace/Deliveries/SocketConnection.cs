using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.SlackWorkspace.Deliveries;

/// <summary>One Socket Mode connection: sends envelopes, and matches acknowledgements to them.</summary>
internal sealed class SocketConnection(WebSocket socket)
{
    private readonly SemaphoreSlim sending = new(1, 1);
    private readonly ConcurrentDictionary<string, TaskCompletionSource<string?>> waiting = new();
    private volatile bool hasEnded;

    /// <summary>True once a disconnect message was sent: what arrives from now on goes to other connections.</summary>
    public bool IsRetiring { get; private set; }

    public async Task SendAsync(JsonObject message, CancellationToken ct)
    {
        await sending.WaitAsync(ct);
        try
        {
            await socket.SendAsync(Encoding.UTF8.GetBytes(message.ToJsonString()), WebSocketMessageType.Text, endOfMessage: true, ct);
        }
        finally
        {
            sending.Release();
        }
    }

    /// <summary>Sends an envelope and waits for its acknowledgement: the answer's payload, or null when the connection ended first.</summary>
    public async Task<string?> ExchangeAsync(string envelopeId, JsonObject envelope, CancellationToken ct)
    {
        var acknowledged = waiting.GetOrAdd(envelopeId, _ => new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously));
        try
        {
            await SendAsync(envelope, ct);
            return hasEnded ? null : await acknowledged.Task.WaitAsync(ct);
        }
        catch (Exception e) when (e is WebSocketException or ObjectDisposedException or InvalidOperationException)
        {
            return null;
        }
        finally
        {
            waiting.TryRemove(envelopeId, out _);
        }
    }

    /// <summary>Reads acknowledgements until the app or the workspace ends the connection.</summary>
    public async Task ReadAsync(CancellationToken ct)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (socket.State == WebSocketState.Open)
            {
                var length = 0;
                ValueWebSocketReceiveResult part;
                do
                {
                    if (length == buffer.Length) Array.Resize(ref buffer, buffer.Length * 2);
                    part = await socket.ReceiveAsync(buffer.AsMemory(length), ct);
                    length += part.Count;
                }
                while (!part.EndOfMessage);
                if (part.MessageType == WebSocketMessageType.Close) break;
                Acknowledge(buffer.AsSpan(0, length));
            }

            if (socket.State == WebSocketState.CloseReceived) await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, ct);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The connection is gone; whoever waits on it hears so below.
        }
        finally
        {
            hasEnded = true;
            foreach (var waiter in waiting.Values) waiter.TrySetResult(null);
        }
    }

    public async Task RetireAsync(string reason, CancellationToken ct)
    {
        IsRetiring = true;
        await SendAsync(new JsonObject { ["type"] = "disconnect", ["reason"] = reason, ["debug_info"] = new JsonObject { ["host"] = "workbench" } }, ct);
    }

    public void Abort() => socket.Abort();

    private void Acknowledge(ReadOnlySpan<byte> message)
    {
        try
        {
            if (JsonNode.Parse(message) is JsonObject json && json["envelope_id"]?.ToString() is { } id && waiting.TryGetValue(id, out var waiter))
            {
                waiter.TrySetResult(json["payload"]?.ToJsonString() ?? "");
            }
        }
        catch (JsonException)
        {
            // Not an acknowledgement: the envelope stays unanswered, as with Slack.
        }
    }
}
