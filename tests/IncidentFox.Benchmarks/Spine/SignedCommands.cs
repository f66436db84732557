using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using IncidentFox.Workbench.SlackWorkspace;

namespace IncidentFox.Benchmarks.Spine;

/// <summary>
/// Slash commands as Slack posts them, signed, each with a trigger of its own. Sent straight to the product: the workspace double would spend the time of
/// the same processors on its page, its record and its checks.
/// </summary>
internal sealed class SignedCommands : IDisposable
{
    private readonly HttpClient _http;
    private readonly byte[] _secret;
    private long _triggers;

    public SignedCommands(Uri product, string signingSecret, int connections)
    {
        _secret = Encoding.UTF8.GetBytes(signingSecret);
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, MaxConnectionsPerServer = connections })
        {
            BaseAddress = product,
            Timeout = TimeSpan.FromSeconds(15),
        };
    }

    /// <summary>Sends <c>/incidentfox {text}</c> as the operator and returns how long its answer took. Anything but an acknowledgement throws.</summary>
    public async Task<TimeSpan> SendAsync(string text, CancellationToken cancellationToken)
    {
        var body = await new FormUrlEncodedContent(Fields(text)).ReadAsByteArrayAsync(cancellationToken);
        var timestamp = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/slack/commands") { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-www-form-urlencoded");
        request.Headers.Add("X-Slack-Request-Timestamp", timestamp);
        request.Headers.Add("X-Slack-Signature", Signature(timestamp, body));
        var started = Stopwatch.GetTimestamp();
        using var answer = await _http.SendAsync(request, cancellationToken);
        var said = await answer.Content.ReadAsStringAsync(cancellationToken);
        var took = Stopwatch.GetElapsedTime(started);
        // An answer without words is an acknowledgement too: it is what leaves when the work takes longer than Slack waits.
        return answer.StatusCode == HttpStatusCode.OK && (said.Length == 0 || said.Contains("response_type", StringComparison.Ordinal))
            ? took
            : throw new InvalidOperationException($"/incidentfox {text} was answered with {(int)answer.StatusCode}: {said}");
    }

    public void Dispose() => _http.Dispose();

    private string Signature(string timestamp, byte[] body)
    {
        byte[] signed = [.. Encoding.UTF8.GetBytes($"v0:{timestamp}:"), .. body];
        return $"v0={Convert.ToHexStringLower(HMACSHA256.HashData(_secret, signed))}";
    }

    private Dictionary<string, string> Fields(string text) => new(StringComparer.Ordinal)
    {
        ["token"] = "bench",
        ["team_id"] = DemoPeople.TeamId,
        ["team_domain"] = DemoPeople.TeamDomain,
        ["channel_id"] = DemoPeople.Incidents,
        ["channel_name"] = "incidents",
        ["user_id"] = DemoPeople.Omar,
        ["user_name"] = "omar",
        ["command"] = "/incidentfox",
        ["text"] = text,
        ["api_app_id"] = DemoPeople.AppId,
        ["is_enterprise_install"] = "false",
        ["trigger_id"] = $"1000000000.2000000000.{Interlocked.Increment(ref _triggers):x8}",
    };
}
