using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>Questions about tokens and rights: TokenReview, the access reviews, and TokenRequest for a service account.</summary>
internal sealed class ReviewHandler(ObjectStore store, TokenAuthority tokens, TimeProvider clock)
{
    private const long ShortestSeconds = 600;
    private const long DefaultSeconds = 3600;

    public ApiAnswer Answer(ResourceType type, ApiRequest request)
    {
        var body = RequestBody.Read(type, request, out var warnings);
        var answer = new JsonObject
        {
            ["kind"] = type.Kind, ["apiVersion"] = type.ApiVersion, ["metadata"] = new JsonObject { ["creationTimestamp"] = null },
        };
        if (type.Kind == "LocalSubjectAccessReview")
        {
            answer.Child("metadata")["namespace"] = body.Namespace();
        }

        if (type.Kind == "SelfSubjectReview")
        {
            answer.Child("metadata")["creationTimestamp"] = clock.GetUtcNow().Rfc3339();
        }
        else
        {
            answer["spec"] = type.Kind == "SelfSubjectRulesReview" ? new JsonObject() : body["spec"]?.DeepClone() ?? new JsonObject();
        }

        answer["status"] = type.Kind switch
        {
            "TokenReview" => ReviewToken(body),
            "SelfSubjectReview" => new JsonObject { ["userInfo"] = request.Identity.ToJson() },
            "SelfSubjectRulesReview" => Rules(body.Text("spec", "namespace") ?? "", request.Identity.Grants),
            "SelfSubjectAccessReview" => ReviewAccess(body, request.Identity.Grants),
            _ => ReviewAccess(body, RoleGrants.Of(store, body.Text("spec", "user") ?? "", Groups(body))),
        };
        return ApiAnswer.Json(answer, 201) with { Warnings = warnings };
    }

    /// <summary>POST .../serviceaccounts/x/token</summary>
    public ApiAnswer RequestToken(string ns, string name, ApiRequest request)
    {
        var body = RequestBody.Read(new("authentication.k8s.io", "v1", "tokenrequests", "TokenRequest", true, []), request, out _);
        var account = store.Get(ResourceTypes.ServiceAccounts, ns, name) ?? throw ApiException.NotFound(ResourceTypes.ServiceAccounts, name);
        var seconds = body.Number("spec", "expirationSeconds") ?? DefaultSeconds;
        if (seconds < ShortestSeconds)
        {
            throw ApiException.Invalid(
                "authentication.k8s.io", "TokenRequest", "", FieldError.Value("spec.expirationSeconds", $"{seconds}", "may not specify a duration less than 10 minutes"));
        }

        var pod = BoundPod(ns, body.At("spec", "boundObjectRef"));
        var audiences = (body.At("spec", "audiences") as JsonArray)?.Select(a => a.Text() ?? "").ToList() is { Count: > 0 } asked ? asked : [TokenAuthority.Issuer];
        var now = clock.GetUtcNow();
        return ApiAnswer.Json(
            new()
            {
                ["kind"] = "TokenRequest",
                ["apiVersion"] = "authentication.k8s.io/v1",
                ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = ns, ["creationTimestamp"] = now.Rfc3339() },
                ["spec"] = new JsonObject
                {
                    ["audiences"] = new JsonArray([.. audiences.Select(a => JsonValue.Create(a))]),
                    ["expirationSeconds"] = seconds,
                    ["boundObjectRef"] = body.At("spec", "boundObjectRef")?.DeepClone(),
                },
                ["status"] = new JsonObject
                {
                    ["token"] = tokens.Issue(account, audiences, TimeSpan.FromSeconds(seconds), pod), ["expirationTimestamp"] = now.AddSeconds(seconds).Rfc3339(),
                },
            },
            201);
    }

    private JsonObject? BoundPod(string ns, JsonNode? reference)
    {
        if (reference is null)
        {
            return null;
        }

        var name = reference.Text("name") ?? "";
        var pod = store.Get(ResourceTypes.Pods, ns, name) ?? throw ApiException.NotFound(ResourceTypes.Pods, name);
        return reference.Text("uid") is { Length: > 0 } uid && uid != pod.Uid()
            ? throw ApiException.Conflict("", "pods", name, $"the UID in the bound object reference ({uid}) does not match the UID in record. The object might have been deleted and then recreated")
            : pod;
    }

    private JsonObject ReviewToken(JsonObject body)
    {
        if (body.Text("spec", "token") is not { Length: > 0 } token)
        {
            throw ApiException.BadRequest("token is required for TokenReview in authentication");
        }

        var audiences = (body.At("spec", "audiences") as JsonArray)?.Select(a => a.Text() ?? "").ToList() is { Count: > 0 } asked ? asked : [TokenAuthority.Issuer];
        var verdict = tokens.Check(token, audiences);
        return verdict.User is not { } user
            ? new() { ["user"] = new JsonObject(), ["error"] = verdict.Error }
            : new()
            {
                ["authenticated"] = true, ["user"] = user.ToJson(), ["audiences"] = new JsonArray([.. user.Audiences.Select(a => JsonValue.Create(a))]),
            };
    }

    private static JsonObject ReviewAccess(JsonObject body, IReadOnlyList<Grant> grants)
    {
        var (resource, path) = (body.At("spec", "resourceAttributes"), body.At("spec", "nonResourceAttributes"));
        if (resource is null == path is null)
        {
            throw ApiException.NoKind("authorization.k8s.io", FieldError.Value(
                "spec.resourceAttributes", "\"null\"", "exactly one of nonResourceAttributes or resourceAttributes must be specified"));
        }

        var grant = resource is null
            ? grants.FirstOrDefault(g => g.AllowsPath(path.Text("path") ?? ""))
            : grants.FirstOrDefault(g => g.Allows(
                resource.Text("namespace") ?? "", resource.Text("group") ?? "",
                resource.Text("subresource") is { Length: > 0 } sub ? $"{resource.Text("resource")}/{sub}" : resource.Text("resource") ?? "",
                resource.Text("verb") ?? "", resource.Text("name") ?? ""));
        var status = new JsonObject { ["allowed"] = grant is not null };
        if (grant?.Reason is { } reason)
        {
            status["reason"] = reason;
        }

        return status;
    }

    private static JsonObject Rules(string ns, IReadOnlyList<Grant> grants)
    {
        JsonArray List(string[] values) => new([.. values.Select(v => JsonValue.Create(v))]);
        var resources = grants.Where(g => g.Resources.Length > 0 && (g.Namespace is null || g.Namespace == ns)).Select(g =>
        {
            var rule = new JsonObject { ["verbs"] = List(g.Verbs), ["apiGroups"] = List(g.Groups), ["resources"] = List(g.Resources) };
            if (g.Names.Length > 0)
            {
                rule["resourceNames"] = List(g.Names);
            }

            return rule;
        });
        var paths = grants.Where(g => g.Paths.Length > 0).Select(g => new JsonObject { ["verbs"] = new JsonArray("get"), ["nonResourceURLs"] = List(g.Paths) });
        return new() { ["resourceRules"] = new JsonArray([.. resources]), ["nonResourceRules"] = new JsonArray([.. paths]), ["incomplete"] = false };
    }

    private static string[] Groups(JsonObject body) => [.. (body.At("spec", "groups") as JsonArray ?? []).Select(g => g.Text() ?? "")];
}
