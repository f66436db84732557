using System.Globalization;
using System.Text;

namespace IncidentFox.Bot.Sandboxes;

/// <summary>Why a sandbox could not start or did not last, where it was not the agent's doing.</summary>
/// <param name="Code">For machines.</param>
/// <param name="Sentence">For people: what happened and what to do.</param>
/// <param name="TryAgain">Another sandbox may fare better; else the investigation ends here.</param>
public sealed record SandboxFault(string Code, string Sentence, bool TryAgain)
{
    /// <summary>The codes of faults that another sandbox may be spared.</summary>
    public static readonly IReadOnlyList<string> Passing = ["evicted", "node_lost", "pod_removed"];

    private const int MaxQuote = 300;

    /// <summary>The node had too little of something, or the sandbox used too much disk.</summary>
    public static SandboxFault Evicted(string? why) => new(
        "evicted", $"The cluster put the sandbox out (evicted{Quote(why)}). Ask again; if it happens often, give the nodes more room or raise Sandbox:Kubernetes:ScratchBytes.", TryAgain: true);

    /// <summary>The node went away.</summary>
    public static SandboxFault NodeLost { get; } = new("node_lost", "The node that the sandbox ran on went away. Ask again; see kubectl get nodes.", TryAgain: true);

    /// <summary>Somebody else deleted it.</summary>
    public static SandboxFault Removed { get; } = new(
        "pod_removed", "The sandbox's pod was deleted by somebody else. Ask again; the cluster's audit log says who deletes pods in the sandboxes' namespace.", TryAgain: true);

    /// <summary>The image is not to be had.</summary>
    public static SandboxFault Image(string? why) => new(
        "image_pull_failed", $"The agent's image could not be pulled{Quote(why)}. Check Sandbox:Kubernetes:Image and that the nodes may pull from that registry, then ask again.", TryAgain: false);

    /// <summary>No node takes it.</summary>
    public static SandboxFault Unschedulable(string? why) => new(
        "unschedulable", $"No node has room for the sandbox{Quote(why)}. Add nodes, or lower Sandbox:Kubernetes:MemoryBytes or Processors, then ask again.", TryAgain: false);

    /// <summary>The container can't be made as asked.</summary>
    public static SandboxFault Misconfigured(string? why) => new(
        "sandbox_misconfigured", $"The sandbox's container can't be started{Quote(why)}. Check Sandbox:Kubernetes:Image and the namespace's ConfigMap, then ask again.", TryAgain: false);

    /// <summary>It does not start and nothing says why.</summary>
    public static SandboxFault SlowStart { get; } = new(
        "slow_start", "The sandbox did not start in time. See kubectl describe pod in the sandboxes' namespace (a missing ConfigMap incidentfox-gateway-ca is a common cause), then ask again.", TryAgain: false);

    /// <summary>Its agent did not show a cage.</summary>
    public static SandboxFault NotCaged { get; } = new(
        "not_caged", "The sandbox did not show in time that it is isolated, so it was given nothing and was removed. Check the NetworkPolicies of the sandboxes' namespace and that it can reach the gateway.", TryAgain: false);

    /// <summary>The agent gave up on the gateway, refused it, or was refused by it; null for any other exit code.</summary>
    public static SandboxFault? OfAgent(int? exitCode) => exitCode switch
    {
        4 => new("gateway_unreachable", "The sandbox could not reach the gateway for a minute. Check that the gateway runs, that Sandbox:Kubernetes:GatewayAddress is its door for pods, and that the NetworkPolicies let sandboxes get there; then ask again.", TryAgain: false),
        5 => new("gateway_refused", "The gateway refused the sandbox's agent. The end of its log and the gateway's alerts say why; often the agent's image and the gateway are of different versions.", TryAgain: false),
        6 => new("gateway_untrusted", "What answers at the gateway's address could not prove to be the gateway, so the sandbox said nothing to it. Compare the gateway's certificate (name incidentfox-gateway, not expired) with the ConfigMap of its authority, then ask again.", TryAgain: false),
        _ => null,
    };

    /// <summary>A quota is used up.</summary>
    public static SandboxFault Quota(string? why) => new(
        "quota_exceeded", $"The sandboxes' namespace has no quota left{Quote(why)}. Wait for other investigations to end or raise the ResourceQuota, then ask again.", TryAgain: false);

    /// <summary>The cluster refuses such pods.</summary>
    public static SandboxFault Refused(string? why) => new(
        "admission_refused", $"The cluster refused the sandbox's pod{Quote(why)}. Compare the bot's rights and the namespace's policies with the shipped manifests, then ask again.", TryAgain: false);

    /// <summary>The API can't be reached or does not work.</summary>
    public static SandboxFault Unavailable(string? why) => new(
        "kubernetes_unavailable", $"The Kubernetes API did not answer{Quote(why)}. Nothing was started. Ask again when it is back.", TryAgain: false);

    // What a cluster says holds names that others chose: one line, bounded, no control characters.
    private static string Quote(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return "";
        }

        var quote = new StringBuilder();
        foreach (var rune in text.Trim().EnumerateRunes())
        {
            if (quote.Length >= MaxQuote)
            {
                quote.Append('…');
                break;
            }

            quote.Append(Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate ? " " : rune.ToString());
        }

        return $": {quote.ToString().TrimEnd('.', ' ')}";
    }
}
