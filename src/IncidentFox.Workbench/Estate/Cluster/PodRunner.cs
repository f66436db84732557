using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Workbench.Estate.Cluster;

/// <summary>How long a node takes over its steps; nothing by default, so that tests need not wait.</summary>
public sealed record NodeTiming(TimeSpan Start, TimeSpan Settle, TimeSpan PullBackOff)
{
    public static readonly NodeTiming Quick = new(TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromSeconds(14));

    /// <summary>As recorded with gVisor: 2.4 s to start, 1.2 s from a container's end to the pod's.</summary>
    public static readonly NodeTiming Recorded = new(TimeSpan.FromSeconds(2.4), TimeSpan.FromSeconds(1.2), TimeSpan.FromSeconds(14));
}

/// <summary>The node of a cluster whose pods do what programs say, and its scheduler. Each step moves every pod on by one visible state at most.</summary>
internal sealed class PodRunner(ObjectStore store, EventRecorder events, Func<PodStart, PodProgram> programOf, NodeTiming timing, TimeProvider clock, Func<int, string>? addressOf = null) : IPodLogs
{
    private const string DeadlineMessage = "Pod was active on the node longer than the specified deadline";
    private readonly Dictionary<string, PodLife> _lives = new(StringComparer.Ordinal);
    private readonly PodScheduler _scheduler = new(store, events, programOf);
    private readonly ImagePulls _pulls = new(events, timing);
    private int _nextIp = 20;

    public ContainerLog? Find(string podUid, string container, bool previous)
    {
        lock (store.Gate)
        {
            return !previous && _lives.TryGetValue(podUid, out var life) && life.Process is not null ? life.Log : null;
        }
    }

    public void Reconcile()
    {
        var present = new HashSet<string>(StringComparer.Ordinal);
        foreach (var pod in store.List(ResourceTypes.Pods))
        {
            present.Add(pod.Uid());
            Step(pod, clock.GetUtcNow());
        }

        foreach (var uid in _lives.Keys.Where(u => !present.Contains(u)).ToList())
        {
            _lives[uid].Process?.Kill();
            _lives.Remove(uid);
        }

        _scheduler.Forget(present);
    }

    /// <summary>What the cluster writes of pods whose node is silent, as recorded: Ready is False without a reason, all else stays.</summary>
    public void LoseContact()
    {
        foreach (var pod in store.List(ResourceTypes.Pods))
        {
            if (_lives.TryGetValue(pod.Uid(), out var life) && life is { Stage: PodStage.Running, IsOutOfReach: false })
            {
                life.IsOutOfReach = true;
                Write(pod, life, clock.GetUtcNow());
            }
        }
    }

    public void StopAll()
    {
        foreach (var life in _lives.Values)
        {
            life.Process?.Kill();
        }
    }

    private void Step(JsonObject pod, DateTimeOffset now)
    {
        var isDeleted = pod.Text("metadata", "deletionTimestamp") is not null;
        if (pod.Text("spec", "nodeName") is null)
        {
            if (isDeleted)
            {
                Remove(pod);
            }
            else
            {
                _scheduler.Schedule(pod, now);
            }

            return;
        }

        if (!_lives.TryGetValue(pod.Uid(), out var life))
        {
            if (isDeleted)
            {
                Remove(pod);
                return;
            }

            life = Accept(pod, now);
        }

        if (isDeleted)
        {
            Delete(pod, life, now);
            return;
        }

        if (IsOverDeadline(pod, life, now))
        {
            EndEarly(pod, life, ("DeadlineExceeded", DeadlineMessage), now);
        }

        Advance(pod, life, now);
    }

    private PodLife Accept(JsonObject pod, DateTimeOffset now)
    {
        var ip = addressOf?.Invoke(_nextIp) ?? $"10.201.{_nextIp / 250 % 250}.{_nextIp % 250 + 1}";
        _nextIp++;
        var log = new ContainerLog(clock);
        var life = new PodLife(PodScheduler.ProgramOf(programOf, pod, ip, log), ip, log) { SeenAt = now, Due = now + timing.Start, Stage = PodStage.Creating };
        _lives[pod.Uid()] = life;
        if (life.Program.HeldUpBy is { } held)
        {
            events.Kubelet(pod, "", "Warning", held.Reason, held.Message);
        }

        Write(pod, life, now);
        life.Stage = PodStage.Bound; // written as creating; the next step begins
        return life;
    }

