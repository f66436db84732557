using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.SlackWorkspace.Acts;
using IncidentFox.Workbench.SlackWorkspace.Api;
using IncidentFox.Workbench.SlackWorkspace.Control;
using IncidentFox.Workbench.SlackWorkspace.Deliveries;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace IncidentFox.Workbench.SlackWorkspace;

/// <summary>
/// A Slack workspace on this machine: the Web API with Slack's limits and errors, signed deliveries, Socket Mode, and a page on which
/// one can be any of its people. It knows nothing of the product; whatever speaks Slack's API can be tried against it.
/// </summary>
public sealed class SlackDouble : IAsyncDisposable
{
    private readonly WebApplication web;
    private readonly Courier courier;
    private readonly SocketDoor sockets;
    private readonly SlackApi api;
    private readonly People people;
    private readonly EventMaker events;

    private SlackDouble(SlackDoubleOptions options)
    {
        Options = options;
        var changes = new Changes();
        State = new SlackWorkspaceState(options.TimeProvider, changes);
        sockets = new SocketDoor(options, changes);
        courier = new Courier(options, sockets, Deliveries);
        events = new EventMaker(options, State, courier);
        var triggers = new Triggers(options);
        var urls = new ResponseUrls(options, State);
        Uri Here() => Url;
        people = new People(options, State, courier, new Payloads(triggers, urls, Here), urls, events, sockets);
        api = new SlackApi(options, sockets, Here,
        [
            .. new ChatMethods(State, Here, events.Told).All(options.Limits),
            .. new ViewMethods(State, triggers).All(options.Limits),
            .. new DirectoryMethods(State, Here).All(options.Limits),
        ]);
        web = Routes.Build(this, options, api, sockets, urls);
    }

    public SlackDoubleOptions Options { get; }

    /// <summary>The page's address, with the port that was taken.</summary>
    public Uri Url { get; private set; } = new("http://127.0.0.1/");

    /// <summary>What a product sets as Slack's API address.</summary>
    public Uri ApiBaseUrl => new(Url, "api/");

    /// <summary>Where the app under test listens; may be set once it does.</summary>
    public Uri? AppBaseUrl
    {
        get => courier.App;
        set
        {
            courier.App = value is null ? null : new Uri(value.ToString().TrimEnd('/') + "/");
            State.Changes.Tell("app");
        }
    }

    public SlackWorkspaceState State { get; }

    /// <summary>Every Web API call, in order.</summary>
    public Record<ApiCall> ApiCalls => api.Calls;

    /// <summary>Every attempt to deliver something to the app, in order.</summary>
    public Record<DeliveryAttempt> Deliveries { get; } = new();

    public int SocketConnections => sockets.Count;

    public static async Task<SlackDouble> StartAsync(SlackDoubleOptions options, CancellationToken ct = default)
    {
        var workspace = new SlackDouble(options);
        await workspace.web.StartAsync(ct);
        workspace.Url = new Uri(workspace.web.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        workspace.AppBaseUrl = options.AppBaseUrl;
        return workspace;
    }

    /// <summary>Types a slash command. Channels go by id or name.</summary>
    public Task<DeliveryResult> RunCommandAsync(string userId, string channel, string command, CancellationToken ct = default) =>
        people.RunCommandAsync(userId, channel, command, ct);

    /// <summary>Clicks a button (or chooses <paramref name="value"/> in a select) of a message.</summary>
    public Task<DeliveryResult> ClickAsync(string userId, string channel, string ts, string actionId, string? value = null, string? blockId = null, IReadOnlyDictionary<string, string>? values = null, CancellationToken ct = default) =>
        people.ClickAsync(userId, channel, ts, actionId, value, blockId, values, ct);

    public Task<DeliveryResult> ClickInViewAsync(string userId, string viewId, string actionId, string? value = null, IReadOnlyDictionary<string, string>? values = null, CancellationToken ct = default) =>
        people.ClickInViewAsync(userId, viewId, actionId, value, values, ct);

    /// <summary>Submits a modal; values by block id or <c>block_id/action_id</c>.</summary>
    public Task<DeliveryResult> SubmitViewAsync(string userId, string viewId, IReadOnlyDictionary<string, string> values, CancellationToken ct = default) =>
        people.SubmitViewAsync(userId, viewId, values, ct);

    public Task CloseViewAsync(string userId, string viewId, CancellationToken ct = default) => people.CloseViewAsync(userId, viewId, ct);

    public Task<DeliveryResult> RunShortcutAsync(string userId, string channel, string ts, string callbackId, CancellationToken ct = default) =>
        people.RunShortcutAsync(userId, channel, ts, callbackId, ct);

    /// <summary>Says something; <c>@incidentfox</c> mentions the app. Events follow in the background.</summary>
    public Task<Message> SayAsync(string userId, string channel, string text, string? threadTs = null) => Task.FromResult(people.Say(userId, channel, text, threadTs));

    public void OpenHome(string userId) => events.HomeOpened(userId);

    /// <summary>The next calls of a method answer with this error: a Slack error code, <c>http_503</c>, or <c>lost_response</c> (done, but the caller can't know).</summary>
    public void FailNext(string method, string error, int count = 1) => api.Faults.FailNext(method, error, count);

    /// <summary>A method answers 429 until then.</summary>
    public void RateLimit(string method, TimeSpan retryAfter) => api.Limits.Shut(method, retryAfter);

    /// <summary>Slack is down: the API answers 503, nothing is delivered, Socket Mode connections break.</summary>
    public async Task OutageAsync(bool isOut)
    {
        api.IsOut = courier.IsOut = isOut;
        if (isOut) await sockets.RefreshAsync(abort: true, CancellationToken.None);
    }

    /// <summary>Asks Socket Mode clients to reconnect (<c>refresh_requested</c>), or cuts them without a word.</summary>
    public Task RefreshSocketsAsync(bool abort = false) => sockets.RefreshAsync(abort, CancellationToken.None);

    /// <summary>The handshake that Slack makes when an events URL is entered: true when the app repeats the challenge.</summary>
    public async Task<bool> VerifyEventsUrlAsync(CancellationToken ct = default)
    {
        var challenge = Guid.NewGuid().ToString("N");
        var payload = new JsonObject { ["token"] = "workbench", ["challenge"] = challenge, ["type"] = "url_verification" };
        var result = await courier.DeliverAsync(new Delivery(DeliveryKind.Event, "url_verification", challenge, payload), ct);
        return result.IsAnswered && Echoed(result.Body) == challenge;
    }

    private static string? Echoed(string body)
    {
        try
        {
            return JsonNode.Parse(body) is JsonObject json ? json["challenge"]?.ToString() : body.Trim();
        }
        catch (JsonException)
        {
            return body.Trim();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await sockets.RefreshAsync(abort: true, CancellationToken.None);
        await courier.DisposeAsync();
        await web.DisposeAsync();
    }
}
