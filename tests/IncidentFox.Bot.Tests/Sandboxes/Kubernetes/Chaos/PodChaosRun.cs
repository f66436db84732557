using System.Text.Json.Nodes;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core;
using IncidentFox.Core.Investigations;

namespace IncidentFox.Bot.Tests.Sandboxes.Kubernetes.Chaos;

/// <summary>One run: its plan carried out, then quiet, then the verdict.</summary>
internal sealed class PodChaosRun(PodChaosWorld world, PodChaosPlan plan)
{
    /// <summary>How long agents, retries and the cluster itself may take to end every investigation once nothing goes wrong any more.</summary>
    private const int EndWithin = 300;

    private const int QuietFor = 60;
    private readonly ChaosBot?[] _bots = new ChaosBot?[2];
    private readonly int[] _back = new int[2];
    private readonly Queue<BotKill>[] _kills = [new(), new()];
    private readonly List<InvestigationId> _asked = [];
    private readonly List<ChaosBot> _all = [];
    private int _second;
    private bool _isOverForThem;

    /// <summary>What is wrong afterwards; nothing when all is well.</summary>
    public async Task<IReadOnlyList<string>> RunAsync()
    {
        foreach (var kill in plan.Kills)
            _kills[kill.Bot].Enqueue(kill);
        world.Begin(plan);
        try
        {
            for (_second = 0; _second < PodChaosPlan.Seconds || (!HasShownEnough && _second < 3 * PodChaosPlan.Seconds); _second++)
                await SecondAsync(faulty: true);
            // However the dice fell: nobody gets through a run without a kill.
            if (world.Tally.Kills == 0)
                Kill(0);
            Calm();
            for (var left = EndWithin; left > 0 && (await OpenAsync()).Count > 0; left--)
                await SecondAsync(faulty: false);
            var wrong = await VerdictAsync();
            for (var quiet = 0; quiet < QuietFor && wrong.Count > 0; quiet++)
            {
                await SecondAsync(faulty: false);
                if (quiet % 5 == 4)
                    wrong = await VerdictAsync();
            }
            await CountAsync();
            return wrong;
        }
        finally
        {
            foreach (var bot in _all)
                await bot.DisposeAsync();
        }
    }

    private bool HasShownEnough => world.Tally is { Kills: > 0, ApiFaults: > 2, EventFaults: > 0, WatchCuts: > 0 };

    private async Task SecondAsync(bool faulty)
    {
        Bots();
        if (faulty)
            await FaultsAsync();
        var queued = await world.Database.QueryAsync<Guid>("select id from app.investigations where status = 'queued'");
        var kill = faulty ? plan.Kills.FirstOrDefault(k => k.AtCall == 0 && k.At == _second) : null;
        var dying = kill is null ? Task.CompletedTask : Task.Run(async () =>
        {
            await Task.Delay(kill.Delay);
            if (kill.IsAsked)
                _bots[kill.Bot]?.Stop();
            else
                Kill(kill.Bot);
        });
        await world.SecondAsync(() =>
        {
            foreach (var bot in _bots)
                bot?.Tick(_second, queued);
        });
        await dying;
        if (!faulty)
            _second++;
    }

    private async Task FaultsAsync()
    {
        foreach (var _ in plan.Asked.Where(at => at == _second))
            _asked.Add(await world.Bot.InvestigateAsync());
        if (plan.WatchCuts.Contains(_second))
        {
            world.Cluster.Faults.CutWatches();
            world.Tally.WatchCuts++;
        }
        if (plan.Compactions.Contains(_second))
            world.Cluster.Compact();
        world.IsOutage = Within(plan.Outage);
        if (Within(plan.NodeDown) != world.Cluster.NodeIsDown)
        {
            world.Cluster.NodeIsDown = Within(plan.NodeDown);
            MeansToEnd(a => true);
        }
        if (plan.QuotaFull is { } quota)
        {
            if (quota.From == _second)
                world.Cluster.Create(PodCluster.Object("v1", "ResourceQuota", "full", """{"spec":{"hard":{"pods":"1"}}}"""));
            else if (quota.Until == _second)
                world.Cluster.Delete("ResourceQuota", PodCluster.Ns, "full");
        }
        if (plan.Deletions.Contains(_second) && world.Agents.Values.FirstOrDefault(a => a.IsAtWork) is { } victim
            && world.Cluster.List("Pod", PodCluster.Ns).FirstOrDefault(p => Of(p, "uid") == victim.Uid) is { } pod)
        {
            victim.IsMeantToEnd = true;
            world.Cluster.Delete("Pod", PodCluster.Ns, Of(pod, "name")!);
        }
        if (plan.Stop == _second && _asked.Count > 0)
        {
            MeansToEnd(a => a.Task == _asked[0]);
            _isOverForThem = await world.Bot.Get<InvestigationStore>().EndAsync(_asked[0], InvestigationState.Stopped, "operator@example.com", null, null, default);
        }
    }

    private async Task CountAsync()
    {
        world.Tally.Reports = world.Agents.Values.Count(a => a.HasReported);
        world.Tally.Survivors = world.Agents.Values.Count(a => a.HasReported && a.HasSeenKill);
        foreach (var end in await world.Database.QueryAsync<string>(
            "select coalesce(failure_code, status) from app.investigations where id = any(@ids)", new { ids = _asked.Select(a => a.Value).ToArray() }))
            world.Tally.Ends[end] = world.Tally.Ends.GetValueOrDefault(end) + 1;
    }

