using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Cluster;
using IncidentFox.Workbench.Estate.Kubernetes;
using IncidentFox.Workbench.Estate.Shop;

namespace IncidentFox.Workbench.Estate.Faults;

/// <summary>One way the shop breaks.</summary>
internal interface IDemoFault
{
    /// <summary>Breaks it, now, and says what is true from then on.</summary>
    FaultTruth Apply(FaultTarget target);
}

/// <summary>What a fault can reach: the cluster's objects and the shop's processes.</summary>
internal sealed record FaultTarget(ObjectStore Store, ShopRuntime Runtime, TimeProvider Clock)
{
    /// <summary>A checkout pod that serves.</summary>
    public CheckoutProcess PickCheckout() => Runtime.Running.OfType<CheckoutProcess>().OrderBy(p => p.Pod.PodName, StringComparer.Ordinal).First();

    public void ChangeDeployment(string name, Action<JsonObject> change)
    {
        lock (Store.Gate)
        {
            var deployment = Store.Get(ResourceTypes.Deployments, ClusterSeed.Shop, name)!;
            Store.Update(ResourceTypes.Deployments, deployment.With(d =>
            {
                d.Child("metadata")["generation"] = (d.Number("metadata", "generation") ?? 1) + 1;
                change(d);
            }));
        }
    }

    public static FaultFix RestartOf(string pod) =>
        new("pod_restart", new Dictionary<string, string>(StringComparer.Ordinal) { ["namespace"] = ClusterSeed.Shop, ["pod"] = pod });
}
