using System.Text.Json;

namespace IncidentFox.Agent.Estate;

/// <summary>A pod as far as the analyzers look at it.</summary>
internal sealed record Pod(
    string Namespace, string Name, string Uid, string Phase, string Reason, string Message, string Node,
    string OwnerKind, string Owner, string Workload, IReadOnlyDictionary<string, string> Labels,
    bool Ready, DateTimeOffset? NotReadySince, string? Unschedulable, DateTimeOffset? Created, bool Terminating,
    IReadOnlyList<Container> Containers)
{
    public bool Finished => Phase is "Succeeded" or "Failed";
}

/// <summary>A container, init containers included.</summary>
internal sealed record Container(
    string Name, bool Init, string Image, bool Ready, int Restarts, ContainerState State, ContainerState Last,
    string MemoryLimit, bool HasReadinessProbe, bool HasLivenessProbe);

/// <summary>What a container is doing, or did last: <c>running</c>, <c>waiting</c>, <c>terminated</c> or nothing.</summary>
internal readonly record struct ContainerState(string Kind, string Reason, string Message, int ExitCode, DateTimeOffset? StartedAt, DateTimeOffset? FinishedAt);

/// <summary>A deployment.</summary>
internal sealed record Deployment(
    string Namespace, string Name, int Replicas, int ReadyReplicas, int Revision, string ChangeCause, DateTimeOffset? Created,
    IReadOnlyDictionary<string, string> Labels, IReadOnlyList<string> Images, IReadOnlyList<(string Name, string Value)> Environment, IReadOnlyList<Condition> Conditions, int DesiredReplicasNoted, string ScaledBy);

/// <summary>A replica set and the deployment it belongs to.</summary>
internal sealed record ReplicaSet(string Namespace, string Name, string Deployment, int Revision, DateTimeOffset? Created, int Replicas, int ReadyReplicas, IReadOnlyList<string> Images, string ChangeCause, int DesiredReplicasNoted);

/// <summary>A status condition.</summary>
internal sealed record Condition(string Type, string Status, string Reason, string Message, DateTimeOffset? Since);

/// <summary>Turns API lists into workloads.</summary>
internal static class WorkloadReading
{
    private const int MostItems = 5_000;

    public static IReadOnlyList<Pod> Pods(JsonElement? list) => [.. list.At("items").Items().Take(MostItems).Select(Pod)];

    public static IReadOnlyList<Deployment> Deployments(JsonElement? list) => [.. list.At("items").Items().Take(MostItems).Select(Deployment)];

    public static IReadOnlyList<ReplicaSet> ReplicaSets(JsonElement? list) => [.. list.At("items").Items().Take(MostItems).Select(ReplicaSet)];

    private static Pod Pod(JsonElement json)
    {
        JsonElement? meta = json.At("metadata"), spec = json.At("spec"), status = json.At("status");
        var conditions = Conditions(status);
        var ready = conditions.FirstOrDefault(c => c.Type == "Ready");
        var scheduled = conditions.FirstOrDefault(c => c is { Type: "PodScheduled", Status: "False" });
        var owner = meta.At("ownerReferences").Items().FirstOrDefault();
        var labels = meta.At("labels").Labels();
        var name = meta.At("name").Text() ?? "";
        return new(
            meta.At("namespace").Text() ?? "", name, meta.At("uid").Text() ?? "", status.At("phase").Text() ?? "", status.At("reason").Text() ?? "", status.At("message").Text() ?? "",
            spec.At("nodeName").Text() ?? "", owner.Text2("kind"), owner.Text2("name"), WorkloadOf(name, owner, labels), labels,
            ready?.Status == "True", ready?.Status == "True" ? null : ready?.Since, scheduled?.Message, meta.At("creationTimestamp").Time(), meta.At("deletionTimestamp") is not null,
            [.. Containers(spec.At("initContainers"), status.At("initContainerStatuses"), init: true), .. Containers(spec.At("containers"), status.At("containerStatuses"), init: false)]);
    }

    private static string Text2(this JsonElement json, string member) => json.ValueKind == JsonValueKind.Object ? json.Text(member) : "";

