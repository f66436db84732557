using IncidentFox.Agent.Estate;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Analysis;

/// <summary>What an analyzer can find, strongest explanation first: the order breaks ties between findings that both explain a symptom.</summary>
internal enum Cause
{
    NodeNotReady,
    ScaledToZero,
    NodePressure,
    ImagePull,
    MissingConfiguration,
    OutOfMemory,
    InitFailing,
    CrashLoop,
    ClaimPending,
    Evicted,
    Unschedulable,
    JobFailed,
    OnePodFails,
    NotReady,
    RolloutStuck,
    RecentChange,

    /// <summary>From here on: symptoms, which something else causes.</summary>
    DependencyErrors,
    ErrorRate,
    FiringAlert,
}

/// <summary>Something wrong, with what shows it.</summary>
internal sealed record Finding
{
    public required Cause Cause { get; init; }

    public required WorkloadName Workload { get; init; }

    /// <summary>The pods that show it, worst first.</summary>
    public IReadOnlyList<Pod> Pods { get; init; } = [];

    /// <summary>A sentence that says what is wrong and why.</summary>
    public required string Statement { get; init; }

    public DateTimeOffset? Since { get; init; }

    public IReadOnlyList<Evidence> Evidence { get; init; } = [];

    /// <summary>What a person would do about it.</summary>
    public IReadOnlyList<string> NextSteps { get; init; } = [];

    /// <summary>The one change that would help, when there is a safe one.</summary>
    public Remedy? Remedy { get; init; }

    /// <summary>Workloads beyond its own that it reaches, e.g. those on a node.</summary>
    public IReadOnlyList<WorkloadName> Affects { get; init; } = [];

    public bool IsSymptom => Cause >= Cause.DependencyErrors;

    /// <summary>True when it explains a failure by itself; a recent change or a stuck rollout only points at one.</summary>
    public bool Explains => Cause < Cause.RolloutStuck;
}

/// <summary>A change worth proposing. Arguments are the tool's, in its order.</summary>
internal sealed record Remedy(string Tool, string Summary, params IReadOnlyList<(string Name, object Value)> Arguments);

/// <summary>Runs all analyzers.</summary>
internal static class Analyzers
{
    private static readonly IReadOnlyList<Func<Snapshot, IEnumerable<Finding>>> All =
    [
        NodeTrouble.Find, ScaledToZero.Find, ImagePull.Find, MissingConfiguration.Find, OutOfMemory.Find, CrashLoop.Find, Scheduling.Find,
        Evictions.Find, FailedJobs.Find, NotReady.Find, Rollouts.Find, ErrorRates.Find, FiringAlerts.Find,
    ];

    public static IReadOnlyList<Finding> Run(Snapshot snapshot) => [.. All.SelectMany(analyze => analyze(snapshot))];
}
