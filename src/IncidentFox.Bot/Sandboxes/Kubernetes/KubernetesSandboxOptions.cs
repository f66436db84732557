using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;

namespace IncidentFox.Bot.Sandboxes.Kubernetes;

/// <summary>Sandboxes as pods; section <c>Sandbox:Kubernetes</c>. They are used when <see cref="Image"/> is set.</summary>
public sealed partial class KubernetesSandboxOptions
{
    public const string SectionName = "Sandbox:Kubernetes";

    /// <summary>The agent's image. Empty: sandboxes are local.</summary>
    public string Image { get; set; } = "";

    /// <summary>The gateway's door for pods, ADDRESS:PORT; an IP address, because sandboxes have no DNS.</summary>
    public string GatewayAddress { get; set; } = "";

    /// <summary>A kubeconfig file with a token or a client certificate; empty: this pod's own service account.</summary>
    public string Kubeconfig { get; set; } = "";

    /// <summary>Where the pods are.</summary>
    public string Namespace { get; set; } = "incidentfox-sandboxes";

    /// <summary>The pods' service account: without any right, it gives them their name.</summary>
    public string ServiceAccount { get; set; } = "incidentfox-sandbox";

    /// <summary>Tells the pods of several installations in one namespace apart.</summary>
    public string Installation { get; set; } = "default";

    /// <summary>The ConfigMap with the gateway's authority, key <c>ca.crt</c>.</summary>
    public string GatewayAuthority { get; set; } = "incidentfox-gateway-ca";

    /// <summary>The isolation of the pods. A cluster that does not have it is refused at start-up.</summary>
    public string RuntimeClass { get; set; } = "gvisor";

    /// <summary>Lets agents run in plain containers where the cluster has no <see cref="RuntimeClass"/>. They share the node's kernel then: for tries, not for production.</summary>
    public bool AllowWithoutRuntimeClass { get; set; }

    /// <summary>The pods' priority class; empty for the cluster's default.</summary>
    public string PriorityClass { get; set; } = "";

    /// <summary>Spreads the pods over what this node label tells apart, as <c>topology.kubernetes.io/zone</c>; empty: not.</summary>
    public string SpreadOver { get; set; } = "";

    /// <summary>ADDRESS:PORT pairs that must be out of reach, besides those that the agent knows: the API server's and the database's, for instance.</summary>
    public IList<string> Probes { get; set; } = [];

