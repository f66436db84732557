using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using IncidentFox.Bot.Sandboxes.Kubernetes;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Sandboxes;
using IncidentFox.TestKit;
using IncidentFox.Workbench.Estate.Cluster;
using IncidentFox.Workbench.Estate.Kubernetes;
using Microsoft.Extensions.Time.Testing;

namespace IncidentFox.Bot.Tests.Sandboxes.Kubernetes.Chaos;

/// <summary>
/// A database, a cluster and a clock that stands still until <see cref="SecondAsync"/>: everybody, the database included, goes by it. Before it moves on, what
/// is under way is waited for, so that a slow machine is not a slow cluster. Runs follow one another in it: each has to leave it as it found it.
/// </summary>
internal sealed class PodChaosWorld : IAsyncDisposable
{
    private readonly MeterListener _commands = new();
    private int _busy;
    private int _executing;
    private int _requests;
    private int _events;
    private int _pods;
    private bool _faulty;

    private PodChaosWorld(TestBot bot, string name) => (Bot, Name) = (bot, name);

    /// <summary>Of the bots' data sources: what their commands are counted by.</summary>
    public string Name { get; }

    public FakeTimeProvider Time { get; } = new(TimeProvider.System.GetUtcNow());

    /// <summary>Where the bots are made from; takes no part itself.</summary>
    public TestBot Bot { get; }

    public TestDatabase Database => Bot.Database;

    public KubernetesCluster Cluster { get; private set; } = null!;

    public KubernetesSandboxOptions Options { get; } = new() { Image = "registry.example/incidentfox-agent:0.1.0", GatewayAddress = "10.96.0.40:8443" };

    public SandboxPodStore GatewayPods => new(Database.Gateway);

    public SandboxSessions Sessions => Bot.Sessions;

    /// <summary>Every agent of this run that was started.</summary>
    public ConcurrentDictionary<string, ChaosAgent> Agents { get; } = new();

    public PodChaosPlan Plan { get; private set; } = PodChaosPlan.Of(0);

    public PodChaosTally Tally { get; private set; } = new();

