using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>What RBAC objects in the store grant somebody.</summary>
internal static class RoleGrants
{
    private static readonly Grant[] OfEveryone =
    [
        Grant.OfPaths("/healthz", "/livez", "/readyz", "/version", "/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*"),
        new(["authorization.k8s.io"], ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], ["create"]),
        new(["authentication.k8s.io"], ["selfsubjectreviews"], ["create"]),
    ];

    public static IReadOnlyList<Grant> Of(ObjectStore store, string user, IReadOnlyCollection<string> groups)
    {
        var grants = new List<Grant>(groups.Contains("system:authenticated") ? OfEveryone : []);
        foreach (var binding in store.List(ResourceTypes.ClusterRoleBindings))
        {
            if (SubjectIn(binding, user, groups) is { } subject)
            {
                grants.AddRange(Rules(store, binding, ns: null, $"ClusterRoleBinding \"{binding.Name()}\"", subject));
            }
        }

        foreach (var binding in store.List(ResourceTypes.RoleBindings))
        {
            if (SubjectIn(binding, user, groups) is { } subject)
            {
                grants.AddRange(Rules(store, binding, binding.Namespace(), $"RoleBinding \"{binding.Name()}/{binding.Namespace()}\"", subject));
            }
        }

        return grants;
    }

    private static IEnumerable<Grant> Rules(ObjectStore store, JsonObject binding, string? ns, string source, string subject)
    {
        var (kind, name) = (binding.Text("roleRef", "kind") ?? "", binding.Text("roleRef", "name") ?? "");
        var role = kind == "Role" ? store.Get(ResourceTypes.Roles, ns ?? "", name) : store.Get(ResourceTypes.ClusterRoles, "", name);
        return role.Objects("rules").Select(r => new Grant(Strings(r["apiGroups"]), Strings(r["resources"]), Strings(r["verbs"]))
        {
            Names = Strings(r["resourceNames"]),
            Paths = ns is null ? Strings(r["nonResourceURLs"]) : [],
            Namespace = ns,
            Reason = $"RBAC: allowed by {source} of {kind} \"{name}\" to {subject}",
        });
    }

    private static string? SubjectIn(JsonObject binding, string user, IReadOnlyCollection<string> groups) => binding.Objects("subjects").Select(s => s.Text("kind") switch
    {
        "ServiceAccount" when user == $"system:serviceaccount:{s.Text("namespace")}:{s.Text("name")}" => $"ServiceAccount \"{s.Text("name")}/{s.Text("namespace")}\"",
        "User" when s.Text("name") == user => $"User \"{user}\"",
        "Group" when groups.Contains(s.Text("name") ?? "") => $"Group \"{s.Text("name")}\"",
        _ => null,
    }).FirstOrDefault(s => s is not null);

    private static string[] Strings(JsonNode? list) => [.. (list as JsonArray ?? []).Select(v => v.Text() ?? "")];
}
