using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>What the server says of itself: /version, /api, /apis, resource lists, health.</summary>
internal static class DiscoveryHandler
{
    public static ApiAnswer Answer(string path) => path.Trim('/').Split('/') switch
    {
        ["healthz" or "livez" or "readyz"] => ApiAnswer.Text("ok"),
        // Clients before 1.27 check fields by this document, and leave alone what it does not describe. Theirs is protobuf, in which nothing is an empty document.
        ["openapi", "v2"] => new(200, "application/com.github.proto-openapi.spec.v2.v1.0+protobuf", []),
        ["openapi", "v3"] => ApiAnswer.Json(OpenApiDocuments.Index()),
        ["openapi", "v3", "api", var version] => OpenApi(version),
        ["openapi", "v3", "apis", var group, var version] => OpenApi($"{group}/{version}"),
        ["version"] => ApiAnswer.Json(Version()),
        ["api"] => ApiAnswer.Json(new() { ["kind"] = "APIVersions", ["versions"] = new JsonArray("v1"), ["serverAddressByClientCIDRs"] = new JsonArray(new JsonObject { ["clientCIDR"] = "0.0.0.0/0", ["serverAddress"] = "192.0.2.1:6443" }) }),
        ["api", "v1"] => ApiAnswer.Json(Resources("", "v1")),
        ["apis"] => ApiAnswer.Json(Groups()),
        ["apis", var group] when group.Length > 0 && ResourceTypes.HasGroup(group) => ApiAnswer.Json(Group(group)),
        ["apis", var group, var version] when ResourceTypes.All.Any(t => t.Group == group && t.Version == version) => ApiAnswer.Json(Resources(group, version)),
        ["apis", var group, _] when ResourceTypes.HasGroup(group) => throw ApiException.NoSuchResource(),
        ["api", _] => throw ApiException.NoSuchResource(),
        _ => ApiAnswer.Text("404 page not found\n", 404),
    };

    private static ApiAnswer OpenApi(string apiVersion) =>
        OpenApiDocuments.Text(apiVersion) is { } document ? new(200, "application/json", document) : ApiAnswer.Text("404 page not found\n", 404);

    private static JsonObject Version() => new()
    {
        ["major"] = "1",
        ["minor"] = "33",
        ["emulationMajor"] = "1",
        ["emulationMinor"] = "33",
        ["minCompatibilityMajor"] = "1",
        ["minCompatibilityMinor"] = "32",
        ["gitVersion"] = "v1.33.13",
        ["gitCommit"] = new string('0', 40),
        ["gitTreeState"] = "clean",
        ["buildDate"] = "2026-01-01T00:00:00Z",
        ["goVersion"] = "go1.24",
        ["compiler"] = "gc",
        ["platform"] = "linux/amd64",
    };

    private static JsonObject Groups() => new()
    {
        ["kind"] = "APIGroupList",
        ["apiVersion"] = "v1",
        ["groups"] = new JsonArray([.. ResourceTypes.All.Select(t => t.Group).Where(g => g.Length > 0).Distinct().Select(g => GroupBody(g, []))]),
    };

    private static JsonObject Group(string group) => GroupBody(group, new() { ["kind"] = "APIGroup", ["apiVersion"] = "v1" });

    private static JsonObject GroupBody(string group, JsonObject body)
    {
        var version = ResourceTypes.All.First(t => t.Group == group).Version;
        JsonObject Named() => new() { ["groupVersion"] = $"{group}/{version}", ["version"] = version };
        body["name"] = group;
        body["versions"] = new JsonArray(Named());
        body["preferredVersion"] = Named();
        return body;
    }

    private static JsonObject Resources(string group, string version)
    {
        var resources = new JsonArray();
        foreach (var type in ResourceTypes.All.Where(t => t.Group == group && t.Version == version))
        {
            var row = Row(type.Plural, type.Kind, type.Namespaced, Verbs(type));
            row["singularName"] = type.Singular;
            if (type.ShortNames.Length > 0)
            {
                row["shortNames"] = Strings(type.ShortNames);
            }

            resources.Add(row);
            foreach (var subresource in type.Subresources)
            {
                var (kind, verbs) = subresource switch
                {
                    "scale" => ("Scale", (string[])["get", "patch", "update"]),
                    "token" => ("TokenRequest", ["create"]),
                    _ => (type.Kind, ["get"]),
                };
                resources.Add(Row($"{type.Plural}/{subresource}", kind, type.Namespaced, verbs));
            }
        }

        var list = new JsonObject { ["kind"] = "APIResourceList" };
        if (group.Length > 0)
        {
            list["apiVersion"] = "v1";
        }

        list["groupVersion"] = group.Length == 0 ? version : $"{group}/{version}";
        list["resources"] = resources;
        return list;
    }

    private static string[] Verbs(ResourceType type) =>
        type.IsReview ? ["create"] : type == ResourceTypes.NewEvents ? ["get", "list", "watch"] : ["create", "delete", "get", "list", "patch", "update", "watch"];

    private static JsonObject Row(string name, string kind, bool namespaced, string[] verbs) => new()
    {
        ["name"] = name, ["singularName"] = "", ["namespaced"] = namespaced, ["kind"] = kind, ["verbs"] = Strings(verbs),
    };

    private static JsonArray Strings(string[] values) => new([.. values.Select(v => JsonValue.Create(v))]);
}
