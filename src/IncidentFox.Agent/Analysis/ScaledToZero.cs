using System.Text.RegularExpressions;
using IncidentFox.Agent.Estate;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Analysis;

/// <summary>Deployments with no pods by their own setting.</summary>
internal static partial class ScaledToZero
{
    public static IEnumerable<Finding> Find(Snapshot s)
    {
        foreach (var deployment in s.Deployments.Where(d => d.Replicas == 0))
        {
            var scaled = s.EventsOf("Deployment", deployment.Namespace, deployment.Name).LastOrDefault(e => e.Reason == "ScalingReplicaSet" && Before(e.Message) is not null);
            var service = s.Services.FirstOrDefault(v => v.Namespace == deployment.Namespace && v.Name == deployment.Name);
            var before = Previous(s, deployment, scaled);
            yield return new()
            {
                Cause = Cause.ScaledToZero,
                Workload = new(deployment.Namespace, deployment.Name),
                Statement = $"Deployment {deployment.Name} is scaled to 0 replicas{(scaled?.At is { } at ? $" (from {before} at {Sentences.At(at)})" : "")}, so there is no pod behind service {service?.Name ?? deployment.Name} and every call to it fails.",
                Since = scaled?.At,
                Evidence =
                [
                    new($"Deployment {deployment.Name} has spec.replicas=0", "list_deployments", $"replicas=0 readyReplicas={deployment.ReadyReplicas}{(deployment.ScaledBy.Length > 0 ? $"; last scaled by {deployment.ScaledBy}" : "")}"),
                    .. scaled is null ? Array.Empty<Evidence>() : [new Evidence($"It was scaled down{Sentences.Since(scaled.At).Replace("since", "at", StringComparison.Ordinal)}", "list_events", scaled.Message)],
                    .. service is not { ReadyEndpoints: 0 } ? Array.Empty<Evidence>() : [new Evidence($"Service {service.Name} has no endpoint", "list_endpointslices", null)],
                ],
                NextSteps =
                [
                    before is null
                        ? $"Scale {deployment.Name} up again; how many replicas it had could not be seen, so no number is proposed."
                        : $"Scale {deployment.Name} back to {before}, unless it was turned off on purpose.",
                    deployment.ScaledBy.Length > 0 ? $"Ask why {deployment.ScaledBy} scaled {deployment.Name} to 0: it may do so again." : $"Find out who or what scaled {deployment.Name} to 0.",
                ],
                Remedy = before is not { } replicas ? null : new(
                    "scale_deployment", $"Scale {deployment.Name} from 0 back to {replicas} replicas, the number it had before.",
                    ("namespace", deployment.Namespace), ("deployment", deployment.Name), ("replicas", replicas)),
            };
        }
    }

    private static int? Previous(Snapshot s, Deployment deployment, ClusterEvent? scaled)
    {
        if (scaled is not null && Before(scaled.Message) is { } fromEvent)
            return fromEvent;
        if (s.Metrics.ReplicasBefore.TryGetValue(deployment.Name, out var fromMetrics))
            return fromMetrics;
        var noted = s.ReplicaSets.Where(r => r.Namespace == deployment.Namespace && r.Deployment == deployment.Name).Select(r => r.DesiredReplicasNoted).Append(deployment.DesiredReplicasNoted).Max();
        return noted > 0 ? noted : null;
    }

    // "from 2 to 0"; older controllers wrote "to 0 from 2".
    private static int? Before(string message) =>
        Down().Match(message) is { Success: true } match && int.TryParse(match.Groups["n"].Value, out var n) && n is > 0 and < 10_000 ? n : null;

    [GeneratedRegex(@"^Scaled down replica set \S+ (from (?<n>\d+) to 0|to 0 from (?<n>\d+))$", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Down();
}
