using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Scrubbing;

namespace IncidentFox.Gateway.Sending;

/// <summary>
/// A command in a container, over the API server's WebSocket (subprotocol <c>v5.channel.k8s.io</c>: the first byte of a message is its channel, 1 and 2 are
/// the command's output, 3 is how it ended). Nothing is ever sent to the command. Output is bounded and scrubbed, each stream by itself, before it becomes
/// JSON: <c>exit_code, stdout, stderr, stdout_bytes, stderr_bytes</c>.
/// </summary>
internal static class KubernetesExec
{
    /// <summary>Most bytes of each stream that are passed on; the rest is counted.</summary>
    public const int MaxOutput = 16 * 1024;

    private const string Protocol = "v5.channel.k8s.io";
    private const int MaxStatus = 64 * 1024;
    private const string HandshakeSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";   // RFC 6455, section 1.3

    // What the kubelet and the runtime say before the command was started. Any other failure may have come later.
    private static readonly string[] NeverStarted = ["failed to start exec", "unable to upgrade connection"];

    /// <summary>Asks for a WebSocket.</summary>
    public static void Upgrade(HttpRequestMessage message)
    {
        message.Headers.TryAddWithoutValidation("Connection", "Upgrade");
        message.Headers.TryAddWithoutValidation("Upgrade", "websocket");
        message.Headers.TryAddWithoutValidation("Sec-WebSocket-Version", "13");
        message.Headers.TryAddWithoutValidation("Sec-WebSocket-Key", Convert.ToBase64String(RandomNumberGenerator.GetBytes(16)));
        message.Headers.TryAddWithoutValidation("Sec-WebSocket-Protocol", Protocol);
    }

    /// <summary>Listens to the end of the command. An answer of 400 says that it was never started, one of 500 that nobody knows.</summary>
    public static async Task<UpstreamResult> RunAsync(
        HttpRequestMessage message, HttpResponseMessage response, Integration integration, SecretPatterns patterns, UpstreamExchange exchange)
    {
        if (!IsAccepted(message, response))
            return new UpstreamResult.Failed("response_refused", $"{integration.Name} took up a WebSocket in a way that can't be trusted.", mayHaveRun: true);
        await using var stream = await response.Content.ReadAsStreamAsync(exchange.Ends);
        using var socket = WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { SubProtocol = Protocol, KeepAliveInterval = TimeSpan.Zero });
        var (stdout, stderr, status) = (new Kept(MaxOutput), new Kept(MaxOutput), new Kept(MaxStatus));
        var buffer = new byte[16 * 1024];
        var (channel, isFirst) = (-1, true);
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(), exchange.Ends);
            if (received.MessageType == WebSocketMessageType.Close)
                break;
            var piece = buffer.AsMemory(0, received.Count);
            if (isFirst && piece.Length > 0)
            {
                channel = piece.Span[0];
                piece = piece[1..];
                isFirst = false;
            }
            (channel switch { 1 => stdout, 2 => stderr, 3 => status, _ => null })?.Add(piece.Span);
            isFirst = received.EndOfMessage || (isFirst && piece.Length == 0);
        }
        async Task<string> CleanAsync(Kept kept) => await ScrubAsync(kept.Bytes, integration, patterns, exchange.Ends);
        if (status.Total == 0 || status.IsCut)
            return new UpstreamResult.Failed("upstream_unreachable", $"{integration.Name} ended the connection before it said how the command ended.", mayHaveRun: true);
        var end = ExecEnd.Parse(await CleanAsync(status));
        var answer = end.ExitCode is null
            ? new JsonObject { ["message"] = end.Message }
            : new JsonObject
            {
                ["exit_code"] = end.ExitCode, ["stdout"] = await CleanAsync(stdout), ["stderr"] = await CleanAsync(stderr),
                ["stdout_bytes"] = stdout.Total, ["stderr_bytes"] = stderr.Total,
            };
        var code = end.ExitCode is not null ? 200 : stdout.Total + stderr.Total == 0 && NeverStarted.Any(n => end.Message.Contains(n, StringComparison.Ordinal)) ? 400 : 500;
        return new UpstreamResult.Response(code, [], "application/json", new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(answer)), exchange.ReleaseAsync);
    }

    // An answer of 200 to a request for a WebSocket is none.
    private static bool IsAccepted(HttpRequestMessage message, HttpResponseMessage response)
    {
        if (response.StatusCode != HttpStatusCode.SwitchingProtocols)
            return false;
        var key = message.Headers.NonValidated["Sec-WebSocket-Key"].ToString();
#pragma warning disable CA5350 // the protocol's own digest (RFC 6455): it shows that the other end speaks WebSocket, and guards nothing
        var accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + HandshakeSuffix)));
#pragma warning restore CA5350
        return One(response, "Sec-WebSocket-Accept") == accept && One(response, "Sec-WebSocket-Protocol") == Protocol
            && string.Equals(One(response, "Upgrade"), "websocket", StringComparison.OrdinalIgnoreCase);
    }

    private static string? One(HttpResponseMessage response, string name) =>
        response.Headers.NonValidated.TryGetValues(name, out var values) && values.Count == 1 ? values.ToString() : null;

    private static async Task<string> ScrubAsync(byte[] bytes, Integration integration, SecretPatterns patterns, CancellationToken cancellationToken)
    {
        await using var clean = new ScrubbingStream(new MemoryStream(bytes), patterns, integration.Scrub.Foreign, integration.Name, bytes.Length);
        var text = new MemoryStream();
        await clean.CopyToAsync(text, cancellationToken);
        return Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length);
    }

    // The beginning of what came, and how much it was.
    private sealed class Kept(int most)
    {
        private readonly MemoryStream _bytes = new();

        public byte[] Bytes => _bytes.ToArray();

        public long Total { get; private set; }

        public bool IsCut => Total > _bytes.Length;

        public void Add(ReadOnlySpan<byte> piece)
        {
            Total += piece.Length;
            _bytes.Write(piece[..(int)Math.Min(piece.Length, most - _bytes.Length)]);
        }
    }
}

/// <summary>How a command ended, as the API server's status object says.</summary>
/// <param name="ExitCode">Null: it was not started, or nobody knows.</param>
/// <param name="Message">The API server's own words.</param>
internal readonly record struct ExecEnd(int? ExitCode, string Message)
{
    public static ExecEnd Parse(string text)
    {
        try
        {
            if (JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { MaxDepth = 16 }) is not JsonObject status)
                return new(null, "The API server did not say how the command ended.");
            var message = Text(status, "message") ?? "The API server did not say how the command ended.";
            return Text(status, "status") == "Success" ? new(0, "")
                : Text(status, "reason") == "NonZeroExitCode" ? new(Code(status), message)
                : new(null, message);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            // An object with a member twice shows when it is read.
            return new(null, "The API server did not say how the command ended.");
        }
    }

    private static int? Code(JsonObject status) =>
        (status["details"] as JsonObject)?["causes"] is JsonArray causes
        && causes.OfType<JsonObject>().FirstOrDefault(c => Text(c, "reason") == "ExitCode") is { } cause
        && int.TryParse(Text(cause, "message"), out var code) ? code : null;

    private static string? Text(JsonObject o, string name) => o[name] is JsonValue v && v.TryGetValue<string>(out var text) ? text : null;
}
