namespace IncidentFox.Workbench.Estate.Cluster.RealPods;

/// <summary>Pods that really run on this machine, beside those that are only played.</summary>
public sealed record RealPodOptions
{
    /// <summary>By image: the one program of that image, a file that needs no library of this machine. Pods of other images do what the cluster's program says.</summary>
    public required IReadOnlyDictionary<string, string> Images { get; init; }

    /// <summary>Where the program is in its image.</summary>
    public string EntryPoint { get; init; } = "/incidentfox-agent";

    /// <summary>How long after its start a pod's NetworkPolicies are enforced: 0.5 to 1.2 s were recorded. Null: never.</summary>
    public TimeSpan? PoliciesEnforcedAfter { get; init; } = TimeSpan.FromMilliseconds(800);

    /// <summary>Processes and threads that the node allows one pod.</summary>
    public int ProcessesPerPod { get; init; } = 1024;
}
