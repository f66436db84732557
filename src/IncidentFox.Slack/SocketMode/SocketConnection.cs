using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using IncidentFox.Slack.BlockKit;
using IncidentFox.Slack.Inbound;

namespace IncidentFox.Slack.SocketMode;

/// <summary>
/// One open connection: reads envelopes, acknowledges those that were handled, and says when it wants to be replaced.
/// It goes on reading until it is closed, so that nothing is lost while its successor is being opened.
/// </summary>
internal sealed class SocketConnection : IAsyncDisposable
{
    private const int MaxMessageBytes = 2 * 1024 * 1024;
    private const int MaxInFlight = 64;
    private static readonly TimeSpan HelloLimit = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan CloseLimit = TimeSpan.FromMilliseconds(500);

    private readonly WebSocket _socket;
    private readonly EnvelopeHandler _handler;
    private readonly SemaphoreSlim _sending = new(1);
    private readonly SemaphoreSlim _slots = new(MaxInFlight);
    private readonly CancellationTokenSource _closing = new();
    private readonly TaskCompletionSource _hello = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<string> _replace = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _reading;

    private SocketConnection(WebSocket socket, EnvelopeHandler handler)
    {
        _socket = socket;
        _handler = handler;
        _reading = Task.Run(ReadAllAsync);
    }

    /// <summary>Completes when the connection is gone.</summary>
    public Task Ended => _reading;

    /// <summary>Completes with Slack's reason when it asks for a new connection.</summary>
    public Task<string> ReplacementWanted => _replace.Task;

    /// <summary>Returns when Slack has said hello, so that this connection can take over from another.</summary>
    public static async Task<SocketConnection> OpenAsync(SocketOpener opener, EnvelopeHandler handler, TimeProvider clock, CancellationToken cancellationToken)
    {
        var connection = new SocketConnection(await opener.OpenAsync(cancellationToken), handler);
        try
        {
            await Task.WhenAny(connection._hello.Task, connection._reading).WaitAsync(HelloLimit, clock, cancellationToken);
            return connection._hello.Task.IsCompleted ? connection : throw new SocketOpenException("the connection was closed before Slack said hello");
        }
        catch (TimeoutException timeout)
        {
            await connection.DisposeAsync();
            throw new SocketOpenException("Slack did not say hello in time", timeout);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Lets what is in flight be acknowledged, then closes. Bounded: under three seconds.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            // Holding every slot means that nothing is in flight and nothing new starts.
            using var limit = new CancellationTokenSource(DrainLimit);
            for (var i = 0; i < MaxInFlight; i++)
            {
                await _slots.WaitAsync(limit.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // What is still running is not acknowledged, and comes again.
        }

        try
        {
            using var limit = new CancellationTokenSource(CloseLimit);
            if (_socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            {
                await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token);
                await _reading.WaitAsync(limit.Token);
            }
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or InvalidOperationException)
        {
            // It is being thrown away anyway.
        }

        await _closing.CancelAsync();
        _socket.Abort();
        await _reading;
        _socket.Dispose();
    }

    private async Task ReadAllAsync()
    {
        try
        {
            while (await ReceiveAsync() is { } message)
            {
                await TakeAsync(message);
            }
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or InvalidOperationException or IOException)
        {
            // The connection is gone; what was not acknowledged comes again on another one.
        }
    }

    private async Task<ReadOnlyMemory<byte>?> ReceiveAsync()
    {
        using var message = new MemoryStream();
        var chunk = new byte[16 * 1024];
        while (true)
        {
            var part = await _socket.ReceiveAsync(chunk.AsMemory(), _closing.Token);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }

            if (message.Length + part.Count > MaxMessageBytes)
            {
                await _handler.RefuseAsync(SlackRefusalReasons.Oversized);
                return null;
            }

            message.Write(chunk, 0, part.Count);
            if (part.EndOfMessage)
            {
                return message.ToArray();
            }
        }
    }

    private async Task TakeAsync(ReadOnlyMemory<byte> message)
    {
        var document = SlackJson.TryParse(message);
        if (document is not { RootElement.ValueKind: JsonValueKind.Object } || Header(document.RootElement) is not { } header)
        {
            document?.Dispose();
            await _handler.RefuseAsync(SlackRefusalReasons.Malformed);
            return;
        }

        switch (header.Type)
        {
            case "hello":
                _hello.TrySetResult();
                document.Dispose();
                break;
            case "disconnect":
                _replace.TrySetResult(header.Reason ?? "unknown");
                document.Dispose();
                break;
            default:
                // A full house holds the reading back, and with it Slack.
                await _slots.WaitAsync(_closing.Token);
                _ = Task.Run(() => HandleAsync(header.EnvelopeId, header.Type, document));
                break;
        }
    }

    private async Task HandleAsync(string? envelopeId, string type, JsonDocument document)
    {
        try
        {
            if (envelopeId is null)
            {
                await _handler.RefuseAsync(SlackRefusalReasons.Malformed);
            }
            else if (await _handler.HandleAsync(envelopeId, type, document.RootElement) is { } acknowledgement)
            {
                await SendAsync(acknowledgement);
            }
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or InvalidOperationException)
        {
            // Not acknowledged: it comes again, and is then known to have run.
        }
        finally
        {
            document.Dispose();
            _slots.Release();
        }
    }

    private async Task SendAsync(string text)
    {
        await _sending.WaitAsync(_closing.Token);
        try
        {
            await _socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, _closing.Token);
        }
        finally
        {
            _sending.Release();
        }
    }

    private static (string Type, string? EnvelopeId, string? Reason)? Header(JsonElement root)
    {
        try
        {
            return SlackDeliveries.Guarded(() =>
                (root.RequiredText("type"), root.Text("envelope_id") is { Length: > 0 and <= 200 } id ? id : null, root.Text("reason")));
        }
        catch (MalformedPayloadException)
        {
            return null;
        }
    }
}
