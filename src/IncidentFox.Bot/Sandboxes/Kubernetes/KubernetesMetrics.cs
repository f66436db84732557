using System.Diagnostics.Metrics;

namespace IncidentFox.Bot.Sandboxes.Kubernetes;

/// <summary>Measurements of sandbox pods, meter <c>IncidentFox.Sandboxes</c>.</summary>
internal static class KubernetesMetrics
{
    private static readonly Meter Meter = new(KubernetesSandboxesModule.MeterName);
    private static int _waiting;

    /// <summary>Investigations that got a waiting pod.</summary>
    public static readonly Counter<long> WarmClaims = Meter.CreateCounter<long>("incidentfox.sandbox.warm_claims");

    /// <summary>Investigations that found none.</summary>
    public static readonly Counter<long> WarmMisses = Meter.CreateCounter<long>("incidentfox.sandbox.warm_misses");

    /// <summary>Pods that the reconciler removed, by reason.</summary>
    public static readonly Counter<long> Removed = Meter.CreateCounter<long>("incidentfox.sandbox.pods_removed");

    /// <summary>Pods that wait, caged; counted by the bot that cleans up.</summary>
    public static readonly ObservableGauge<int> WarmPods = Meter.CreateObservableGauge("incidentfox.sandbox.warm_pods", () => _waiting);

    public static void CountWarm(int waiting) => Volatile.Write(ref _waiting, waiting);
}
