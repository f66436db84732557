using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using IncidentFox.Chaos.Histories;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Chaos.World;

/// <summary>
/// What approved calls change. Entries have a version and remember the approval that booked them, as a Kubernetes object does: a stale version is refused.
/// Bells only ring: nothing shows afterwards whether they did. Both count what really happened, by approval.
/// </summary>
internal sealed class Target : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, Entry> _entries = new();
    private readonly ConcurrentDictionary<string, int> _effects = new();
    private readonly ConcurrentDictionary<string, int> _arrivals = new();
    private readonly ConcurrentDictionary<string, TargetFault> _faults = new();

    private Target(WebApplication app) => _app = app;

    public int Port { get; private set; }

    /// <summary>Kills the process that is running this approval.</summary>
    public Func<string, Task> KillSender { get; set; } = _ => Task.CompletedTask;

    /// <summary>How often an approval took effect.</summary>
    public int EffectsOf(string approval) => _effects.GetValueOrDefault(approval);

    /// <summary>How often its call arrived.</summary>
    public int ArrivalsOf(string approval) => _arrivals.GetValueOrDefault(approval);

    /// <summary>What happens to the next call for this entry.</summary>
    public void Fail(string entry, TargetFault fault) => _faults[entry] = fault;

    public static async Task<Target> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var target = new Target(app);
        app.MapGet("/entries/{entry}", (string entry) => Results.Json(target.EntryOf(entry).ToJson()));
        app.MapPost("/entries/{entry}", target.BookAsync);
        app.MapPost("/bells/{entry}", target.RingAsync);
        await app.StartAsync();
        target.Port = new Uri(app.Urls.Single()).Port;
        return target;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private Entry EntryOf(string entry) => _entries.GetOrAdd(entry, _ => new Entry());

    private Task BookAsync(string entry, HttpContext http) => TakeAsync(entry, http, body => EntryOf(entry).TryBook((string)body["version"]!, (string)body["approval"]!));

    private Task RingAsync(string entry, HttpContext http) => TakeAsync(entry, http, _ => true);

    private async Task TakeAsync(string entry, HttpContext http, Func<JsonObject, bool> apply)
    {
        var body = (await JsonNode.ParseAsync(http.Request.Body))!.AsObject();
        var approval = (string)body["approval"]!;
        _arrivals.AddOrUpdate(approval, 1, (_, n) => n + 1);
        bool Apply()
        {
            var applied = apply(body);
            if (applied)
                _effects.AddOrUpdate(approval, 1, (_, n) => n + 1);
            return applied;
        }
        switch (_faults.TryRemove(entry, out var fault) ? fault : TargetFault.None)
        {
            case TargetFault.ErrorBefore:
                http.Response.StatusCode = 500;
                return;
            case TargetFault.CutBefore:
                http.Abort();
                return;
            case TargetFault.ErrorAfter:
                Apply();
                http.Response.StatusCode = 500;
                return;
            case TargetFault.CutAfter:
                Apply();
                http.Abort();
                return;
            case TargetFault.KillBefore:
                await KillSender(approval);
                Apply();
                return;
            case TargetFault.KillAfter:
                Apply();
                await KillSender(approval);
                return;
            case TargetFault.Slow:
                await Task.Delay(700);
                break;
        }
        http.Response.StatusCode = Apply() ? 200 : 409;
        await http.Response.WriteAsJsonAsync(new JsonObject { ["message"] = "somebody else changed it" });
    }

    private sealed class Entry
    {
        private readonly Lock _gate = new();
        private int _version;
        private string _approval = "";

        public bool TryBook(string version, string approval)
        {
            lock (_gate)
            {
                if (version != $"v{_version}")
                    return false;
                (_version, _approval) = (_version + 1, approval);
                return true;
            }
        }

        public JsonObject ToJson()
        {
            lock (_gate)
                return new JsonObject { ["version"] = $"v{_version}", ["approval"] = _approval };
        }
    }
}
