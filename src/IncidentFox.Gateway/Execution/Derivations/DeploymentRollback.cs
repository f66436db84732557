using System.Globalization;
using System.Text.Json.Nodes;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Scrubbing;

namespace IncidentFox.Gateway.Execution.Derivations;

/// <summary>
/// The way back to an earlier revision of a Deployment, as <c>kubectl rollout undo</c> does it: the pod template of the ReplicaSet that holds the revision.
/// Only what differs is changed, and every value is tested first, so that people see the difference and nothing else is touched.
/// </summary>
internal sealed class DeploymentRollback : IDerivation
{
    private const string Template = "/spec/template";
    private const string Revision = "/metadata/annotations/deployment.kubernetes.io~1revision";
    private const int MaxShown = 8;

    // All that the scrubber writes begins like this.
    private static readonly string Redacted = Scrubber.Mark.TrimEnd(']');

    public string Name => "deployment_rollback";

    public IReadOnlyList<string> Reads => ["the ReplicaSets of a namespace by label", "the pods of a namespace by label"];

    public IReadOnlyList<string> Parameters => ["revision"];

    public IReadOnlyList<string> Frozen => ["from_revision", "to_revision", "patch"];

    public IReadOnlyList<string> Seen => ["pods"];

    public async Task<Derived> DeriveAsync(ReadTarget target, CancellationToken cancellationToken)
    {
        if (Pods.SelectorOf(target.Answer) is not { } selector || Number(target.Answer) is not { } current || Pods.Text(target.Answer, "/metadata/uid") is not { } uid)
            return Derived.Refused("The Deployment has no revision, or no selector of labels, so its history can't be read.");
        var list = await target.Read(0, new() { ["namespace"] = target.Call.Parameters["namespace"]?.DeepClone(), ["label_selector"] = selector });
        if (AnswerPointer.Find(list, "/items") is not (true, JsonArray items))
            return Derived.Refused("The ReplicaSets of the Deployment could not be read.");
        var history = items.OfType<JsonObject>().Where(r => Pods.Text(r, "/metadata/ownerReferences/0/uid") == uid)
            .Select(r => (Number: Number(r), Set: r)).Where(r => r.Number is not null && r.Number != current).OrderByDescending(r => r.Number).ToList();
        var wanted = Pods.Whole(target.Call.Parameters["revision"]);
        if (history.FirstOrDefault(r => wanted is null ? r.Number < current : r.Number == wanted) is not { Set: { } set, Number: { } revision })
            return Derived.Refused($"The Deployment is at revision {current} and there is no {(wanted is null ? "earlier one" : $"revision {wanted}")} to go back to.{Known(history.Select(h => h.Number))}");
        var changes = JsonChange.Between(AnswerPointer.Find(target.Answer, Template).Node, Of(set), Template);
        if (changes.Count == 0)
            return Derived.Refused($"Revision {revision} has the same pods as the present one, {current}: there is nothing to go back to.");
        var patch = new JsonArray([.. changes.SelectMany(c => c.Patch())]);
        // What the gateway takes out of answers is not what stands in the cluster; it must never be written there.
        if (patch.ToJsonString().Contains(Redacted, StringComparison.Ordinal))
            return Derived.Refused("The revisions differ in something that looks like a secret, which the gateway does not handle. Roll back by hand, and move the secret out of the Deployment.");
        return new()
        {
            Frozen = new() { ["from_revision"] = current, ["to_revision"] = revision, ["patch"] = patch },
            Seen = new() { ["pods"] = await PodsOfDeployment.AffectedAsync(target, read: 1) },
            Changes = [.. Shown([.. changes.Where(c => !c.IsOnlyATest)])],
        };
    }

    private static long? Number(JsonNode o) => long.TryParse(Pods.Text(o, Revision), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static string Known(IEnumerable<long?> revisions) => string.Join(", ", revisions.Take(10)) is { Length: > 0 } text ? $" Known are {text}." : "";

    // The controller's own label stands in the ReplicaSet only.
    private static JsonNode? Of(JsonObject set)
    {
        var template = AnswerPointer.Find(set, Template).Node?.DeepClone();
        (AnswerPointer.Find(template, "/metadata/labels").Node as JsonObject)?.Remove("pod-template-hash");
        return template;
    }

    private static IEnumerable<EffectChange> Shown(IReadOnlyList<JsonChange> changes)
    {
        foreach (var change in changes.Take(MaxShown))
            yield return new(change.Words, change.WasThere ? Text(change.Before) : "not there", change.IsThere ? Text(change.After) : "removed");
        if (changes.Count > MaxShown)
            yield return new($"and {changes.Count - MaxShown} more", "see the request", "see the request");
    }

    private static string Text(JsonNode? value) => value is JsonValue v && v.TryGetValue<string>(out var text) ? text : value?.ToJsonString() ?? "null";
}
