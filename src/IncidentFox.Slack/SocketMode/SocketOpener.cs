using System.Net.WebSockets;
using IncidentFox.Slack.Inbound;
using IncidentFox.Slack.WebApi;

namespace IncidentFox.Slack.SocketMode;

/// <summary>A connection could not be opened; the message says why and what to do, and never holds the address, which is a credential.</summary>
internal sealed class SocketOpenException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Asks Slack for an address (<c>apps.connections.open</c>) and connects to it.</summary>
internal sealed class SocketOpener(SlackCaller caller, SlackOptions options, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan PingEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PongWithin = TimeSpan.FromSeconds(10);

    private readonly HttpMessageInvoker _http = new(SlackTransport.CreateHandler());

    public async Task<WebSocket> OpenAsync(CancellationToken cancellationToken)
    {
        var call = new SlackCall(
            new Uri(options.ApiBaseUrl, "apps.connections.open"), options.AppToken, [], "application/x-www-form-urlencoded", "apps.connections.open", TimeSpan.Zero, SafeToRepeat: false);
        var answer = await caller.CallAsync(call, root => root.RequiredText("url"), cancellationToken);
        if (!answer.Ok)
        {
            throw new SocketOpenException(Explain(answer.Error));
        }

        if (!Uri.TryCreate(answer.Value, UriKind.Absolute, out var address) || !IsSlacks(address))
        {
            throw new SocketOpenException("apps.connections.open answered with an address that is not Slack's; it was not used.");
        }

        using var limit = new CancellationTokenSource(ConnectLimit, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var socket = new ClientWebSocket();
        try
        {
            socket.Options.KeepAliveInterval = PingEvery;
            socket.Options.KeepAliveTimeout = PongWithin;
            await socket.ConnectAsync(address, _http, both.Token);
            return socket;
        }
        catch (Exception exception)
        {
            socket.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            throw new SocketOpenException($"the WebSocket could not be connected ({exception.GetType().Name})");
        }
    }

    public void Dispose() => _http.Dispose();

    private static string Explain(SlackError error) => error.Code switch
    {
        "invalid_auth" or "not_authed" or "token_revoked" or "token_expired" => $"Slack refuses the app token ({error.Code}): set Slack:AppToken to a valid app-level token (xapp-...).",
        "not_allowed_token_type" => "Slack:AppToken is not an app-level token: it starts with xapp-.",
        "missing_scope" => "The app token lacks the scope connections:write.",
        _ => $"apps.connections.open failed: {error.Code} (HTTP {error.HttpStatus})",
    };

    // The same host as the API, or one below it (wss-primary.slack.com); unencrypted only between loopback addresses.
    private bool IsSlacks(Uri address)
    {
        var api = options.ApiBaseUrl;
        if (address.Scheme == Uri.UriSchemeWs)
        {
            return address.IsLoopback && api.IsLoopback;
        }

        return address.Scheme == Uri.UriSchemeWss
            && (address.IdnHost.Equals(api.IdnHost, StringComparison.OrdinalIgnoreCase)
                || address.IdnHost.EndsWith("." + api.IdnHost, StringComparison.OrdinalIgnoreCase));
    }
}
