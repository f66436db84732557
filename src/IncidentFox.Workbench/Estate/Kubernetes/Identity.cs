using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>Who asks, and what RBAC grants them.</summary>
internal sealed record Identity(string Name, IReadOnlyList<Grant> Grants)
{
    /// <summary>Set for service accounts that came with a token of this cluster.</summary>
    public TokenUser? Account { get; init; }

    public JsonObject ToJson() => Account?.ToJson() ?? new()
    {
        ["username"] = Name, ["groups"] = new JsonArray(Name == "admin" ? "system:masters" : "system:serviceaccounts", "system:authenticated"),
    };

    /// <summary>Nobody: no token was sent. May see health and version only.</summary>
    public static readonly Identity Anonymous = new("system:anonymous", [Grant.OfPaths("/healthz", "/livez", "/readyz", "/version")]);
}

internal sealed record Grant(string[] Groups, string[] Resources, string[] Verbs)
{
    public string[] Paths { get; init; } = [];

    /// <summary>The one namespace it holds in, as a Role's; null for everywhere, as a ClusterRole's.</summary>
    public string? Namespace { get; init; }

    /// <summary>The only objects it covers, by name; empty for all.</summary>
    public string[] Names { get; init; } = [];

    /// <summary>What an access review says of it.</summary>
    public string? Reason { get; init; }

    public static Grant OfPaths(params string[] paths) => new([], [], []) { Paths = paths };

    public bool Allows(string ns, string group, string resource, string verb, string name) =>
        (Namespace is null || Namespace == ns) && (Names.Length == 0 || Names.Contains(name)) && Covers(Groups, group) && Covers(Resources, resource) && Covers(Verbs, verb);

    public bool AllowsPath(string path) => Paths.Any(p => p == path || (p.EndsWith('*') && path.StartsWith(p[..^1], StringComparison.Ordinal)));

    private static bool Covers(string[] granted, string asked) => granted.Contains(asked) || granted.Contains("*");
}

/// <summary>The bearer tokens of this cluster, random at each start, and what they may do.</summary>
/// <param name="tokens">Checks service-account tokens; null where there are none.</param>
/// <param name="store">Where the RBAC objects are that grant them anything.</param>
internal sealed class Authorizer(TokenAuthority? tokens = null, ObjectStore? store = null)
{
    private static readonly Grant Discovery = Grant.OfPaths("/healthz", "/livez", "/readyz", "/version", "/api", "/api/*", "/apis", "/apis/*", "/openapi/*");
    private static readonly Grant[] Read =
    [
        Discovery,
        new([""], ["namespaces", "nodes", "pods", "pods/log", "services", "endpoints", "events", "configmaps", "persistentvolumeclaims", "resourcequotas"], ["get", "list", "watch"]),
        new(["apps"], ["deployments", "deployments/scale", "replicasets", "statefulsets", "daemonsets"], ["get", "list", "watch"]),
        new(["batch"], ["jobs", "cronjobs"], ["get", "list", "watch"]),
        new(["discovery.k8s.io"], ["endpointslices"], ["get", "list", "watch"]),
        new(["events.k8s.io"], ["events"], ["get", "list", "watch"]),
        new(["autoscaling"], ["horizontalpodautoscalers"], ["get", "list", "watch"]),
        new(["networking.k8s.io"], ["networkpolicies", "ingresses"], ["get", "list", "watch"]),
        new(["policy"], ["poddisruptionbudgets"], ["get", "list", "watch"]),
    ];

    private static readonly Grant[] Write =
    [
        .. Read,
        new([""], ["pods"], ["delete"]),
        new([""], ["pods/exec"], ["get", "create"]),
        new([""], ["nodes"], ["patch"]),
        new(["batch"], ["jobs"], ["delete"]),
        new(["apps"], ["deployments", "deployments/scale"], ["patch", "update"]),
    ];

    public string ReadToken { get; } = NewToken();

    public string WriteToken { get; } = NewToken();

    /// <summary>`system:masters`: for whoever prepares the cluster.</summary>
    public string AdminToken { get; } = NewToken();

    public Identity Authenticate(string? authorization)
    {
        if (string.IsNullOrEmpty(authorization))
        {
            return Identity.Anonymous;
        }

        var sent = authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? authorization["Bearer ".Length..].Trim() : "";
        return Is(sent, ReadToken) ? new("system:serviceaccount:incidentfox:reader", Read)
            : Is(sent, WriteToken) ? new("system:serviceaccount:incidentfox:operator", Write)
            : Is(sent, AdminToken) ? new("admin", [Grant.OfPaths("/*"), new(["*"], ["*"], ["*"])])
            : OfAccount(sent) ?? throw ApiException.Unauthorized();
    }

    private static bool Is(string sent, string token) => CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(sent), Encoding.UTF8.GetBytes(token));

    private Identity? OfAccount(string token) =>
        tokens?.Check(token, [TokenAuthority.Issuer]).User is { } user && store is not null
            ? new(user.Name, RoleGrants.Of(store, user.Name, user.Groups)) { Account = user } : null;

    public static void Require(Identity identity, string verb, ApiPath path)
    {
        var resource = path.Subresource.Length == 0 ? path.Resource : $"{path.Resource}/{path.Subresource}";
        if (identity.Grants.Any(g => g.Allows(path.Namespace, path.Group, resource, verb, path.Name)))
        {
            return;
        }

        var qualified = path.Group.Length == 0 ? path.Resource : $"{path.Resource}.{path.Group}";
        var subject = path.Name.Length == 0 ? qualified : $"{qualified} \"{path.Name}\"";
        var scope = path.Namespace.Length == 0 ? "at the cluster scope" : $"in the namespace \"{path.Namespace}\"";
        throw ApiException.Forbidden(
            $"{subject} is forbidden: User \"{identity.Name}\" cannot {verb} resource \"{resource}\" in API group \"{path.Group}\" {scope}",
            ApiException.Details(path.Name, path.Group, path.Resource));
    }

    public static void RequirePath(Identity identity, string verb, string path)
    {
        if (!identity.Grants.Any(g => g.AllowsPath(path)))
        {
            throw ApiException.Forbidden($"forbidden: User \"{identity.Name}\" cannot {verb} path \"{path}\"", new JsonObject());
        }
    }

    private static string NewToken() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
}
