using System.Net;
using System.Text.RegularExpressions;
using IncidentFox.Secrets;
using IncidentFox.Secrets.Kubernetes;

namespace IncidentFox.Gateway.AgentDoor.Pods;

/// <summary>The agents' door for sandboxes that are pods, section <c>Gateway:Pods</c>. Who calls is known by the pod's own token.</summary>
public sealed partial class PodDoorOptions
{
    private const string Section = GatewayOptions.SectionName + ":Pods";

    /// <summary>Off unless it is switched on.</summary>
    public bool Enabled { get; init; }

    /// <summary>Where it listens: <c>https://</c>, an IP address and a port. Default <c>https://0.0.0.0:8443</c>.</summary>
    public string Url { get; init; } = "https://0.0.0.0:8443";

    /// <summary>Secret reference to the certificate in PEM, with those between it and the authority. It is valid for the name <c>incidentfox-gateway</c>.</summary>
    public string Certificate { get; init; } = "";

    /// <summary>Secret reference to its private key in PEM.</summary>
    public string Key { get; init; } = "";

    /// <summary>Whom the pods' tokens are for. Default <c>incidentfox-gateway</c>.</summary>
    public string Audience { get; init; } = "incidentfox-gateway";

    /// <summary>The sandboxes' namespace. Default <c>incidentfox-sandboxes</c>.</summary>
    public string Namespace { get; init; } = "incidentfox-sandboxes";

    /// <summary>The sandboxes' service account. Default <c>incidentfox-sandbox</c>.</summary>
    public string ServiceAccount { get; init; } = "incidentfox-sandbox";

    /// <summary>A kubeconfig file with a token or a client certificate; empty: this pod's own service account.</summary>
    public string Kubeconfig { get; init; } = "";

    /// <summary>
    /// Whether a connection must come from the address of the pod whose token it shows. Default true. Set it to false only where the cluster's network
    /// translates addresses between pods and the gateway, as when the gateway stands outside the cluster.
    /// </summary>
    public bool CheckAddress { get; init; } = true;

    /// <summary>How long after its first hello a pod may need to show that it is caged, seconds, before people are alerted: network policies are enforced late. Default 20.</summary>
    public int CageWithin { get; init; } = 20;

    internal IPEndPoint EndPoint => TryEndPoint() ?? throw new InvalidOperationException("Validate first.");

    internal string User => $"system:serviceaccount:{Namespace}:{ServiceAccount}";

    internal SecretReference CertificateReference => Parse(Certificate);

    internal SecretReference KeyReference => Parse(Key);

    internal IEnumerable<string> Validate()
    {
        if (!Enabled)
            yield break;
        if (TryEndPoint() is null)
            yield return $"{Section}:{nameof(Url)} is '{Url}': write it as https://ADDRESS:PORT with an IP address, such as https://0.0.0.0:8443.";
        foreach (var (name, text) in new[] { (nameof(Certificate), Certificate), (nameof(Key), Key) })
        {
            if (!SecretReference.TryParse(text, out _, out var reason))
                yield return $"{Section}:{name}: {reason}";
        }
        foreach (var (name, text) in new[] { (nameof(Namespace), Namespace), (nameof(ServiceAccount), ServiceAccount) })
        {
            if (!Name().IsMatch(text))
                yield return $"{Section}:{name} is '{text}', which is no name in Kubernetes: lower-case letters, digits and dashes, at most 63.";
        }
        if (Audience.Length is 0 or > 200)
            yield return $"{Section}:{nameof(Audience)} is empty or longer than 200 characters: leave it out for incidentfox-gateway.";
        if (CageWithin is < 1 or > 600)
            yield return $"{Section}:{nameof(CageWithin)} is {CageWithin}: set it from 1 to 600.";
        if (KubernetesApi.Problem(Kubeconfig) is { } problem)
            yield return $"{Section}:{nameof(Kubeconfig)}: {Kubeconfig} {problem}.";
    }

    private IPEndPoint? TryEndPoint() =>
        Uri.TryCreate(Url, UriKind.Absolute, out var url) && url.Scheme == Uri.UriSchemeHttps && url.PathAndQuery == "/" && url.UserInfo.Length == 0
        && IPAddress.TryParse(url.Host.Trim('[', ']'), out var address)
            ? new IPEndPoint(address, url.Port)
            : null;

    private static SecretReference Parse(string text) =>
        SecretReference.TryParse(text, out var reference, out var reason) ? reference : throw new InvalidOperationException(reason);

    [GeneratedRegex(@"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\z", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Name();
}
