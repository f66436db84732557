namespace IncidentFox.Agent.Estate;

/// <summary>Everything that was seen at one moment: what analyzers judge, and nothing else.</summary>
internal sealed record Snapshot
{
    public required DateTimeOffset Now { get; init; }
    public IReadOnlyList<Pod> Pods { get; init; } = [];
    public IReadOnlyList<Deployment> Deployments { get; init; } = [];
    public IReadOnlyList<ReplicaSet> ReplicaSets { get; init; } = [];
    public IReadOnlyList<ClusterEvent> Events { get; init; } = [];
    public IReadOnlyList<Service> Services { get; init; } = [];
    public IReadOnlyList<Node> Nodes { get; init; } = [];
    public IReadOnlyList<Alert> Alerts { get; init; } = [];
    public Metrics Metrics { get; init; } = new();

    /// <summary>Log excerpts that were fetched.</summary>
    public IReadOnlyDictionary<LogKey, string> Logs { get; init; } = new Dictionary<LogKey, string>();

    /// <summary>The workloads that the question is about; empty when it names none.</summary>
    public IReadOnlyList<WorkloadName> Asked { get; init; } = [];

    public IEnumerable<Pod> PodsOf(WorkloadName workload) => Pods.Where(p => p.Namespace == workload.Namespace && p.Workload == workload.Name);

    public IEnumerable<ClusterEvent> EventsOf(string kind, string ns, string name) =>
        Events.Where(e => e.Kind == kind && e.Namespace == ns && e.Name == name).OrderBy(e => e.At);

    public string? Log(Pod pod, string container)
    {
        foreach (var previous in new[] { true, false })
            if (Logs.TryGetValue(new(pod.Namespace, pod.Name, container, previous), out var text) && LogLines.Telling(text) is { } lines)
                return lines;
        return null;
    }
}

/// <summary>A deployment, job, set or lone pod by name.</summary>
internal readonly record struct WorkloadName(string Namespace, string Name)
{
    public override string ToString() => Name;
}

/// <summary>Whose log, and whether of the run before.</summary>
internal readonly record struct LogKey(string Namespace, string Pod, string Container, bool Previous);
