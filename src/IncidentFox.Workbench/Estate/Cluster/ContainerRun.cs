using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Workbench.Estate.Cluster;

/// <summary>
/// One container over its restarts: creating (or failing to pull its image), running, ended, backing off, running again.
/// The back-off is the kubelet's: at once the first time, then 10 s, 20 s, 40 s, up to 5 minutes.
/// </summary>
internal sealed class ContainerRun(JsonObject spec, string ip, IContainerRuntime runtime, EventRecorder events, TimeProvider clock)
{
    private static readonly TimeSpan CreateTime = TimeSpan.FromMilliseconds(700);
    private static readonly TimeSpan FirstProbe = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ShowTerminated = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan FirstBackOff = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestBackOff = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan PullTime = TimeSpan.FromSeconds(1);
    private readonly string _image = spec.Text("image") ?? "";
    private JsonObject _state = new() { ["waiting"] = new JsonObject { ["reason"] = "ContainerCreating" } };
    private JsonObject _lastState = [];
    private string _containerId = "";
    private DateTimeOffset _startedAt;
    private DateTimeOffset _nextStep;
    private DateTimeOffset _nextProbe;
    private DateTimeOffset _restartAt;
    private int _restarts;
    private int _failedProbes;
    private TimeSpan _pullBackOff = FirstBackOff;
    private Phase _phase = Phase.Creating;

    private enum Phase
    {
        Creating,
        PullFailed,
        PullBackOff,
        Running,
        Ended,
        BackOff,
        Stopped,
    }

    public string Name { get; } = spec.Text("name") ?? "";

    public string Ip => ip;

    public IContainerProcess? Process { get; private set; }

    public ContainerLog? Log { get; private set; }

    public ContainerLog? PreviousLog { get; private set; }

    public bool IsReady { get; private set; }

    public bool EverStarted { get; private set; }

    public bool IsRunning => _phase == Phase.Running;

    public void Begin(JsonObject pod, DateTimeOffset now)
    {
        if (runtime.HasImage(_image))
        {
            events.Kubelet(pod, Name, "Normal", "Pulled", $"Container image \"{_image}\" already present on machine");
            _nextStep = now + CreateTime;
        }
        else
        {
            events.Kubelet(pod, Name, "Normal", "Pulling", $"Pulling image \"{_image}\"");
            _nextStep = now + PullTime;
        }
    }

    public void Step(JsonObject pod, PodVolume volume, DateTimeOffset now)
    {
        switch (_phase)
        {
            case Phase.Creating when now >= _nextStep:
                if (runtime.HasImage(_image))
                {
                    Run(pod, volume, now);
                }
                else
                {
                    FailPull(pod, now);
                }

                break;
            case Phase.PullFailed when now >= _nextStep:
                BackOffPull(pod, now);
                break;
            case Phase.PullBackOff when now >= _nextStep:
                FailPull(pod, now);
                break;
            case Phase.Running:
                Watch(pod, now);
                break;
            case Phase.Ended when now >= _nextStep:
                AfterEnd(pod, volume, now);
                break;
            case Phase.BackOff when now >= _restartAt:
                Restart(pod, volume, now);
                break;
            default:
                break;
        }
    }

    /// <summary>TERM: it serves nobody from now on.</summary>
    public void Stop()
    {
        Process?.Stop();
        Process = null;
        IsReady = false;
    }

    public void Terminated(ContainerExit exit, DateTimeOffset now)
    {
        if (_phase == Phase.Running)
        {
            _state = Ended(exit, now);
            Log?.Close();
        }

        Stop();
        _phase = Phase.Stopped;
    }

    public JsonObject Status()
    {
        var status = new JsonObject
        {
            ["name"] = Name,
            ["state"] = _state.Copy(),
            ["lastState"] = _lastState.Copy(),
            ["ready"] = IsReady,
            ["restartCount"] = _restarts,
            ["image"] = _image,
            ["imageID"] = EverStarted ? $"sha256:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(_image)))}" : "",
        };
        if (EverStarted)
        {
            status["containerID"] = _containerId;
        }

        status["started"] = _phase == Phase.Running;
        if (EverStarted && spec["resources"] is { } resources)
        {
            status["allocatedResources"] = resources.At("requests")?.DeepClone();
            status["resources"] = resources.DeepClone();
        }

        return status;
    }

    private void Run(JsonObject pod, PodVolume volume, DateTimeOffset now)
    {
        _containerId = $"containerd://{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32))}";
        events.Kubelet(pod, Name, "Normal", "Created", $"Created container: {Name}");
        events.Kubelet(pod, Name, "Normal", "Started", $"Started container {Name}");
        PreviousLog = Log;
        Log = new(clock);
        Process = runtime.Start(new(
            pod.Namespace(), pod.Name(), pod.Uid(), ip, Name, _image, Quantity.Bytes(spec.Text("resources", "limits", "memory")), volume, Log));
        _phase = Phase.Running;
        _startedAt = now;
        _state = new() { ["running"] = new JsonObject { ["startedAt"] = now.Rfc3339() } };
        EverStarted = true;
        _failedProbes = 0;
        _nextProbe = now + FirstProbe;
    }