    // A replica set is named after its deployment and template, a job of a CronJob after it and the minute.
    private static string WorkloadOf(string pod, JsonElement owner, IReadOnlyDictionary<string, string> labels)
    {
        var name = owner.Text2("name");
        return owner.Text2("kind") switch
        {
            "ReplicaSet" when labels.TryGetValue("pod-template-hash", out var hash) && name.EndsWith("-" + hash, StringComparison.Ordinal) => name[..^(hash.Length + 1)],
            "ReplicaSet" => CutLast(name),
            "Job" when name.LastIndexOf('-') is > 0 and var at && name.Length - at > 6 && name.AsSpan(at + 1).IndexOfAnyExceptInRange('0', '9') < 0 => name[..at],
            "" => pod,
            _ => name,
        };
    }

    private static string CutLast(string name) => name.LastIndexOf('-') is > 0 and var at ? name[..at] : name;

    private static IEnumerable<Container> Containers(JsonElement? specs, JsonElement? statuses, bool init)
    {
        var byName = statuses.Items().GroupBy(s => s.Text("name"), StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.First(), StringComparer.Ordinal);
        foreach (var spec in specs.Items())
        {
            JsonElement? status = byName.TryGetValue(spec.Text("name"), out var found) ? found : null;
            yield return new(
                spec.Text("name"), init, spec.Text("image"), status.At("ready").IsTrue(), status.At("restartCount").Number(),
                State(status.At("state")), State(status.At("lastState")),
                spec.At("resources").At("limits").At("memory").Text() ?? "", spec.At("readinessProbe") is not null, spec.At("livenessProbe") is not null);
        }
    }

    private static ContainerState State(JsonElement? state)
    {
        foreach (var kind in new[] { "terminated", "waiting", "running" })
            if (state.At(kind) is { } found)
                return new(kind, found.Text("reason"), found.Text("message"), found.At("exitCode").Number(), found.At("startedAt").Time(), found.At("finishedAt").Time());
        return new("", "", "", 0, null, null);
    }

    private static Deployment Deployment(JsonElement json)
    {
        JsonElement? meta = json.At("metadata"), spec = json.At("spec"), status = json.At("status");
        var template = spec.At("template").At("spec");
        var annotations = meta.At("annotations").Labels();
        return new(
            meta.At("namespace").Text() ?? "", meta.At("name").Text() ?? "", spec.At("replicas").Number(1), status.At("readyReplicas").Number(),
            Whole(annotations, "deployment.kubernetes.io/revision"), annotations.GetValueOrDefault("kubernetes.io/change-cause", ""), meta.At("creationTimestamp").Time(),
            meta.At("labels").Labels(), Images(template),
            [.. template.At("containers").Items().SelectMany(c => c.At("env").Items()).Select(e => (e.Text("name"), e.Text("value")))],
            Conditions(status), Whole(annotations, "deployment.kubernetes.io/desired-replicas"),
            // The field manager of the scale subresource: who changed the number of replicas last.
            meta.At("managedFields").Items().Where(m => m.Text("subresource") == "scale").OrderBy(m => m.At("time").Time()).Select(m => m.Text("manager")).LastOrDefault() ?? "");
    }

    private static ReplicaSet ReplicaSet(JsonElement json)
    {
        JsonElement? meta = json.At("metadata"), spec = json.At("spec"), status = json.At("status");
        var annotations = meta.At("annotations").Labels();
        return new(
            meta.At("namespace").Text() ?? "", meta.At("name").Text() ?? "", meta.At("ownerReferences").Items().FirstOrDefault().Text2("name"),
            Whole(annotations, "deployment.kubernetes.io/revision"), meta.At("creationTimestamp").Time(), spec.At("replicas").Number(), status.At("readyReplicas").Number(),
            Images(spec.At("template").At("spec")), annotations.GetValueOrDefault("kubernetes.io/change-cause", ""), Whole(annotations, "deployment.kubernetes.io/desired-replicas"));
    }

    internal static IReadOnlyList<Condition> Conditions(JsonElement? status) =>
        [.. status.At("conditions").Items().Select(c => new Condition(c.Text("type"), c.Text("status"), c.Text("reason"), c.Text("message"), c.At("lastTransitionTime").Time()))];

    private static IReadOnlyList<string> Images(JsonElement? podSpec) => [.. podSpec.At("containers").Items().Select(c => c.Text("image"))];

    private static int Whole(IReadOnlyDictionary<string, string> annotations, string name) =>
        annotations.TryGetValue(name, out var text) && int.TryParse(text, out var value) ? value : 0;
}
