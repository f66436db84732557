using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Chaos.World;
using IncidentFox.Core;
using IncidentFox.Workbench.SlackWorkspace;
using IncidentFox.Workbench.Stack;

namespace IncidentFox.Chaos.Histories;

/// <summary>One history at work: asks, clicks and breaks things by its plan.</summary>
internal sealed class HistoryRun(ChaosWorld world, HistoryPlan plan, int number) : IDisposable
{
    private const int Attempts = 3;
    private static readonly TimeSpan Again = TimeSpan.FromMilliseconds(600);

    // Within this an answer is the answer to what was done; later Slack only hears that it is under way.
    private static readonly TimeSpan Slackens = TimeSpan.FromSeconds(2.5);
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = TimeSpan.FromSeconds(10) };
    private readonly List<(string Key, PlannedClick Planned, int? Status, bool Quick)> _clicks = [];
    private readonly Dictionary<string, (string Key, PlannedClick Planned, byte[] Body, string Timestamp)> _last = [];
    private byte[] _digest = [];

    public HistoryPlan Plan => plan;

    public ApprovalId Id { get; private set; }

    public async Task RunAsync(CancellationToken ct)
    {
        var entry = $"h{number}-{plan.Seed & 0xffffff:x}";
        world.Target.Fail(entry, plan.Target);
        await world.BotsUpAsync(ct);
        (Id, _digest) = await world.AskAsync(entry, plan.Requester, plan.Required, plan.Timeout, plan.Provable, ct);
        await Task.WhenAll([.. plan.Clicks.Select(c => AtAsync(c.At, () => ClickAsync(c, ct), ct)), .. plan.Faults.Select(f => AtAsync(f.At, () => BreakAsync(f), ct))]);
    }

    /// <summary>What became of it, once everything is quiet.</summary>
    public async Task<HistoryFacts> FactsAsync()
    {
        var db = world.Database;
        var changes = await db.QueryAsync<(string What, Guid? Person, string Xid)>(
            "select what, person_id, xid from chaos.witnessed where approval_id = @Value order by position", new { Id.Value });
        var audit = await db.QueryAsync<(string Type, string? Status, string Xid, string? Identity, string? Decision, string? Purpose)>(
            """
            select event_type, status, xmin::text, details ->> 'identity', details ->> 'decision', details ->> 'purpose' from app.audit_events
             where approval_id = @Value or (event_type = 'access_denied' and details ->> 'what' like '%' || @id)
            """, new { Id.Value, id = Id.ToString() });
        return new HistoryFacts
        {
            Required = plan.Required,
            Requester = world.People[plan.Requester],
            Admins = world.People,
            Provable = plan.Provable,
            State = (await db.QueryAsync<string>("select status from app.approvals where id = @Value", new { Id.Value })).Single(),
            Effects = world.Target.EffectsOf(Id.ToString()),
            Arrivals = world.Target.ArrivalsOf(Id.ToString()),
            Clicks = [.. _clicks.Select(c => new Click(c.Key, c.Planned.Person, c.Planned.Act, c.Status, c.Quick, world.Front.Told(c.Key)))],
            Changes = [.. changes.Select(c => new Witnessed(c.What, c.Person, c.Xid))],
            Audit = [.. audit.Select(a => new Audited(a.Type, a.Status, a.Xid, a.Identity, a.Decision, a.Purpose))],
        };
    }

    public void Dispose() => _http.Dispose();

    private static async Task AtAsync(TimeSpan at, Func<Task> act, CancellationToken ct)
    {
        await Task.Delay(at, ct);
        await act();
    }

    private Task BreakAsync(PlannedFault fault) => fault.Fault switch
    {
        Fault.KillBot => world.Bots[fault.Which % 2].KillAsync(fault.For),
        Fault.KillGateway => world.Gateways[fault.Which % 2].KillAsync(fault.For),
        Fault.CutOne => world.CutAsync($"chaos-{world.Processes.ElementAt(fault.Which % 4).Name}"),
        Fault.CutAll => world.CutAsync("chaos-%"),
        Fault.SkewClock => world.SkewAsync(fault.Ahead, fault.For),
        Fault.SlackOutage => world.Front.OutageAsync(fault.For),
        _ => throw new InvalidOperationException($"{fault.Fault}?"),
    };

    // The request that Slack would send: signed, to whichever bot process Slack's load balancer would choose.
    private async Task ClickAsync(PlannedClick click, CancellationToken ct)
    {
        var key = Guid.NewGuid().ToString("N");
        var timestamp = (TimeProvider.System.GetUtcNow() + click.SignedAhead).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var body = Encoding.UTF8.GetBytes("payload=" + WebUtility.UrlEncode(Payload(click, key).ToJsonString()));
        lock (_last)
        {
            if (click.Act != Act.Replay)
                _last[click.Person] = (key, click, body, timestamp);
            else if (_last.TryGetValue(click.Person, out var last))
                (key, click, body, timestamp) = last with { Planned = last.Planned with { Bot = click.Bot } };
            else
                return;
        }
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            if (await SendAsync(click with { Bot = (click.Bot + attempt) % 2 }, key, body, timestamp, ct) is not null || click.Act == Act.Replay)
                return;
            // Slack says that it did not work, and the person clicks once more.
            await Task.Delay(Again, ct);
            key = Guid.NewGuid().ToString("N");
            body = Encoding.UTF8.GetBytes("payload=" + WebUtility.UrlEncode(Payload(click, key).ToJsonString()));
        }
    }

    private async Task<int?> SendAsync(PlannedClick click, string key, byte[] body, string timestamp, CancellationToken ct)
    {
        var began = TimeProvider.System.GetTimestamp();
        int? status = null;
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(world.BotUrls[click.Bot], "slack/interactions")) { Content = new ByteArrayContent(body) };
            request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/x-www-form-urlencoded");
            request.Headers.Add("X-Slack-Request-Timestamp", timestamp);
            byte[] toSign = [.. Encoding.UTF8.GetBytes($"v0:{timestamp}:"), .. body];
            request.Headers.Add("X-Slack-Signature", $"v0={Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(ChaosWorld.Signing), toSign))}");
            using var answer = await _http.SendAsync(request, ct);
            status = (int)answer.StatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !ct.IsCancellationRequested)
        {
            // Nobody there, or gone in the middle.
        }
        lock (_clicks)
            _clicks.Add((key, click, status, TimeProvider.System.GetElapsedTime(began) < Slackens));
        return status;
    }

    private JsonObject Payload(PlannedClick click, string key)
    {
        var stranger = click.Person == HistoryPlan.Stranger;
        var digest = click.Act == Act.StaleCard ? SHA256.HashData(_digest) : _digest;
        var card = $"{Id}:{Convert.ToHexStringLower(digest.AsSpan(0, 8))}";
        var payload = new JsonObject
        {
            ["user"] = new JsonObject { ["id"] = click.Person, ["username"] = click.Person, ["team_id"] = stranger ? DemoPeople.StrangerTeamId : DemoPeople.TeamId },
            ["team"] = new JsonObject { ["id"] = DemoPeople.TeamId },
            ["trigger_id"] = key,
        };
        if (click.Act == Act.Deny)
        {
            // The modal comes back; the answer to it goes to the channel.
            payload["type"] = "view_submission";
            payload["view"] = new JsonObject
            {
                ["id"] = "V" + key[..10].ToUpperInvariant(), ["callback_id"] = "approval.deny.reason", ["private_metadata"] = $"{card} {DemoPeople.Approvals}",
                ["state"] = new JsonObject { ["values"] = new JsonObject { ["reason"] = new JsonObject { ["text"] = new JsonObject { ["type"] = "plain_text_input", ["value"] = "not now" } } } },
            };
            return payload;
        }
        payload["type"] = "block_actions";
        payload["channel"] = new JsonObject { ["id"] = DemoPeople.Approvals, ["name"] = "sre-approvals" };
        payload["response_url"] = world.Front.ResponseUrl(key);
        payload["actions"] = new JsonArray(new JsonObject { ["type"] = "button", ["action_id"] = WorkspaceSession.Approve, ["value"] = card });
        return payload;
    }
}
