using System.Text;
using IncidentFox.Gateway.AgentDoor.Pods;
using IncidentFox.Gateway.AgentDoor.Proxy;
using IncidentFox.Gateway.Rules;
using IncidentFox.Secrets;

namespace IncidentFox.Gateway;

/// <summary>Settings of the gateway, section <c>Gateway</c>.</summary>
public sealed class GatewayOptions
{
    /// <summary>Where they stand in the configuration.</summary>
    public const string SectionName = "Gateway";

    /// <summary>Folders of <c>*.yaml</c>, or files, that say which integrations there are. Default <c>/etc/incidentfox/integrations</c>.</summary>
    public IReadOnlyList<string>? IntegrationsPaths { get; init; }

    /// <summary>Where sandboxes' sockets are made, one directory each. Short, because a socket's path ends near 107 bytes. Default <c>/run/incidentfox</c>.</summary>
    public string RuntimeDirectory { get; init; } = "/run/incidentfox";

    /// <summary>The user that sandboxes run as, the only one apart from the gateway's own and root that may connect. Default: the gateway's own.</summary>
    public int? SandboxUid { get; init; }

    /// <summary>The group that sandboxes run as. Set together with <see cref="SandboxUid"/>.</summary>
    public int? SandboxGid { get; init; }

    /// <summary>How long an agent may wait for a decision in its sandbox before it parks, seconds. Default 120.</summary>
    public int ParkAfterSeconds { get; init; } = 120;

    /// <summary>How long a sandbox may work, minutes; told to the agent, enforced by the sandbox's driver. Default 15.</summary>
    public int MaxSandboxMinutes { get; init; } = 15;

    /// <summary>Most requests of one sandbox at once. Default 8.</summary>
    public int ConcurrentRequests { get; init; } = 8;

    /// <summary>Requests per second of one sandbox in the long run; four seconds' worth may come at once. Default 20.</summary>
    public int RequestsPerSecond { get; init; } = 20;

    /// <summary>Most events of one sandbox. Default 2,000.</summary>
    public int MaxEvents { get; init; } = 2_000;

    /// <summary>Most approvals that one investigation may ask for. Default 10.</summary>
    public int MaxApprovals { get; init; } = 10;

    /// <summary>Kinds of addresses of which an agent must show that they are out of its reach.</summary>
    public IReadOnlyList<string>? RequiredProbes { get; init; }

    /// <summary>
    /// Where <c>/health/live</c> and <c>/health/ready</c> are answered, and nothing else, as <c>http://0.0.0.0:8081</c>; empty: nowhere. With <c>--role all</c> the
    /// bot's address answers them as well.
    /// </summary>
    public string HealthUrl { get; init; } = "";

    /// <summary>The HTTPS forward-proxy door; off unless it is switched on.</summary>
    public ProxyOptions Proxy { get; init; } = new();

    /// <summary>The door for sandboxes that are pods; off unless it is switched on.</summary>
    public PodDoorOptions Pods { get; init; } = new();

    internal IReadOnlyList<string> Integrations => IntegrationsPaths ?? ["/etc/incidentfox/integrations"];

    internal IReadOnlyList<string> Probes => RequiredProbes ?? ["loopback", "metadata", "outside", "dns", "private", "ipv6"];

    /// <summary>Every mistake, with how to mend it; and the integrations when there is none.</summary>
    /// <param name="secrets">Judges the references that integrations name; null: when they are fetched only.</param>
    public (IntegrationCatalog? Catalog, IReadOnlyList<string> Errors) Validate(SecretsOptions? secrets = null)
    {
        var errors = new List<string>();
        void Range(string name, int value, int min, int max)
        {
            if (value < min || value > max)
                errors.Add($"{SectionName}:{name} is {value}: set it from {min} to {max}.");
        }
        Range(nameof(ParkAfterSeconds), ParkAfterSeconds, 1, 3_600);
        Range(nameof(MaxSandboxMinutes), MaxSandboxMinutes, 1, 240);
        Range(nameof(ConcurrentRequests), ConcurrentRequests, 2, 64);
        Range(nameof(RequestsPerSecond), RequestsPerSecond, 1, 1_000);
        Range(nameof(MaxEvents), MaxEvents, 10, 100_000);
        Range(nameof(MaxApprovals), MaxApprovals, 1, 100);
        if (!RuntimeDirectory.StartsWith('/') || Path.GetFullPath(RuntimeDirectory) != RuntimeDirectory || RuntimeDirectory == "/")
            errors.Add($"{SectionName}:{nameof(RuntimeDirectory)} is not an absolute path: write it as /run/incidentfox, without '..' and without a slash at the end.");
        // {directory}/{8 hex}/gateway.sock in at most 100 bytes.
        else if (Encoding.UTF8.GetByteCount(RuntimeDirectory) > 100 - "/01234567/gateway.sock".Length)
            errors.Add($"{SectionName}:{nameof(RuntimeDirectory)} is too long for a socket's path: choose one of at most {100 - "/01234567/gateway.sock".Length} bytes.");
        if (HealthUrl.Length > 0 && !(Uri.TryCreate(HealthUrl, UriKind.Absolute, out var health) && health.Scheme == "http" && health.PathAndQuery == "/"))
            errors.Add($"{SectionName}:{nameof(HealthUrl)} is '{HealthUrl}': give the address to listen on, such as http://0.0.0.0:8081, or leave it out.");
        if (SandboxUid is null != SandboxGid is null || SandboxUid < 0 || SandboxGid < 0)
            errors.Add($"{SectionName}: set {nameof(SandboxUid)} and {nameof(SandboxGid)} both, or none of them.");
        if (Probes.Count == 0)
            errors.Add($"{SectionName}:{nameof(RequiredProbes)} is empty: a sandbox that shows nothing is no cage. Leave it out for the default.");
        if (Integrations.Count == 0)
            errors.Add($"{SectionName}:{nameof(IntegrationsPaths)} is empty: name the folder with your integrations' *.yaml files.");
        errors.AddRange(Proxy.Validate($"{SectionName}:{nameof(Proxy)}"));
        errors.AddRange(Pods.Validate());
        var load = IntegrationLoader.Load(Integrations, secrets);
        return errors.Count + load.Errors.Count > 0 ? (null, [.. errors, .. load.Errors]) : (load.Catalog, []);
    }
}
