using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace IncidentFox.EndToEnd.Kit;

/// <summary>A request to the product's Slack door, written byte by byte: what Slack would send, or somebody who pretends to be Slack.</summary>
internal sealed class SlackRequest(string signingSecret)
{
    private static int lastSource = 1;

    public string Path { get; init; } = "/slack/commands";

    public string Body { get; init; } = "";

    public string ContentType { get; init; } = "application/x-www-form-urlencoded";

    /// <summary>How long ago it was signed.</summary>
    public TimeSpan Age { get; init; }

    /// <summary>Set to send another signature than the right one.</summary>
    public string? Signature { get; init; }

    /// <summary>Slack's retry number; 0: the first try.</summary>
    public int Retry { get; init; }

    /// <summary>Sent once, it can be sent again byte for byte.</summary>
    public long Timestamp { get; } = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>An address of its own for each request that is to be refused: refusals are recorded once per source and minute.</summary>
    public IPAddress Source { get; } = new([127, 0, 1, (byte)Interlocked.Increment(ref lastSource)]);

    /// <summary>A command's form, as Slack writes it.</summary>
    public static string Command(string text, string triggerId) =>
        "token=legacy&team_id=T0ACME0001&team_domain=acme-shop&channel_id=C0INCIDENT&channel_name=incidents&user_id=U0OMAR0001&user_name=omar"
        + $"&command=%2Fincidentfox&text={WebUtility.UrlEncode(text)}&api_app_id=A0FOX00001&trigger_id={triggerId}";

    public async Task<(int Status, string Body)> SendAsync(Uri product)
    {
        using var http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (context, ct) =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(Source, 0));
                await socket.ConnectAsync(context.DnsEndPoint, ct);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        var timestamp = (Timestamp - (long)Age.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        var mac = HMACSHA256.HashData(Encoding.UTF8.GetBytes(signingSecret), Encoding.UTF8.GetBytes($"v0:{timestamp}:{Body}"));
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(product, Path)) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(Body)) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", ContentType);
        request.Headers.Add("X-Slack-Request-Timestamp", timestamp);
        request.Headers.Add("X-Slack-Signature", Signature ?? $"v0={Convert.ToHexStringLower(mac)}");
        if (Retry > 0)
        {
            request.Headers.Add("X-Slack-Retry-Num", Retry.ToString(CultureInfo.InvariantCulture));
            request.Headers.Add("X-Slack-Retry-Reason", "http_timeout");
        }
        using var answer = await http.SendAsync(request);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }
}
