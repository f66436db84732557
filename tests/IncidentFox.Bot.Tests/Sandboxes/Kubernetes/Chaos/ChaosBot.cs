using System.Net;
using IncidentFox.Bot.Investigations;
using IncidentFox.Bot.Sandboxes.Kubernetes;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core;
using IncidentFox.Core.Sandboxes;
using IncidentFox.Core.Storage;
using k8s;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace IncidentFox.Bot.Tests.Sandboxes.Kubernetes.Chaos;

/// <summary>One bot process, as far as sandboxes go: launcher, supervisor, sweep, driver and reconciler, with its own way to the API and to the database. It can be killed.</summary>
internal sealed class ChaosBot : IAsyncDisposable
{
    private readonly PodChaosWorld _world;
    private readonly NpgsqlDataSource _source;
    private readonly TestBot _bot;
    private readonly KubernetesSandboxDriver _driver;
    private readonly SandboxReconciler _reconciler;
    private readonly string _name = $"bot-{Guid.NewGuid():N}";
    private readonly BotKill? _kill;
    private Task _sweep = Task.CompletedTask;
    private Task _round = Task.CompletedTask;
    private int _calls;
    private volatile bool _ready;
    private volatile bool _dead;

    public ChaosBot(PodChaosWorld world, BotKill? kill)
    {
        (_world, _kill) = (world, kill);
        var builder = new NpgsqlDataSourceBuilder(world.Database.BotConnectionString + $";Application Name={_name};Maximum Pool Size=20") { Name = world.Name };
        _source = builder.Build();
        var own = new Database(_source);
        var client = new k8s.Kubernetes(new KubernetesClientConfiguration { Host = world.Cluster.Url.AbsoluteUri, AccessToken = world.Cluster.AdminToken }, new Wire(this));
        _driver = new(client, world.Options, new SandboxPodStore(own), _name, world.Time, NullLogger.Instance);
        _reconciler = new(_driver, _name);
        _bot = world.Bot.Another(own, _driver, world.Time);
    }

    public bool IsDead => _dead;

    public void Start() => _ = Run(async () =>
    {
        await _bot.RunAsync<BotInstance>();
        // What can't look at its cluster does not start; whoever runs it starts it again.
        while (!_dead && await _driver.OpenAsync(default) is not null)
            await Task.Delay(TimeSpan.FromSeconds(1), _world.Time);
        await _bot.Get<BotInstance>().Held;
        _ready = true;
    });

    /// <summary>What its timers do in a second.</summary>
    public void Tick(int second, IEnumerable<Guid> queued)
    {
        if (_dead || !_ready)
            return;
        if (_sweep.IsCompleted)
            _sweep = Run(() => _bot.Get<InvestigationSweep>().SweepAsync(default));
        // Both look after the pods: worse than what the Lease allows.
        if (second % 5 == 0 && _round.IsCompleted)
            _round = Run(() => _reconciler.RoundAsync(default));
        foreach (var id in queued)
            _ = Run(() => _bot.Get<InvestigationLauncher>().LaunchAsync(new InvestigationId(id), default));
    }

    /// <summary>From now on nothing of it reaches anything: no call, no connection. What it had sent may still be carried out.</summary>
    public void Kill()
    {
        if (_dead)
            return;
        _dead = true;
        _world.CountKill();
        _ = Run(async () =>
        {
            await _source.DisposeAsync();
            await _world.Database.QueryAsync<bool>("select pg_terminate_backend(pid) from pg_stat_activity where application_name = @_name", new { _name });
            await _driver.DisposeAsync();
        });
    }

    /// <summary>It is asked to stop, as at an update: it lets go of its sandboxes.</summary>
    public void Stop()
    {
        if (_dead || !_ready)
            return;
        _ready = false;
        _world.CountKill();
        _ = Run(async () =>
        {
            await _bot.Get<SandboxSupervisor>().StopAsync(default);
            await _bot.StopAsync<BotInstance>();
            _dead = true;
            await _driver.DisposeAsync();
            await _source.DisposeAsync();
        });
    }

    public async ValueTask DisposeAsync()
    {
        _dead = true;
        await _driver.DisposeAsync();
        await _source.DisposeAsync();
        await Task.WhenAny(_bot.DisposeAsync().AsTask(), Task.Delay(TimeSpan.FromSeconds(5)));
    }

    // A service's loop writes down what went wrong and goes on; so does this.
    private static Task Run(Func<Task> work) => Task.Run(async () =>
    {
        try
        {
            await work();
        }
        catch (Exception e) when (e is NpgsqlException or ObjectDisposedException or HttpRequestException or k8s.Autorest.HttpOperationException or TimeoutException or OperationCanceledException or InvalidOperationException)
        {
            return;
        }
    });

    private sealed class Wire(ChaosBot bot) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var world = bot._world;
            var call = Interlocked.Increment(ref bot._calls);
            var isWatch = request.RequestUri!.Query.Contains("watch=true", StringComparison.Ordinal);
            ThrowIfDead();
            var isLast = bot._kill is { AtCall: > 0 } kill && call == kill.AtCall;
            if (isLast && !bot._kill!.AfterIt)
                bot.Kill();
            ThrowIfDead();
            var silence = isWatch ? null : world.SilenceAt(call);
            HttpResponseMessage? answer = null;
            if (silence is not false)
            {
                using var busy = isWatch ? null : world.Busy();
                // Carried out to its end, whoever hears of it.
                answer = await base.SendAsync(request, isWatch ? cancellationToken : default);
            }
            if (isLast)
                bot.Kill();
            ThrowIfDead();
            if (silence is not null)
                await Task.Delay(Timeout.Infinite, cancellationToken);
            return answer ?? new HttpResponseMessage(HttpStatusCode.InternalServerError);
        }

        private void ThrowIfDead()
        {
            if (bot._dead)
                throw new HttpRequestException("The bot is dead.");
        }
    }
}
