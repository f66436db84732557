namespace IncidentFox.Bot.Sandboxes.Conformance.Clusters;

/// <summary>Which cluster is checked, and how.</summary>
public sealed record ClusterToCheck
{
    /// <summary>A kubeconfig file with a token or a client certificate.</summary>
    public required string Kubeconfig { get; init; }

    /// <summary>Where the pods are made. One that is not there is made as the manifests make it, and removed afterwards.</summary>
    public string Namespace { get; init; } = "incidentfox-sandboxes";

    /// <summary>The agent's image; null: what the installed bot has, else <see cref="DefaultImage"/>.</summary>
    public string? Image { get; init; }

    /// <summary>A gateway that is there already, ADDRESS:PORT; null: one is started here.</summary>
    public string? Gateway { get; init; }

    /// <summary>The address or ADDRESS:PORT at which pods reach this machine; null: that by which it reaches the cluster, and any port.</summary>
    public string? Listen { get; init; }

    /// <summary>The pods' isolation.</summary>
    public string RuntimeClass { get; init; } = "gvisor";

    /// <summary>As in the manifests.</summary>
    public const string DefaultImage = "incidentfox-agent:0.1.0";
}