    private static bool IsOverDeadline(JsonObject pod, PodLife life, DateTimeOffset now) =>
        life.Stage < PodStage.Ending && pod.Number("spec", "activeDeadlineSeconds") is { } seconds && now - life.SeenAt >= TimeSpan.FromSeconds(seconds);

    private void Advance(JsonObject pod, PodLife life, DateTimeOffset now)
    {
        switch (life.Stage)
        {
            case PodStage.Bound:
                life.Stage = PodStage.Creating;
                break;
            case PodStage.Creating when now >= life.Due && life.Program.HeldUpBy is null:
                Begin(pod, life, now);
                break;
            case PodStage.PullFailed when now >= life.Due:
                _pulls.BackOff(pod, life, now);
                Write(pod, life, now);
                break;
            case PodStage.PullBackOff when now >= life.Due:
                _pulls.Fail(pod, life, now);
                Write(pod, life, now);
                break;
            case PodStage.Running:
                if (life.IsOutOfReach)
                {
                    life.IsOutOfReach = false;
                    Write(pod, life, now);
                }

                Watch(pod, life, now);
                break;
            case PodStage.Ending:
                AwaitEnd(pod, life, now);
                break;
            case PodStage.Ended when now >= life.Due:
                life.Stage = PodStage.Final;
                Write(pod, life, now);
                break;
            default:
                break;
        }
    }

    private void Begin(JsonObject pod, PodLife life, DateTimeOffset now)
    {
        if (life.Program.HasNoImage)
        {
            _pulls.Fail(pod, life, now);
            Write(pod, life, now);
            return;
        }

        if (life.Program.WaitsFor is { } held)
        {
            _pulls.HoldUp(pod, life, held.Reason, held.Message, held.Events);
            Write(pod, life, now);
            return;
        }

        foreach (var container in pod.Objects("spec", "containers"))
        {
            var name = container.Text("name") ?? "";
            events.Kubelet(pod, name, "Normal", "Pulled", $"Container image \"{container.Text("image")}\" already present on machine");
            events.Kubelet(pod, name, "Normal", "Created", $"Created container: {name}");
            var (type, reason, message) = life.Program.StartError is { } error ? ("Warning", "Failed", $"Error: {error}") : ("Normal", "Started", $"Started container {name}");
            events.Kubelet(pod, name, type, reason, message);
        }

        life.StartedAt = now;
        foreach (var line in life.Program.Log)
        {
            life.Log.Write(line);
        }

        life.Process = life.Program.Process?.Invoke(new(pod.Namespace(), pod.Name(), pod.Uid(), life.Ip, pod.Copy(), life.Log.Write))
            ?? new ScriptedProcess(life.Program, now, clock);
        if (life.Program.StartError is not null)
        {
            End(pod, life, new(128, "StartError"), now);
            return;
        }

        life.Stage = PodStage.Running;
        Write(pod, life, now);
    }

    private void Watch(JsonObject pod, PodLife life, DateTimeOffset now)
    {
        if (life.Program.EvictedBecause is { } because && now - life.StartedAt >= life.Program.EndsAfter)
        {
            Evict(pod, life, because, now);
            return;
        }

        if (life.Process!.Poll() is { } exit)
        {
            End(pod, life, exit, now);
        }
    }

    /// <summary>An evicted program is killed soon; what a watch sees is the end only.</summary>
    private void Evict(JsonObject pod, PodLife life, string because, DateTimeOffset now)
    {
        events.Kubelet(pod, "", "Warning", "Evicted", because);
        Kill(pod, life, now, graceSeconds: 0);
        life.Process!.Kill();
        (life.EndedBecause, life.Exit, life.EndedAt, life.Stage) = (("Evicted", because), new(137), now, PodStage.Final);
        life.Log.Close();
        Write(pod, life, now);
    }