    /// <summary>Running time; waiting for an approval does not count.</summary>
    public TimeSpan Duration { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>How long approvals may hold up one sandbox, on top of <see cref="Duration"/>: the node ends the pod after both, whatever else happens.</summary>
    public TimeSpan LongestWait { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>How long a pod may take to run: to be placed on a node, to pull its image, to start.</summary>
    public TimeSpan StartWithin { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a running agent may take to show that it is caged.</summary>
    public TimeSpan CageWithin { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Memory of one sandbox in bytes.</summary>
    public long MemoryBytes { get; set; } = 512L * 1024 * 1024;

    /// <summary>Processes and threads of one sandbox; the agent limits itself.</summary>
    public int Processes { get; set; } = 64;

    /// <summary>Processor time of one sandbox at most, in processors.</summary>
    public double Processors { get; set; } = 1;

    /// <summary>Size of <c>/tmp</c> in bytes, the only place that can be written.</summary>
    public long ScratchBytes { get; set; } = 64L * 1024 * 1024;

    /// <summary>Pods that wait, caged, for an investigation. 0 for none.</summary>
    public int WarmPods { get; set; }

    /// <summary>How old a pod that waits becomes before a new one takes its place.</summary>
    public TimeSpan WarmLifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>The limits that a sandbox gets.</summary>
    public SandboxLimits Limits => new(Duration, MemoryBytes, Processes);

    /// <summary>Every error at once, each with how to mend it.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new List<string>();
        Check(ImageName().IsMatch(Image), $"Image: '{Image}' is not an image. Name the agent's image, best with its digest: registry.example/incidentfox-agent@sha256:...");
        Check(IsEndpoint(GatewayAddress), $"GatewayAddress: '{GatewayAddress}' is not ADDRESS:PORT with an IP address. Sandboxes have no DNS: give the gateway's Service a fixed clusterIP, as 10.96.0.40:8443.");
        Check(Kubeconfig.Length == 0 || File.Exists(Kubeconfig), $"Kubeconfig: there is no file {Kubeconfig}. Mount one, or leave it empty to use this pod's service account.");
        Check(Name().IsMatch(Namespace), $"Namespace: '{Namespace}' is not a namespace's name.");
        Check(Name().IsMatch(ServiceAccount), $"ServiceAccount: '{ServiceAccount}' is not a service account's name.");
        Check(Name().IsMatch(Installation), $"Installation: '{Installation}' must be lower-case letters, digits and dashes, at most 63.");
        Check(Name().IsMatch(GatewayAuthority), $"GatewayAuthority: '{GatewayAuthority}' is not a ConfigMap's name.");
        Check(Name().IsMatch(RuntimeClass) || (RuntimeClass.Length == 0 && AllowWithoutRuntimeClass), $"RuntimeClass: '{RuntimeClass}' is not a runtime class. Use gvisor; leave it empty only together with AllowWithoutRuntimeClass.");
        Check(PriorityClass.Length == 0 || Name().IsMatch(PriorityClass), $"PriorityClass: '{PriorityClass}' is not a priority class's name.");
        Check(SpreadOver.Length <= 253, "SpreadOver: must be a node label's key, as topology.kubernetes.io/zone.");
        Check(Probes.Count <= 16 && Probes.All(IsEndpoint), "Probes: give at most 16 of the form ADDRESS:PORT, with IP addresses.");
        Check(Duration >= TimeSpan.FromSeconds(1) && Duration <= TimeSpan.FromHours(24), "Duration: must be between 1 second and 24 hours.");
        Check(LongestWait >= TimeSpan.Zero && LongestWait <= TimeSpan.FromHours(24), "LongestWait: must be between zero and 24 hours.");
        Check(StartWithin >= TimeSpan.FromSeconds(5) && StartWithin <= TimeSpan.FromHours(1), "StartWithin: must be between 5 seconds and 1 hour.");
        Check(CageWithin >= TimeSpan.FromSeconds(5) && CageWithin <= TimeSpan.FromMinutes(10), "CageWithin: must be between 5 seconds and 10 minutes.");
        Check(MemoryBytes >= 64L * 1024 * 1024, "MemoryBytes: must be at least 67108864 (64 MiB), or no agent can start.");
        Check(Processes is >= 16 and <= 4096, "Processes: must be between 16 and 4096; the agent alone has about ten threads.");
        Check(Processors is >= 0.1 and <= 64, "Processors: must be between 0.1 and 64.");
        Check(ScratchBytes is >= 1024 * 1024 and <= 16L * 1024 * 1024 * 1024, "ScratchBytes: must be between 1048576 (1 MiB) and 17179869184 (16 GiB).");
        Check(WarmPods is >= 0 and <= 100, "WarmPods: must be between 0 and 100.");
        Check(WarmLifetime >= TimeSpan.FromMinutes(5) && WarmLifetime <= TimeSpan.FromHours(24), "WarmLifetime: must be between 5 minutes and 24 hours.");
        return errors;

        void Check(bool holds, string error)
        {
            if (!holds)
            {
                errors.Add($"{SectionName}:{error}");
            }
        }
    }

    // IPEndPoint alone would take an address without a port, and a number without dots.
    private static bool IsEndpoint(string text) =>
        text.LastIndexOf(':') is > 0 and var colon
        && int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and < 65536
        && (Address().IsMatch(text[..colon]) || (text[0] == '[' && text[colon - 1] == ']'))
        && IPEndPoint.TryParse(text, out _);

    [GeneratedRegex(@"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\z", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Name();

    [GeneratedRegex(@"^[a-zA-Z0-9][a-zA-Z0-9._:/@-]{0,499}\z", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex ImageName();

    [GeneratedRegex(@"^[0-9]{1,3}(\.[0-9]{1,3}){3}\z", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Address();
}
