using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Workbench.Estate.Faults;

/// <summary>A rollout of an image that does not exist, with a strategy that took the old pods away at once.</summary>
internal sealed class BadImageFault : IDemoFault
{
    private const string Image = "registry.example/shop/checkout:1.9.0";

    public FaultTruth Apply(FaultTarget target)
    {
        target.ChangeDeployment("checkout", d =>
        {
            d.Child("metadata").Child("annotations")["kubernetes.io/change-cause"] = "deploy checkout 1.9.0";
            d.Child("spec").Child("strategy").Child("rollingUpdate")["maxUnavailable"] = "100%";
            d.Objects("spec", "template", "spec", "containers").First()["image"] = Image;
        });
        return new(
            DemoFaults.BadImage,
            $"The rollout of checkout 1.9.0 cannot pull {Image} (not found in the registry), and maxUnavailable 100% removed the old pods first: "
            + "checkout has no pod that serves. Roll back to 1.8.0 by hand.",
            Fix: null,
            [
                "pods checkout-*: ErrImagePull and ImagePullBackOff, event 'Failed to pull image ...: not found'",
                "deployment checkout: revision 2, change-cause 'deploy checkout 1.9.0', maxUnavailable 100%, no available replicas",
                "storefront: log 'call to checkout failed ... no ready endpoints'",
            ]);
    }
}