    private void End(JsonObject pod, PodLife life, PodExit exit, DateTimeOffset now)
    {
        var underGvisor = pod.Text("spec", "runtimeClassName") is not null;
        life.Exit = exit.Reason == "OOMKilled" && underGvisor ? exit with { Code = 128 } : exit;
        life.EndedAt = now;
        life.Log.Close();
        life.Stage = PodStage.Ended;
        life.Due = now + timing.Settle;
        Write(pod, life, now);
    }

    /// <summary>The deadline: TERM, and a pod that failed whatever its program makes of it.</summary>
    private void EndEarly(JsonObject pod, PodLife life, (string Reason, string Message) because, DateTimeOffset now)
    {
        if (because.Reason == "DeadlineExceeded")
        {
            events.Kubelet(pod, "", "Normal", because.Reason, because.Message);
        }

        life.EndedBecause = because;
        if (life.Process is null)
        {
            life.Stage = PodStage.Final;
            Write(pod, life, now);
            return;
        }

        Kill(pod, life, now, pod.Number("spec", "terminationGracePeriodSeconds") ?? 30);
        life.Stage = PodStage.Ending;
        Write(pod, life, now);
    }

    private void AwaitEnd(JsonObject pod, PodLife life, DateTimeOffset now)
    {
        if (ExitOf(life, now) is not { } exit)
        {
            return;
        }

        life.Exit = exit;
        life.EndedAt = now;
        life.Log.Close();
        life.Stage = PodStage.Final;
        Write(pod, life, now);
    }

    private void Kill(JsonObject pod, PodLife life, DateTimeOffset now, long graceSeconds)
    {
        foreach (var container in pod.Objects("spec", "containers"))
        {
            events.Kubelet(pod, container.Text("name") ?? "", "Normal", "Killing", $"Stopping container {container.Text("name")}");
        }

        life.KillAt = now.AddSeconds(graceSeconds);
        life.Process!.Stop();
    }

    private static PodExit? ExitOf(PodLife life, DateTimeOffset now)
    {
        if (life.Process!.Poll() is { } exit)
        {
            return exit;
        }

        if (now < life.KillAt)
        {
            return null;
        }

        life.Process.Kill();
        return new(137);
    }

    /// <summary>TERM, the process's own end or its grace period's, its last status, then the object goes.</summary>
    private void Delete(JsonObject pod, PodLife life, DateTimeOffset now)
    {
        if (life.Process is null || life.Stage is PodStage.Ended or PodStage.Final)
        {
            Remove(pod);
            return;
        }

        if (life.Stage != PodStage.Ending)
        {
            Kill(pod, life, now, pod.Number("metadata", "deletionGracePeriodSeconds") ?? 0);
            life.Stage = PodStage.Ending;
        }

        var deletionEnds = DateTimeOffset.Parse(pod.Text("metadata", "deletionTimestamp")!);
        life.KillAt = deletionEnds < life.KillAt ? deletionEnds : life.KillAt; // a second delete may shorten the grace
        if (ExitOf(life, now) is { } exit)
        {
            (life.Exit, life.EndedAt, life.Stage) = (exit, now, PodStage.Final);
            life.Log.Close();
            Write(pod, life, now);
            Remove(store.Get(ResourceTypes.Pods, pod.Namespace(), pod.Name())!);
        }
    }

    private void Remove(JsonObject pod)
    {
        var last = store.Update(ResourceTypes.Pods, pod.With(p => p.Child("metadata")["deletionGracePeriodSeconds"] = 0));
        if (last.At("metadata", "finalizers") is not JsonArray { Count: > 0 })
        {
            store.Remove(ResourceTypes.Pods, last);
            _lives.Remove(pod.Uid());
        }
    }

    private void Write(JsonObject pod, PodLife life, DateTimeOffset now)
    {
        if (store.Get(ResourceTypes.Pods, pod.Namespace(), pod.Name()) is { } current && current.Uid() == pod.Uid())
        {
            store.Update(ResourceTypes.Pods, current.With(p => p["status"] = life.Status(current, now)));
        }
    }
}
