using System.Text;
using IncidentFox.Workbench.Estate.Cluster;
using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Workbench.Estate.Shop;

/// <summary>What kube-state-metrics exports about the cluster's objects, as far as alerts and investigations use it.</summary>
internal static class ClusterMetrics
{
    public static string Render(ObjectStore store)
    {
        var text = new StringBuilder();
        foreach (var deployment in store.List(ResourceTypes.Deployments))
        {
            var labels = $"namespace=\"{deployment.Namespace()}\",deployment=\"{deployment.Name()}\"";
            Line(text, "kube_deployment_spec_replicas", labels, deployment.Number("spec", "replicas"));
            Line(text, "kube_deployment_status_replicas", labels, deployment.Number("status", "replicas"));
            Line(text, "kube_deployment_status_replicas_ready", labels, deployment.Number("status", "readyReplicas"));
            Line(text, "kube_deployment_status_replicas_available", labels, deployment.Number("status", "availableReplicas"));
            Line(text, "kube_deployment_status_replicas_unavailable", labels, deployment.Number("status", "unavailableReplicas"));
            Line(text, "kube_deployment_status_observed_generation", labels, deployment.Number("status", "observedGeneration"));
        }

        foreach (var pod in store.List(ResourceTypes.Pods))
        {
            RenderPod(text, pod);
        }

        return text.ToString();
    }

    private static void RenderPod(StringBuilder text, System.Text.Json.Nodes.JsonObject pod)
    {
        var labels = $"namespace=\"{pod.Namespace()}\",pod=\"{pod.Name()}\"";
        Line(text, "kube_pod_info", $"{labels},node=\"{pod.Text("spec", "nodeName")}\",pod_ip=\"{pod.Text("status", "podIP")}\"", 1);
        foreach (var phase in (string[])["Pending", "Running", "Succeeded", "Failed"])
        {
            Line(text, "kube_pod_status_phase", $"{labels},phase=\"{phase}\"", pod.Text("status", "phase") == phase ? 1 : 0);
        }

        Line(text, "kube_pod_status_ready", $"{labels},condition=\"true\"", Conditions.IsTrue(pod, "Ready") ? 1 : 0);
        foreach (var container in pod.Objects("status", "containerStatuses"))
        {
            var named = $"{labels},container=\"{container.Text("name")}\"";
            Line(text, "kube_pod_container_status_restarts_total", named, container.Number("restartCount"));
            if (container.Text("state", "waiting", "reason") is { } waiting)
            {
                Line(text, "kube_pod_container_status_waiting_reason", $"{named},reason=\"{waiting}\"", 1);
            }

            var ended = container.Text("state", "terminated", "reason") ?? container.Text("lastState", "terminated", "reason");
            if (ended is not null)
            {
                Line(text, "kube_pod_container_status_last_terminated_reason", $"{named},reason=\"{ended}\"", 1);
            }
        }
    }

    private static void Line(StringBuilder text, string name, string labels, long? value) => ProcessMetrics.Line(text, name, labels, value ?? 0);
}