    public static async Task<PodChaosWorld> StartAsync(BotPostgres postgres, string name)
    {
        var world = new PodChaosWorld(await TestBot.CreateAsync(postgres), name);
        await world.Database.ExecuteAsync(
            """
            create table public.test_clock (at timestamptz not null);
            insert into public.test_clock values (now());
            grant select on public.test_clock to public;
            create or replace function app.clock() returns timestamptz language sql volatile return (select at from public.test_clock);
            """);
        await world.Database.ExecuteAsync("update public.test_clock set at = @at", new { at = world.Time.GetUtcNow() });
        world.Cluster = await KubernetesCluster.StartAsync(new() { TimeProvider = world.Time, StepEvery = null, Program = world.ProgramOf }, TestBot.Ct);
        world.Cluster.Create(PodCluster.Object("v1", "Namespace", PodCluster.Ns, """{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"restricted"}}}""", ns: null));
        world.Cluster.Create(PodCluster.Object("v1", "ServiceAccount", "incidentfox-sandbox"));
        world.Cluster.Create(PodCluster.Object("v1", "ConfigMap", "incidentfox-gateway-ca", """{"data":{"ca.crt":"x"}}"""));
        world.Cluster.Faults.Decide = world.FaultOf;
        world.Cluster.Faults.DecideEvent = (_, _, _) => world.EventFault();
        world.Cluster.Faults.LateBy = TimeSpan.FromSeconds(2);
        world._commands.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == "Npgsql" && instrument.Name.EndsWith("executing", StringComparison.Ordinal))
                listener.EnableMeasurementEvents(instrument);
        };
        world._commands.SetMeasurementEventCallback<int>((_, change, tags, _) =>
        {
            foreach (var tag in tags)
            {
                if (tag.Value is string text && text == name)
                    Interlocked.Add(ref world._executing, change);
            }
        });
        world._commands.Start();
        return world;
    }

    /// <summary>From now on things go as planned, which is wrong.</summary>
    public void Begin(PodChaosPlan plan)
    {
        (Plan, _requests, _events, _pods, Tally) = (plan, 0, 0, 0, new());
        foreach (var (uid, agent) in Agents.Where(a => a.Value.HasEnded))
            Agents.TryRemove(uid, out _);
        Options.WarmPods = plan.WarmPods;
        _faulty = true;
    }

    /// <summary>From now on nothing goes wrong any more.</summary>
    public void Calm() => _faulty = false;

    public bool IsOutage { get; set; }

    public void CountKill()
    {
        Interlocked.Increment(ref Tally.Kills);
        foreach (var agent in Agents.Values)
            agent.HasSeenKill |= agent.IsAtWork;
    }

    /// <summary>Something is under way: the clock stands.</summary>
    public IDisposable Busy()
    {
        Interlocked.Increment(ref _busy);
        return new Done(this);
    }

    /// <summary>Null: the call is answered; false: it is neither carried out nor answered; true: it is carried out.</summary>
    public bool? SilenceAt(int call)
    {
        if (!_faulty || call % Plan.SilentEvery != 0)
            return null;
        return Interlocked.Increment(ref Tally.Silences) % 2 == 0;
    }

    /// <summary>The clock goes on by a second, and what follows from that is waited for.</summary>
    public async Task SecondAsync(Action whatHappens)
    {
        await Database.ExecuteAsync("update public.test_clock set at = @at", new { at = Time.GetUtcNow().AddSeconds(1) });
        Time.Advance(TimeSpan.FromSeconds(1));
        Cluster.Step();
        whatHappens();
        await SettleAsync();
        Cluster.Step();
        await SettleAsync();
    }

    /// <summary>True when all was seen to be still; false when something hangs for a real while: that is then a slow cluster, too.</summary>
    public async Task<bool> SettleAsync()
    {
        var began = TimeProvider.System.GetTimestamp();
        for (var still = 0; still < 3;)
        {
            await Task.Delay(1);
            still = Volatile.Read(ref _busy) == 0 && Volatile.Read(ref _executing) <= 0 ? still + 1 : 0;
            if (TimeProvider.System.GetElapsedTime(began) > TimeSpan.FromSeconds(5))
                return false;
        }
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        _commands.Dispose();
        await Cluster.DisposeAsync();
        await Bot.DisposeAsync();
    }

    private PodProgram ProgramOf(PodStart start)
    {
        // Asked twice for each pod: when it is scheduled, and when it starts.
        if (start.Ip.Length == 0)
            return PodProgram.RunsUntilDeleted;
        var number = Interlocked.Increment(ref _pods) - 1;
        var script = number < Plan.Scripts.Length ? Plan.Scripts[number] : PodScript.Reports;
        return script switch
        {
            PodScript.HasNoImage => PodProgram.HasInvalidImageName("Failed to apply default image tag"),
            PodScript.IsEvicted => PodProgram.IsEvicted(TimeSpan.FromSeconds(3), "The node was low on resource: memory. "),
            _ => PodProgram.Runs(s => Agents[s.Uid] = new ChaosAgent(this, s.Uid, script, Plan.Work[number % Plan.Work.Length])),
        };
    }

    private ApiFault? FaultOf(KubernetesRequest request)
    {
        if (!_faulty)
            return null;
        var number = Interlocked.Increment(ref _requests);
        if (IsOutage)
            return Count(number % 2 == 0 ? ApiFault.Refused : new(IsCarriedOut: false, 503));
        return number % Plan.FaultEvery == 0 ? Count(Plan.Faults[number / Plan.FaultEvery % Plan.Faults.Length]) : null;
    }

    private ApiFault Count(ApiFault fault)
    {
        Interlocked.Increment(ref Tally.ApiFaults);
        return fault;
    }

    private WatchFault EventFault()
    {
        if (!_faulty || Interlocked.Increment(ref _events) is var number && number % Plan.EventEvery != 0)
            return WatchFault.None;
        Interlocked.Increment(ref Tally.EventFaults);
        return Plan.Events[number / Plan.EventEvery % Plan.Events.Length];
    }

    private sealed class Done(PodChaosWorld world) : IDisposable
    {
        private int _done;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _done, 1) == 0)
                Interlocked.Decrement(ref world._busy);
        }
    }
}

/// <summary>What really happened in a run.</summary>
internal sealed class PodChaosTally
{
    public int Kills;
    public int ApiFaults;
    public int Silences;
    public int EventFaults;
    public int WatchCuts;
    public int Reports;

    /// <summary>Agents at work whose bot was killed meanwhile, and who reported all the same.</summary>
    public int Survivors;

    /// <summary>How investigations ended.</summary>
    public SortedDictionary<string, int> Ends { get; } = new(StringComparer.Ordinal);

    public void Add(PodChaosTally other)
    {
        Kills += other.Kills;
        ApiFaults += other.ApiFaults;
        Silences += other.Silences;
        EventFaults += other.EventFaults;
        WatchCuts += other.WatchCuts;
        Reports += other.Reports;
        Survivors += other.Survivors;
        foreach (var (end, times) in other.Ends)
            Ends[end] = Ends.GetValueOrDefault(end) + times;
    }

    public override string ToString() => $"{Kills} kills, {ApiFaults} failed calls, {Silences} without an answer, {EventFaults} wrong events, {WatchCuts} cuts of all watches; "
        + $"{Reports} reports, {Survivors} of them by agents that outlived a kill; {string.Join(", ", Ends.Select(e => $"{e.Value} {e.Key}"))}";
}
