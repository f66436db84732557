using IncidentFox.Workbench.Estate.Cluster;
using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Workbench.Estate.Faults;

/// <summary>Somebody's clean-up job scaled payments to nothing; checkout has nobody to call.</summary>
internal sealed class ScaledToZeroFault : IDemoFault
{
    private const string Culprit = "night-scaler";

    public FaultTruth Apply(FaultTarget target)
    {
        target.ChangeDeployment("payments", d =>
        {
            d.Child("spec")["replicas"] = 0;
            d.Child("metadata").Child("annotations")["shop.example/scaled-by"] = $"{Culprit}: staging hours applied";
            ManagedFields.Scaled(d, Culprit, "scale", target.Clock.GetUtcNow());
        });
        return new(
            DemoFaults.ScaledToZero,
            $"Deployment payments was scaled from 2 to 0 by {Culprit}: its Service has no endpoints, so every checkout fails.",
            new("scale_deployment", new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["namespace"] = ClusterSeed.Shop, ["deployment"] = "payments", ["replicas"] = "2",
            }),
            [
                "deployment payments: spec.replicas=0; event ScalingReplicaSet 'Scaled down replica set ... from 2 to 0'",
                $"deployment payments: managedFields of subresource scale and annotation shop.example/scaled-by name {Culprit}",
                "checkout: log 'call to payments failed: ... no ready endpoints'; all its answers are 503",
            ]);
    }
}