    private void Watch(JsonObject pod, DateTimeOffset now)
    {
        if (Process!.Poll(now) is { } exit)
        {
            Log!.Close();
            _state = Ended(exit, now);
            Stop();
            _phase = Phase.Ended;
            _nextStep = now + ShowTerminated;
            return;
        }

        if (now < _nextProbe)
        {
            return;
        }

        _nextProbe = now + TimeSpan.FromSeconds(spec.Number("readinessProbe", "periodSeconds") ?? 10);
        if (Process.ProbeReadiness() is { } failure)
        {
            events.Kubelet(pod, Name, "Warning", "Unhealthy", $"Readiness probe failed: {failure}");
            _failedProbes++;
            IsReady = IsReady && _failedProbes < (spec.Number("readinessProbe", "failureThreshold") ?? 3);
        }
        else
        {
            _failedProbes = 0;
            IsReady = true;
        }
    }

    private void AfterEnd(JsonObject pod, PodVolume volume, DateTimeOffset now)
    {
        if (_restarts == 0)
        {
            Restart(pod, volume, now); // the first restart does not wait
            return;
        }

        var doubled = FirstBackOff * Math.Pow(2, Math.Min(_restarts - 1, 10));
        var wait = doubled < LongestBackOff ? doubled : LongestBackOff;
        _lastState = _state;
        _state = Waiting("CrashLoopBackOff", $"back-off {GoDuration(wait)} restarting failed container={Name} pod={pod.Name()}_{pod.Namespace()}({pod.Uid()})");
        _phase = Phase.BackOff;
        _restartAt = now + wait;
        events.Kubelet(pod, Name, "Warning", "BackOff", $"Back-off restarting failed container {Name} in pod {pod.Name()}_{pod.Namespace()}({pod.Uid()})");
    }

    private void Restart(JsonObject pod, PodVolume volume, DateTimeOffset now)
    {
        if (_state["terminated"] is not null)
        {
            _lastState = _state;
        }

        _restarts++;
        events.Kubelet(pod, Name, "Normal", "Pulled", $"Container image \"{_image}\" already present on machine");
        Run(pod, volume, now);
    }

    private void FailPull(JsonObject pod, DateTimeOffset now)
    {
        var why = PullError();
        events.Kubelet(pod, Name, "Warning", "Failed", $"Failed to pull image \"{_image}\": {why}");
        events.Kubelet(pod, Name, "Warning", "Failed", "Error: ErrImagePull");
        _state = Waiting("ErrImagePull", why);
        _phase = Phase.PullFailed;
        _nextStep = now + ShowTerminated;
    }

    private void BackOffPull(JsonObject pod, DateTimeOffset now)
    {
        events.Kubelet(pod, Name, "Normal", "BackOff", $"Back-off pulling image \"{_image}\"");
        events.Kubelet(pod, Name, "Warning", "Failed", "Error: ImagePullBackOff");
        _state = Waiting("ImagePullBackOff", $"Back-off pulling image \"{_image}\": ErrImagePull: {PullError()}");
        _phase = Phase.PullBackOff;
        _nextStep = now + _pullBackOff;
        _pullBackOff = _pullBackOff * 2 < LongestBackOff ? _pullBackOff * 2 : LongestBackOff;
    }

    private string PullError() =>
        $"failed to pull and unpack image \"{_image}\": failed to resolve reference \"{_image}\": {_image}: not found";

    private JsonObject Ended(ContainerExit exit, DateTimeOffset now) => new()
    {
        ["terminated"] = new JsonObject
        {
            ["exitCode"] = exit.Code,
            ["reason"] = exit.Reason,
            ["startedAt"] = _startedAt.Rfc3339(),
            ["finishedAt"] = now.Rfc3339(),
            ["containerID"] = _containerId,
        },
    };

    private static JsonObject Waiting(string reason, string message) =>
        new() { ["waiting"] = new JsonObject { ["reason"] = reason, ["message"] = message } };

    private static string GoDuration(TimeSpan time) =>
        time < TimeSpan.FromMinutes(1) ? $"{time.TotalSeconds:0}s" : $"{(int)time.TotalMinutes}m{time.Seconds}s";
}

internal static class Quantity
{
    /// <summary>`128Mi`, `1Gi`, `500000`; null when there is none.</summary>
    public static long? Bytes(string? quantity) => quantity switch
    {
        null => null,
        [.. var number, 'K', 'i'] => long.Parse(number) << 10,
        [.. var number, 'M', 'i'] => long.Parse(number) << 20,
        [.. var number, 'G', 'i'] => long.Parse(number) << 30,
        _ => long.Parse(quantity),
    };
}
