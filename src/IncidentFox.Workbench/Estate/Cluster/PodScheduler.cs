using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Workbench.Estate.Cluster;

/// <summary>Binds pods to the one node, unless their program, their selector or a cordon keeps them off it.</summary>
internal sealed class PodScheduler(ObjectStore store, EventRecorder events, Func<PodStart, PodProgram> programOf)
{
    private readonly HashSet<string> _refused = new(StringComparer.Ordinal);

    /// <summary>What a pod does; one that would be restarted goes on instead.</summary>
    public static PodProgram ProgramOf(Func<PodStart, PodProgram> programOf, JsonObject pod, string ip, ContainerLog? log)
    {
        var program = programOf(new(pod.Namespace(), pod.Name(), pod.Uid(), ip, pod, line => log?.Write(line)));
        return pod.Text("spec", "restartPolicy") == "Never" || !program.EndsByItself ? program : PodProgram.RunsUntilDeleted;
    }

    public void Schedule(JsonObject pod, DateTimeOffset now)
    {
        if (WhyUnschedulable(pod) is { } why)
        {
            if (_refused.Add(pod.Uid()))
            {
                events.FailedScheduling(pod, why);
                store.Update(ResourceTypes.Pods, pod.With(p => p.Child("status")["conditions"] = new JsonArray(
                    Conditions.OfPod(p["status"] as JsonObject, "PodScheduled", isTrue: false, "Unschedulable", why, now))));
            }

            return;
        }

        events.Scheduled(pod);
        store.Update(ResourceTypes.Pods, pod.With(p =>
        {
            p.Child("spec")["nodeName"] = ClusterSeed.NodeName;
            p.Child("status")["conditions"] = new JsonArray(Conditions.OfPod(status: null, "PodScheduled", isTrue: true, reason: null, message: null, now));
        }));
    }

    /// <summary>Drops what is known of pods that are gone.</summary>
    public void Forget(HashSet<string> present) => _refused.IntersectWith(present);

    private string? WhyUnschedulable(JsonObject pod)
    {
        var node = store.Get(ResourceTypes.Nodes, "", ClusterSeed.NodeName);
        var (why, preemption) = ProgramOf(programOf, pod, ip: "", log: null).UnschedulableBecause is { } said ? (said, "No preemption victims found for incoming pod.")
            : node?.Flag("spec", "unschedulable") == true ? ("1 node(s) were unschedulable.", "Preemption is not helpful for scheduling.")
            : !IsSelected(pod, node) ? ("1 node(s) didn't match Pod's node affinity/selector.", "Preemption is not helpful for scheduling.")
            : ((string?)null, "");
        return why is null ? null : $"0/1 nodes are available: {why} preemption: 0/1 nodes are available: 1 {preemption}";
    }

    private static bool IsSelected(JsonObject pod, JsonObject? node) =>
        (pod.At("spec", "nodeSelector") as JsonObject ?? []).All(s => node.Text("metadata", "labels", s.Key) == s.Value.Text());
}
