using System.Globalization;
using System.Text.Json.Nodes;

namespace IncidentFox.Gateway.Execution.Derivations;

/// <summary>Looks into Kubernetes objects as the API server gives them. Whatever is not as expected counts as not there.</summary>
internal static class Pods
{
    private const int LongestSelector = 500;

    // Labels that tell the pods of one owner apart.
    private static readonly string[] OfOnePod =
        ["statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index", "batch.kubernetes.io/job-completion-index"];

    public static string? Text(JsonNode? node, string pointer) =>
        AnswerPointer.Find(node, pointer) is (true, JsonValue value) && value.TryGetValue<string>(out var text) ? text : null;

    /// <summary>A whole number; a parameter's may be of any of JSON's kinds.</summary>
    public static long? Whole(JsonNode? node) => long.TryParse(node?.ToJsonString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>The selector that finds objects with these labels; null when there is none that a read takes.</summary>
    public static string? Selector(JsonNode? labels)
    {
        if (labels is not JsonObject { Count: > 0 } members)
            return null;
        var selector = string.Join(',', members.Where(m => !OfOnePod.Contains(m.Key)).Select(m => $"{m.Key}={Text(m.Value, "")}"));
        return selector.Length is > 0 and <= LongestSelector ? selector : null;
    }

    /// <summary>The selector of a Deployment; null when it is not made of labels only.</summary>
    public static string? SelectorOf(JsonNode deployment) =>
        AnswerPointer.Find(deployment, "/spec/selector/matchExpressions") is (true, JsonArray { Count: > 0 }) ? null : Selector(AnswerPointer.Find(deployment, "/spec/selector/matchLabels").Node);

    /// <summary>Those of a list that run or will, and how many of them are ready.</summary>
    public static (int All, int Ready)? Count(JsonNode? list, Func<JsonNode, bool> isMeant)
    {
        if (AnswerPointer.Find(list, "/items") is not (true, JsonArray items))
            return null;
        var pods = items.OfType<JsonObject>().Where(p => Text(p, "/metadata/deletionTimestamp") is null && Text(p, "/status/phase") is not ("Succeeded" or "Failed") && isMeant(p)).ToList();
        return (pods.Count, pods.Count(IsReady));
    }

    private static bool IsReady(JsonObject pod) =>
        AnswerPointer.Find(pod, "/status/conditions") is (true, JsonArray conditions)
        && conditions.Any(c => Text(c, "/type") == "Ready" && Text(c, "/status") == "True");
}

/// <summary>Of a pod: how many its controller has.</summary>
internal sealed class PodsOfOwner : IDerivation
{
    public string Name => "pods_of_owner";

    public IReadOnlyList<string> Reads => ["the pods of a namespace by label"];

    public IReadOnlyList<string> Frozen => [];

    public IReadOnlyList<string> Seen => ["pods"];

    public async Task<Derived> DeriveAsync(ReadTarget target, CancellationToken cancellationToken)
    {
        var owner = Pods.Text(target.Answer, "/metadata/ownerReferences/0/uid");
        var count = owner is null || Pods.Selector(AnswerPointer.Find(target.Answer, "/metadata/labels").Node) is not { } selector
            ? null
            : Pods.Count(
                await target.Read(0, new() { ["namespace"] = target.Call.Parameters["namespace"]?.DeepClone(), ["label_selector"] = selector }),
                p => Pods.Text(p, "/metadata/ownerReferences/0/uid") == owner);
        return new() { Seen = new() { ["pods"] = count is var (all, ready) ? $"1 of {all}; {ready} of {all} are ready now" : "1 of an unknown number" } };
    }
}

/// <summary>Of a Deployment: how many of its pods are affected. With the parameter <c>replicas</c> they are scaled to it, else all are replaced.</summary>
internal sealed class PodsOfDeployment : IDerivation
{
    public string Name => "pods_of_deployment";

    public IReadOnlyList<string> Reads => ["the pods of a namespace by label"];

    public IReadOnlyList<string> Frozen => [];

    public IReadOnlyList<string> Seen => ["pods"];

    public async Task<Derived> DeriveAsync(ReadTarget target, CancellationToken cancellationToken) =>
        new() { Seen = new() { ["pods"] = await AffectedAsync(target, read: 0) } };

    public static async Task<string> AffectedAsync(ReadTarget target, int read)
    {
        var count = Pods.SelectorOf(target.Answer) is { } selector
            ? Pods.Count(await target.Read(read, new() { ["namespace"] = target.Call.Parameters["namespace"]?.DeepClone(), ["label_selector"] = selector }), _ => true)
            : null;
        var name = Pods.Text(target.Answer, "/metadata/name") ?? "this Deployment";
        if (count is not var (all, ready))
            return $"an unknown number of pods in {name}";
        var affected = Pods.Whole(target.Call.Parameters["replicas"]) is not { } wanted ? $"{all} of {all} pods in {name} are replaced"
            : wanted < all ? $"{all - wanted} of {all} pods in {name} are stopped"
            : $"{wanted - all} pods are added to the {all} in {name}";
        return $"{affected}; {ready} of {all} are ready now";
    }
}

/// <summary>Of a node: how many pods run there.</summary>
internal sealed class PodsOfNode : IDerivation
{
    public string Name => "pods_of_node";

    public IReadOnlyList<string> Reads => ["the pods of all namespaces by field"];

    public IReadOnlyList<string> Frozen => [];

    public IReadOnlyList<string> Seen => ["pods"];

    public async Task<Derived> DeriveAsync(ReadTarget target, CancellationToken cancellationToken)
    {
        var count = Pods.Text(target.Answer, "/metadata/name") is { } node
            ? Pods.Count(await target.Read(0, new() { ["field_selector"] = $"spec.nodeName={node}" }), p => Pods.Text(p, "/spec/nodeName") == node)
            : null;
        return new() { Seen = new() { ["pods"] = count is var (all, ready) ? $"{all} ({ready} ready)" : "an unknown number" } };
    }
}
