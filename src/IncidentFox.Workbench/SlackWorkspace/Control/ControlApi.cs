using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace IncidentFox.Workbench.SlackWorkspace.Control;

/// <summary>The workspace over HTTP, under <c>/_workspace</c>: what <see cref="SlackDouble"/> offers in code, for the page, the smoke run and other processes.</summary>
internal static class ControlApi
{
    internal static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) } };

    public static void Map(RouteGroupBuilder routes, SlackDouble workspace)
    {
        routes.MapGet("/state", () => Results.Json(Overview(workspace), Json));
        routes.MapGet("/changes", (HttpContext context) => ChangeStream.SendAsync(context, workspace.State.Changes));
        routes.MapGet("/channels/{channel}/messages", (string channel, string? user) => Results.Json(workspace.State.Messages(ChannelId(channel), user), Json));
        routes.MapGet("/people/{user}/views", (string user) => Results.Json(workspace.State.OpenViews(user).Select(v => v.ToSlack()), Json));
        routes.MapGet("/people/{user}/home", (string user) => Results.Json(workspace.State.Home(user)?.ToSlack(), Json));
        routes.MapGet("/people/{user}/ephemerals", (string user) => Results.Json(workspace.State.Ephemerals(user), Json));
        routes.MapGet("/record/api-calls", () => Results.Json(workspace.ApiCalls.All, Json));
        routes.MapGet("/record/deliveries", () => Results.Json(workspace.Deliveries.All, Json));

        Act<CommandAct>(routes, "command", (a, ct) => workspace.RunCommandAsync(a.User, a.Channel, a.Text, ct));
        Act<ClickAct>(routes, "click", (a, ct) => a.ViewId is { } view
            ? workspace.ClickInViewAsync(a.User, view, a.ActionId, a.Value, a.Values, ct)
            : workspace.ClickAsync(a.User, a.Channel ?? "", a.Ts ?? "", a.ActionId, a.Value, a.BlockId, a.Values, ct));
        Act<SubmitAct>(routes, "submit", (a, ct) => workspace.SubmitViewAsync(a.User, a.ViewId, a.Values, ct));
        Act<ShortcutAct>(routes, "shortcut", (a, ct) => workspace.RunShortcutAsync(a.User, a.Channel, a.Ts, a.CallbackId, ct));
        routes.MapPost("/act/say", async (SayAct a) => Results.Json(await SayAsync(workspace, a), Json));
        routes.MapPost("/act/close-view", async (CloseAct a, CancellationToken ct) => await workspace.CloseViewAsync(a.User, a.ViewId, ct));
        routes.MapPost("/act/open-home", (PersonAct a) => workspace.OpenHome(a.User));
        routes.MapPost("/act/dismiss", (DismissAct a) => workspace.State.Ephemerals(a.User).Any(m => m.Ts == a.Ts) && workspace.State.Remove(ChannelId(a.Channel), a.Ts));

        routes.MapPost("/app", (AppAct a) => workspace.AppBaseUrl = a.Url);
        routes.MapPost("/verify-events-url", async (CancellationToken ct) => new { verified = await workspace.VerifyEventsUrlAsync(ct) });
        routes.MapPost("/faults/fail-next", (FaultAct a) => workspace.FailNext(a.Method, a.Error, a.Count));
        routes.MapPost("/faults/rate-limit", (RateLimitAct a) => workspace.RateLimit(a.Method, TimeSpan.FromSeconds(a.Seconds)));
        routes.MapPost("/faults/outage", (OutageAct a) => workspace.OutageAsync(a.On));
        routes.MapPost("/faults/refresh-sockets", (RefreshAct a) => workspace.RefreshSocketsAsync(a.Abort));
    }

    private static void Act<T>(RouteGroupBuilder routes, string name, Func<T, CancellationToken, Task<DeliveryResult>> act)
        where T : class =>
        routes.MapPost($"/act/{name}", async (T body, CancellationToken ct) => Results.Json(await act(body, ct), Json));

    private static async Task<object> SayAsync(SlackDouble workspace, SayAct act)
    {
        try
        {
            return await workspace.SayAsync(act.User, act.Channel, act.Text, act.ThreadTs);
        }
        catch (ArgumentException e)
        {
            return DeliveryResult.NotSent(e.Message);
        }
    }

    private static object Overview(SlackDouble workspace) => new
    {
        Team = new { Id = DemoPeople.TeamId, Name = DemoPeople.TeamName },
        BotUser = DemoPeople.BotUserId,
        People = DemoPeople.All,
        Channels = DemoPeople.Channels.Select(c => new
        {
            c.Id,
            c.Name,
            c.Topic,
            c.Members,
            c.IsExternallyShared,
            HasBot = workspace.State.BotIsIn(c.Id),
            Latest = workspace.State.LatestTs(c.Id),
        }),
        DemoPeople.Groups,
        workspace.Options.Commands,
        workspace.Options.Shortcuts,
        workspace.Options.Links,
        HasHome = workspace.Options.Events.Contains("app_home_opened"),
        App = new { Url = workspace.AppBaseUrl, Sockets = workspace.SocketConnections },
    };

    private static string ChannelId(string idOrName) => Api.Roster.FindChannel(idOrName, byName: true)?.Id ?? idOrName;

    private sealed record CommandAct(string User, string Channel, string Text);

    private sealed record ClickAct(string User, string? Channel, string? Ts, string? ViewId, string ActionId, string? BlockId, string? Value, Dictionary<string, string>? Values);

    private sealed record SubmitAct(string User, string ViewId, Dictionary<string, string> Values);

    private sealed record ShortcutAct(string User, string Channel, string Ts, string CallbackId);

    private sealed record SayAct(string User, string Channel, string Text, string? ThreadTs);

    private sealed record CloseAct(string User, string ViewId);

    private sealed record PersonAct(string User);

    private sealed record DismissAct(string User, string Channel, string Ts);

    private sealed record AppAct(Uri? Url);

    private sealed record FaultAct(string Method, string Error, int Count = 1);

    private sealed record RateLimitAct(string Method, double Seconds);

    private sealed record OutageAct(bool On);

    private sealed record RefreshAct(bool Abort);
}
