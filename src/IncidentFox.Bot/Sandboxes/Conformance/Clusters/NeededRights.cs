using k8s;
using k8s.Autorest;
using k8s.Models;

namespace IncidentFox.Bot.Sandboxes.Conformance.Clusters;

/// <summary>What the check asks of the API; asked for before anything is made, so that all that is missing is said at once.</summary>
internal sealed class NeededRights(IKubernetes client, string ns)
{
    private static readonly IReadOnlyList<Right> InNamespace =
    [
        new("", "pods", ["create", "get", "list", "watch", "delete"]),
        new("", "pods/log", ["get"]),
        new("", "serviceaccounts", ["get"]),
        new("", "configmaps", ["create", "delete"]),
        new("networking.k8s.io", "networkpolicies", ["get", "create", "delete"]),
    ];

    private static readonly IReadOnlyList<Right> OfCluster =
    [
        new("", "namespaces", ["get"]),
        new("node.k8s.io", "runtimeclasses", ["get"]),
        new("authentication.k8s.io", "tokenreviews", ["create"]),
    ];

    /// <summary>The lines of RBAC that are missing; empty when none is.</summary>
    public async Task<IReadOnlyList<string>> MissingAsync(bool makesNamespace, bool makesAccount, CancellationToken ct)
    {
        var (here, cluster) = (await MissingAsync([.. InNamespace, .. Account(makesNamespace, makesAccount), .. Quota(makesNamespace)], ns, ct), await MissingAsync([.. OfCluster, .. Namespace(makesNamespace)], null, ct));
        return [.. Lines(here, $"A Role in {ns}"), .. Lines(cluster, "A ClusterRole")];
    }

    private static Right[] Account(bool makesNamespace, bool makesAccount) => makesAccount || makesNamespace ? [new("", "serviceaccounts", ["create", "delete"])] : [];

    private static Right[] Quota(bool makesNamespace) => makesNamespace ? [new("", "resourcequotas", ["create", "get"])] : [];

    private static Right[] Namespace(bool makesNamespace) => makesNamespace ? [new("", "namespaces", ["create", "delete"])] : [];

    private async Task<IReadOnlyList<Right>> MissingAsync(IReadOnlyList<Right> rights, string? where, CancellationToken ct)
    {
        var missing = new List<Right>();
        foreach (var right in rights)
        {
            var verbs = new List<string>();
            foreach (var verb in right.Verbs)
            {
                if (!await MayAsync(right, verb, where, ct))
                {
                    verbs.Add(verb);
                }
            }

            if (verbs.Count > 0)
            {
                missing.Add(right with { Verbs = verbs });
            }
        }

        return missing;
    }

    private async Task<bool> MayAsync(Right right, string verb, string? where, CancellationToken ct)
    {
        var parts = right.Resource.Split('/');
        var review = new V1SelfSubjectAccessReview
        {
            ApiVersion = "authorization.k8s.io/v1",
            Kind = "SelfSubjectAccessReview",
            Spec = new V1SelfSubjectAccessReviewSpec
            {
                ResourceAttributes = new V1ResourceAttributes { Group = right.Group, Resource = parts[0], Subresource = parts.ElementAtOrDefault(1), Verb = verb, NamespaceProperty = where },
            },
        };
        try
        {
            return (await client.AuthorizationV1.CreateSelfSubjectAccessReviewAsync(review, fieldValidation: "Strict", cancellationToken: ct))?.Status?.Allowed is true;
        }
        catch (HttpOperationException refusal) when (refusal.Response.StatusCode == System.Net.HttpStatusCode.Forbidden)
        {
            return true; // one may not even ask: what is refused later is said then
        }
    }

    private static IEnumerable<string> Lines(IReadOnlyList<Right> missing, string where) => missing.Count == 0
        ? []
        : [$"{where} needs:", .. missing.SelectMany(r => (string[])[$"- apiGroups: [\"{r.Group}\"]", $"  resources: [\"{r.Resource}\"]", $"  verbs: [{string.Join(", ", r.Verbs.Select(v => $"\"{v}\""))}]"])];

    private sealed record Right(string Group, string Resource, IReadOnlyList<string> Verbs);
}
