using System.Net;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Workbench.Estate.Cluster.RealPods;

/// <summary>One kind of traffic. No protocol: all; no port: all of the protocol.</summary>
internal sealed record Way(string Cidr, string? Protocol, int? Port, int? LastPort);

/// <summary>What a pod's policies allow; null: no policy is about that direction, so all is.</summary>
internal sealed record PodTraffic(IReadOnlyList<Way>? Ingress, IReadOnlyList<Way>? Egress)
{
    public bool IsFree => Ingress is null && Egress is null;

    public bool SameAs(PodTraffic? other) => other is not null && Same(Ingress, other.Ingress) && Same(Egress, other.Egress);

    /// <summary>
    /// Pure. Peers are addresses, or pods that have one; named ports are not known here and allow nothing; a block with exceptions allows nothing: rather too
    /// little than too much.
    /// </summary>
    public static PodTraffic Of(JsonObject pod, IReadOnlyList<JsonObject> policies, IReadOnlyList<JsonObject> pods, IReadOnlyList<JsonObject> namespaces)
    {
        List<Way>? ingress = null, egress = null;
        foreach (var policy in policies.Where(p => p.Namespace() == pod.Namespace() && Selects(p.At("spec", "podSelector"), pod)))
        {
            var types = (policy.At("spec", "policyTypes") as JsonArray)?.Select(t => t.Text()).ToList()
                ?? (policy.At("spec", "egress") is null ? ["Ingress"] : ["Ingress", "Egress"]);
            if (types.Contains("Ingress"))
            {
                (ingress ??= []).AddRange(policy.Objects("spec", "ingress").SelectMany(rule => Ways(rule, "from", policy.Namespace(), pods, namespaces)));
            }

            if (types.Contains("Egress"))
            {
                (egress ??= []).AddRange(policy.Objects("spec", "egress").SelectMany(rule => Ways(rule, "to", policy.Namespace(), pods, namespaces)));
            }
        }

        return new(ingress?.Distinct().ToList(), egress?.Distinct().ToList());
    }

    private static IEnumerable<Way> Ways(JsonObject rule, string peersName, string ns, IReadOnlyList<JsonObject> pods, IReadOnlyList<JsonObject> namespaces)
    {
        var peers = rule.Objects(peersName).ToList();
        var cidrs = peers.Count == 0 ? ["0.0.0.0/0"] : peers.SelectMany(peer => Cidrs(peer, ns, pods, namespaces)).ToList();
        var ports = rule.Objects("ports").ToList();
        return cidrs.SelectMany(cidr => ports.Count == 0 ? [new Way(cidr, null, null, null)]
            : ports.Where(p => p["port"] is null || p.Number("port") is not null)
                .Select(p => new Way(cidr, (p.Text("protocol") ?? "TCP").ToLowerInvariant(), (int?)p.Number("port"), (int?)p.Number("endPort"))));
    }

    private static IEnumerable<string> Cidrs(JsonObject peer, string ns, IReadOnlyList<JsonObject> pods, IReadOnlyList<JsonObject> namespaces)
    {
        if (peer["ipBlock"] is { } block)
        {
            return block.At("except") is null && IPNetwork.TryParse(block.Text("cidr"), out var network) && network.BaseAddress.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
                ? [network.ToString()] : [];
        }

        var among = peer["namespaceSelector"] is { } selector ? namespaces.Where(n => Selects(selector, n)).Select(n => n.Name()).ToHashSet() : [ns];
        return pods.Where(p => among.Contains(p.Namespace()) && Selects(peer["podSelector"], p)).Select(p => p.Text("status", "podIP")).OfType<string>().Select(ip => $"{ip}/32");
    }

    // An empty or missing selector selects all.
    private static bool Selects(JsonNode? selector, JsonObject o)
    {
        string? Label(string key) => o.At("metadata", "labels").Text(key);
        return LabelSelector.FromMatchLabels(selector.At("matchLabels")).Matches(o) && selector.Objects("matchExpressions").All(e =>
        {
            var (label, values) = (Label(e.Text("key") ?? ""), (e["values"] as JsonArray ?? []).Select(v => v.Text()).ToList());
            return e.Text("operator") switch
            {
                "In" => label is not null && values.Contains(label),
                "NotIn" => label is null || !values.Contains(label),
                "Exists" => label is not null,
                "DoesNotExist" => label is null,
                _ => false,
            };
        });
    }

    private static bool Same(IReadOnlyList<Way>? one, IReadOnlyList<Way>? other) => one is null ? other is null : other is not null && one.SequenceEqual(other);
}