    private bool Within((int From, int Until)? window) => window is { } w && w.From <= _second && _second < w.Until;

    private void MeansToEnd(Func<ChaosAgent, bool> which)
    {
        foreach (var agent in world.Agents.Values.Where(which))
            agent.IsMeantToEnd = true;
    }

    private void Bots()
    {
        for (var i = 0; i < _bots.Length; i++)
        {
            if (_bots[i] is { IsDead: false })
                continue;
            if (_bots[i] is not null && _back[i] < 0)
                _back[i] = _second + (plan.Kills.FirstOrDefault(k => k.Bot == i)?.Away ?? 0);
            if (_second < _back[i])
                continue;
            _kills[i].TryDequeue(out var kill);
            _bots[i] = new ChaosBot(world, kill);
            _all.Add(_bots[i]!);
            _bots[i]!.Start();
            _back[i] = -1;
        }
    }

    private void Kill(int bot) => _bots[bot]?.Kill();

    private void Calm()
    {
        world.Calm();
        world.IsOutage = false;
        if (world.Cluster.NodeIsDown)
            MeansToEnd(_ => true);
        world.Cluster.NodeIsDown = false;
        if (world.Cluster.Find("ResourceQuota", PodCluster.Ns, "full") is not null)
            world.Cluster.Delete("ResourceQuota", PodCluster.Ns, "full");
        foreach (var kills in _kills)
            kills.Clear();
        Array.Clear(_back);
    }

    private async Task<IReadOnlyList<Guid>> OpenAsync() =>
        await world.Database.QueryAsync<Guid>("select id from app.investigations where status in ('queued', 'starting', 'running', 'waiting')");

    private async Task<IReadOnlyList<string>> VerdictAsync()
    {
        var wrong = new List<string>();
        foreach (var id in _asked)
            await JudgeAsync(id, wrong);
        foreach (var agent in world.Agents.Values.Where(a => a.WasCutShort))
            wrong.Add($"the agent in pod {agent.Uid} was ended at work on {agent.Task}");
        if (!HasShownEnough)
            wrong.Add($"too little went wrong: {world.Tally}");

        var pods = world.Cluster.List("Pod", PodCluster.Ns);
        var rows = await world.Database.QueryAsync<(string Uid, string State)>("select uid, state from app.sandbox_pods where state <> 'gone'");
        foreach (var pod in pods.Where(p => rows.All(r => r.Uid != Of(p, "uid")) || Of(p, "deletionTimestamp") is not null))
            wrong.Add($"pod {Of(pod, "name")} is left");
        foreach (var (uid, state) in rows.Where(r => r.State == "claimed" || pods.All(p => Of(p, "uid") != r.Uid)))
            wrong.Add($"row {uid} is {state}, which is not so");
        if (rows.Count != plan.WarmPods)
            wrong.Add($"{rows.Count} pods wait, {plan.WarmPods} are wanted");
        foreach (var sandbox in await world.Database.QueryAsync<Guid>("select id from app.sandboxes where state <> 'ended'"))
            wrong.Add($"sandbox {sandbox} has not ended");
        return wrong;
    }

    private static string? Of(JsonObject pod, string part) => (string?)pod["metadata"]![part];

    private async Task JudgeAsync(InvestigationId id, List<string> wrong)
    {
        var (status, code, sandboxes, ends, isFinal) = (await world.Database.QueryAsync<(string, string?, int, int, bool)>(
            """
            select status, failure_code, (select count(*)::int from app.sandboxes s where s.investigation_id = i.id),
                   (select count(*)::int from app.audit_events e where e.investigation_id = i.id and e.event_type = 'investigation_ended'), report_final
              from app.investigations i where id = @Value
            """, new { id.Value })).Single();
        var agents = world.Agents.Values.Where(a => a.Task == id).ToList();
        if (ends != 1)
            wrong.Add($"{id} is {status} and has {ends} ends");
        if (agents.Count > 1 + agents.Count(a => a.IsMeantToEnd))
            wrong.Add($"{id} was given out {agents.Count} times");
        if (agents.Count(a => a.HasReported) > 1)
            wrong.Add($"{id} was reported {agents.Count(a => a.HasReported)} times");
        var stopped = _isOverForThem && id == _asked[0];
        var why = status switch
        {
            "completed" => isFinal && !stopped,
            "stopped" => stopped,
            "failed" => !isFinal && code switch
            {
                "image_pull_failed" => plan.Scripts.Contains(PodScript.HasNoImage),
                "out_of_memory" => plan.Scripts.Contains(PodScript.RunsOutOfMemory),
                "kubernetes_unavailable" => plan.Outage is not null,
                "quota_exceeded" => plan.QuotaFull is not null,
                "slow_start" => plan.NodeDown is not null,
                "crashed" or "evicted" or "node_lost" or "pod_removed" => sandboxes >= 3,
                _ => false,
            },
            _ => false,
        };
        if (!why)
            wrong.Add($"{id} is {status} ({code}) after {sandboxes} sandboxes, with{(isFinal ? "" : "out")} a report");
    }
}
