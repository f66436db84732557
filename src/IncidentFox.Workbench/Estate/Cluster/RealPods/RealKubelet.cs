using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Kubernetes;
using IncidentFox.Workbench.Processes;

namespace IncidentFox.Workbench.Estate.Cluster.RealPods;

/// <summary>
/// The part of the node that really runs pods: each in a network namespace of its own behind a router that enforces the namespace's NetworkPolicies, in
/// bubblewrap, as a user of its own, with the limits that this machine can hold it to. Needs root, iproute2, util-linux and bubblewrap.
/// </summary>
public sealed class RealKubelet : IAsyncDisposable
{
    /// <summary>On a RuntimeClass: the checks of <c>incidentfox sandbox check</c> that are only played here.</summary>
    public const string SimulatesAnnotation = "incidentfox.io/simulates";

    private const string NamePrefix = "ifxk-";

    private static readonly string[] Needed = ["ip", "nsenter", "setpriv", "bwrap"];
    private readonly Dictionary<string, string> _programs = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<RunningPod, byte> _pods = new();
    private readonly string _folder;
    private int _next = -1;

    private RealKubelet(RealPodOptions options, TimeProvider clock, NodeNetwork network, string folder) => (Options, Clock, Network, _folder) = (options, clock, network, folder);

    /// <summary>This machine as pods reach it: a gateway for them listens here.</summary>
    public IPAddress HostAddress => Network.Host;

    /// <summary>The checks of <c>incidentfox sandbox check</c> that this machine can't do in earnest, by name.</summary>
    public IReadOnlyList<string> Simulated =>
    [
        .. Controllers.Contains("memory") ? Array.Empty<string>() : ["memory held"],
        .. Controllers.Contains("cpu") ? Array.Empty<string>() : ["cpu held"],
        .. Options.PoliciesEnforcedAfter is null ? ["caged"] : Array.Empty<string>(),
    ];

    /// <summary>Where everything of its pods is.</summary>
    internal string Folder => _folder;

    internal RealPodOptions Options { get; }

    internal TimeProvider Clock { get; }

    internal NodeNetwork Network { get; }

    internal IReadOnlyList<string> Controllers { get; } = PodCgroup.Usable();

    internal KubernetesCluster Cluster { get; private set; } = null!;

    /// <summary>Why pods can't be run here, or null.</summary>
    public static string? WhyNotHere() =>
        !SystemAccount.WeAreRoot ? "Running pods takes root: they get network namespaces."
        : Needed.Where(p => Tool.Find(p) is null).ToList() is { Count: > 0 } missing ? $"Not installed: {string.Join(", ", missing)}. Run eng/setup --test."
        : null;

    internal static async Task<RealKubelet> StartAsync(RealPodOptions options, TimeProvider clock)
    {
        if (WhyNotHere() is { } why)
        {
            throw new InvalidOperationException(why);
        }

        RemoveLeft();
        var folder = Directory.CreateTempSubdirectory(string.Create(CultureInfo.InvariantCulture, $"{NamePrefix}{Environment.ProcessId}-")).FullName;
        const UnixFileMode open = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
        File.SetUnixFileMode(folder, open);
        try
        {
            var kubelet = new RealKubelet(options, clock, await NodeNetwork.CreateAsync(), folder);
            foreach (var (image, program) in options.Images)
            {
                // Pulled: where it is built, the pods' users may not look.
                var own = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"image-{kubelet._programs.Count}"));
                File.Copy(program, own);
                File.SetUnixFileMode(own, open);
                kubelet._programs[image] = own;
            }

            return kubelet;
        }
        catch
        {
            Directory.Delete(folder, recursive: true);
            throw;
        }
    }

    internal void Join(KubernetesCluster cluster) => Cluster = cluster;

    internal string AddressOf(int pod) => Network.AddressOf(pod);

    /// <summary>Null for an image that is not one of these.</summary>
    internal PodProgram? ProgramOf(PodStart start)
    {
        if (!_programs.ContainsKey(start.Pod.Objects("spec", "containers").First().Text("image") ?? ""))
        {
            return null;
        }

        return PodFiles.Missing(Cluster, start.Pod) is var (volume, configMap)
            ? PodProgram.NeverStarts("FailedMount", $"MountVolume.SetUp failed for volume \"{volume}\" : configmap \"{configMap}\" not found")
            : PodProgram.Runs(Run);
    }

    internal string ProgramOf(string image) => _programs[image];

    /// <summary>Null while the pod has no object any more.</summary>
    internal PodTraffic? TrafficOf(PodStart start) =>
        Cluster.Find("Pod", start.Namespace, start.Name) is { } pod && pod.Uid() == start.Uid
            ? PodTraffic.Of(pod, Cluster.List("NetworkPolicy"), Cluster.List("Pod"), Cluster.List("Namespace")) : null;

    internal void Forget(RunningPod pod) => _pods.TryRemove(pod, out _);

    /// <summary>Ends what runs, and leaves nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var pod in _pods.Keys)
        {
            pod.Kill();
            await pod.Ended;
        }

        await Network.RemoveAsync();
        Directory.Delete(_folder, recursive: true);
    }

    // What a process that was killed left: its pods died with it, their cgroups and folders did not.
    private static void RemoveLeft()
    {
        PodCgroup.RemoveLeft(IsNobodys);
        foreach (var folder in Directory.GetDirectories(Path.GetTempPath(), NamePrefix + "*").Where(f => IsNobodys(Path.GetFileName(f)[NamePrefix.Length..])))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static bool IsNobodys(string name) =>
        int.TryParse(name.Split('-')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var owner) && !Directory.Exists($"/proc/{owner}");

    private RunningPod Run(PodStart start)
    {
        // By its address: that is what the cluster gave it.
        var number = int.Parse(start.Ip.Split('.')[^1], CultureInfo.InvariantCulture) - 10;
        var folder = Directory.CreateDirectory(Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(_folder)[NamePrefix.Length..]}-{Interlocked.Increment(ref _next)}"))).FullName;
        var pod = new RunningPod(this, start, number, folder);
        _pods[pod] = 0;
        return pod;
    }
}
