using IncidentFox.Agent.Estate;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Analysis;

/// <summary>Alerts that fire, joined with the workload their labels name.</summary>
internal static class FiringAlerts
{
    private static readonly string[] Names = ["deployment", "service", "workload", "app", "job_name", "pod", "container"];

    public static IEnumerable<Finding> Find(Snapshot s) =>
        s.Alerts.DistinctBy(a => (a.Name, string.Join(',', Names.Select(n => a.Labels.GetValueOrDefault(n)))))
            .Select(a => new Finding
            {
                Cause = Cause.FiringAlert,
                Workload = WorkloadOf(s, a),
                Statement = $"Alert {a.Name} fires{Sentences.Since(a.Since)}.",
                Since = a.Since,
                Evidence = [new($"Alert {a.Name} fires{Sentences.Since(a.Since)}", a.Tool, a.Summary.Length > 0 ? a.Summary : null)],
            });

    private static WorkloadName WorkloadOf(Snapshot s, Alert alert)
    {
        foreach (var label in Names)
        {
            if (!alert.Labels.TryGetValue(label, out var name))
                continue;
            if (s.Pods.FirstOrDefault(p => p.Name == name) is { } pod)
                return new(pod.Namespace, pod.Workload);
            if (s.Deployments.Any(d => d.Name == name) || s.Services.Any(v => v.Name == name))
                return Topology.WorkloadOfService(s, name);
        }
        return new(alert.Labels.GetValueOrDefault("namespace", ""), "");
    }
}
