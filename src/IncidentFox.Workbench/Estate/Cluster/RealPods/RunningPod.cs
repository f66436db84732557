using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Kubernetes;
using IncidentFox.Workbench.Processes;

namespace IncidentFox.Workbench.Estate.Cluster.RealPods;

/// <summary>One pod that really runs. It has ended when nothing of it is left: process, namespace, cgroup, folder.</summary>
internal sealed class RunningPod : IPodProcess
{
    private const int CannotStart = 128;

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);
    private readonly RealKubelet _kubelet;
    private readonly PodStart _start;
    private readonly int _number;
    private readonly string _folder;
    private readonly uint _user;
    private readonly CancellationTokenSource _over = new();
    private readonly Lock _gate = new();
    private Process? _process;
    private PodCgroup? _cgroup;
    private PosixSignal? _toSend;
    private bool _killed;

    public RunningPod(RealKubelet kubelet, PodStart start, int number, string folder)
    {
        (_kubelet, _start, _number, _folder) = (kubelet, start, number, folder);
        _user = (uint)(1_600_000_000 + Random.Shared.Next(100_000_000));
        Ended = Task.Run(RunAsync);
    }

    /// <summary>Completes, and never fails, with how it ended.</summary>
    public Task<PodExit> Ended { get; }

    public PodExit? Poll() => Ended.IsCompleted ? Ended.Result : null;

    public void Stop()
    {
        lock (_gate)
        {
            _toSend = PosixSignal.SIGTERM;
            Signal();
        }
    }

    /// <summary>Does not wait: whoever asks holds the cluster's lock, and the end needs it. See <see cref="Ended"/>.</summary>
    public void Kill()
    {
        lock (_gate)
        {
            _killed = true;
            KillProcess();
        }
    }

    private async Task<PodExit> RunAsync()
    {
        PodExit exit;
        try
        {
            await StartAsync();
            var kept = KeepAsync(_over.Token);
            await _process!.WaitForExitAsync();
            await _over.CancelAsync();
            var had = await kept;
            exit = _cgroup!.RanOutOfMemory ? new(137, "OOMKilled") : new(_process.ExitCode);
            await CleanAsync(had);
        }
        catch (Exception e)
        {
            _start.Write($"The node could not run this pod: {e.Message}");
            exit = new(CannotStart, "StartError");
            await CleanAsync(0);
        }

        return exit;
    }

    private async Task StartAsync()
    {
        var (pod, container) = (_start.Pod, _start.Pod.Objects("spec", "containers").First());
        var program = _kubelet.ProgramOf(container.Text("image") ?? "");
        var entryPoint = _kubelet.Options.EntryPoint;
        var root = MakeRoot(PodCommand.MountPaths(pod), entryPoint);
        var files = Files = new PodFiles(_kubelet.Cluster, _kubelet.Clock, pod, Path.Combine(_folder, "volumes"), _user);
        Directory.CreateDirectory(Path.Combine(_folder, "volumes"));
        files.Refresh();
        await _kubelet.Network.AttachAsync(_number);
        decimal? Limit(string what) => container.Text("resources", "limits", what) is { } text ? Quantities.Parse(text) : null;
        _cgroup = PodCgroup.Create(Path.GetFileName(_folder), _kubelet.Controllers, (long?)Limit("memory"), Limit("cpu"), _kubelet.Options.ProcessesPerPod);
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = "/" };
        start.Environment.Clear();
        foreach (var word in PodCommand.Build(pod, _kubelet.Network.NameOf(_number), root, program, _user, files, _cgroup.Entrances, entryPoint))
        {
            start.ArgumentList.Add(word);
        }

        lock (_gate)
        {
            if (_killed)
            {
                throw new InvalidOperationException("it was deleted first.");
            }

            _process = SpawnThread.Run(() => Process.Start(start)) ?? throw new InvalidOperationException("no process was started.");
            _process.StandardInput.Close();
            _process.OutputDataReceived += (_, line) => Log(line.Data);
            _process.ErrorDataReceived += (_, line) => Log(line.Data);
            _process.BeginOutputReadLine();
            _process.BeginErrorReadLine();
        }
    }

    private PodFiles? Files { get; set; }

    // Policies, files that rotate, and a signal that came before there was somebody to get it.
    private async Task<int> KeepAsync(CancellationToken ct)
    {
        var (since, enforced, rules) = (TimeProvider.System.GetTimestamp(), (PodTraffic?)null, 0);
        try
        {
            for (; ; await Task.Delay(LookEvery, ct))
            {
                Files!.Refresh();
                Signal();
                if (_kubelet.Options.PoliciesEnforcedAfter is { } after && TimeProvider.System.GetElapsedTime(since) >= after
                    && _kubelet.TrafficOf(_start) is { } traffic && !(enforced ?? new PodTraffic(null, null)).SameAs(traffic))
                {
                    rules = await _kubelet.Network.EnforceAsync(_number, traffic, rules);
                    enforced = traffic;
                }
            }
        }
        catch (OperationCanceledException)
        {
            return rules;
        }
        catch (Exception e)
        {
            // A node that can't hold a pod to its policies does not let it run.
            _start.Write($"The node gave up this pod: {e.Message}");
            KillProcess();
            return rules;
        }
    }

    private void Signal()
    {
        lock (_gate)
        {
            if (_toSend is { } signal && ContainerProcess() is { } target)
            {
                Signals.Send(target, signal);
                _toSend = null;
            }
        }
    }

    private void KillProcess()
    {
        if (ContainerProcess() is { } target)
        {
            Signals.Kill(target);
        }

        if (_process is { HasExited: false } process)
        {
            Signals.Kill(process.Id);
        }
    }

    // The container's first process is the isolation's child.
    private int? ContainerProcess()
    {
        if (_process is not { HasExited: false } process)
        {
            return null;
        }

        try
        {
            return int.TryParse(File.ReadAllText($"/proc/{process.Id}/task/{process.Id}/children").Trim().Split(' ')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var child) ? child : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private string MakeRoot(IEnumerable<string> mounts, string entryPoint)
    {
        var root = Directory.CreateDirectory(Path.Combine(_folder, "root")).FullName;
        foreach (var path in mounts.Append("/proc"))
        {
            Directory.CreateDirectory(Path.Combine(root, path.Trim('/')));
        }

        File.WriteAllBytes(Path.Combine(root, entryPoint.Trim('/')), []);
        return root;
    }

    private void Log(string? line)
    {
        if (line is not null)
        {
            _start.Write(line);
        }
    }

    private async Task CleanAsync(int rules)
    {
        await (_cgroup?.DestroyAsync() ?? Task.CompletedTask);
        await _kubelet.Network.DetachAsync(_number, rules);
        lock (_gate)
        {
            _process?.Dispose();
            _process = null;
        }

        Directory.Delete(_folder, recursive: true);
        _kubelet.Forget(this);
    }
}
