using System.Security.Cryptography;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Cluster;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>POST of an object, and the PUT or server-side apply of one that is not there: checked, filled in, admitted, stored.</summary>
internal sealed class CreateHandler(ObjectStore store, TimeProvider clock, ChangeCounters counters)
{
    private readonly PodAdmission _pods = new(store);

    public ApiAnswer Create(ResourceType type, string ns, ApiRequest request)
    {
        if (request.ContentType is not ("application/json" or ""))
        {
            throw ApiException.UnsupportedMediaType();
        }

        var body = RequestBody.Read(type, request, out var warnings);
        var dryRun = request.IsDryRun("CreateOptions");
        lock (store.Gate)
        {
            var created = Create(type, ns, body, dryRun, warnings);
            if (!dryRun)
            {
                counters.Changed();
            }

            return ApiAnswer.Json(created, 201) with { Warnings = warnings };
        }
    }

    /// <summary>Stores an object that was read and validated; the caller holds the store's gate.</summary>
    public JsonObject Create(ResourceType type, string ns, JsonObject body, bool dryRun, List<string> warnings)
    {
        if (body.Namespace() is { Length: > 0 } named && named != ns && type.Namespaced)
        {
            throw ApiException.BadRequest("the namespace of the provided object does not match the namespace sent on the request");
        }

        if (type.Namespaced)
        {
            CheckNamespace(type, ns, body.Name());
        }

        var o = Prepared(type, ns, body);
        if (type == ResourceTypes.Pods)
        {
            _pods.Complete(o, ns);
        }

        ObjectRules.CheckNew(type, o);
        if (store.Get(type, type.Namespaced ? ns : "", o.Name()) is not null)
        {
            throw ApiException.AlreadyExists(type, o.Name());
        }

        if (type == ResourceTypes.Pods)
        {
            _pods.Admit(o, ns, warnings);
        }
        else if (o.At("spec", "template", "spec") is JsonObject template && PodSecurity.Warning(store, ns, template) is { } warning)
        {
            warnings.Add(warning);
        }

        if (dryRun)
        {
            o.Child("metadata")["uid"] = Guid.NewGuid().ToString();
            o.Child("metadata")["creationTimestamp"] = clock.GetUtcNow().Rfc3339();
            return o;
        }

        var created = store.Create(type, o, clock.GetUtcNow());
        if (type == ResourceTypes.Namespaces)
        {
            Furnish(created.Name());
        }

        return created;
    }

    private void CheckNamespace(ResourceType type, string ns, string name)
    {
        var home = store.Get(ResourceTypes.Namespaces, "", ns) ?? throw ApiException.NotFound(ResourceTypes.Namespaces, ns);
        if (home.Text("metadata", "deletionTimestamp") is not null)
        {
            var details = ApiException.Details(name, type.Group, type.Plural);
            details["causes"] = new JsonArray(new JsonObject
            {
                ["reason"] = "NamespaceTerminating", ["message"] = $"namespace {ns} is being terminated", ["field"] = "metadata.namespace",
            });
            throw ApiException.Forbidden(
                $"{type.QualifiedPlural} \"{name}\" is forbidden: unable to create new content in namespace {ns} because it is being terminated", details);
        }
    }

    /// <summary>The object with its address, and without what only the server writes.</summary>
    private static JsonObject Prepared(ResourceType type, string ns, JsonObject body)
    {
        var o = new JsonObject { ["kind"] = type.Kind, ["apiVersion"] = type.ApiVersion };
        var metadata = (body["metadata"] as JsonObject ?? []).Copy();
        foreach (var field in (string[])["uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "managedFields", "selfLink"])
        {
            metadata.Remove(field);
        }

        if (string.IsNullOrEmpty(metadata.Text("name")) && metadata.Text("generateName") is { Length: > 0 } prefix)
        {
            metadata["name"] = prefix + RandomNumberGenerator.GetString("bcdfghjklmnpqrstvwxz2456789", 5);
        }

        if (type.Namespaced)
        {
            metadata["namespace"] = ns;
        }
        else
        {
            metadata.Remove("namespace");
        }

        o["metadata"] = metadata;
        foreach (var (name, value) in body)
        {
            if (name is not ("kind" or "apiVersion" or "metadata" or "status"))
            {
                o[name] = value?.DeepClone();
            }
        }

        Defaults.OfNew(type, o);
        return o;
    }

    /// <summary>What the controllers put into each new namespace.</summary>
    private void Furnish(string ns)
    {
        var now = clock.GetUtcNow();
        JsonObject Metadata(string name) => new() { ["name"] = name, ["namespace"] = ns };
        store.Create(ResourceTypes.ServiceAccounts, new() { ["kind"] = "ServiceAccount", ["apiVersion"] = "v1", ["metadata"] = Metadata("default") }, now);
        var roots = Metadata("kube-root-ca.crt");
        roots["annotations"] = new JsonObject
        {
            ["kubernetes.io/description"] = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. "
                + "No other usage is guaranteed across distributions of Kubernetes clusters.",
        };
        store.Create(
            ResourceTypes.ConfigMaps,
            new() { ["kind"] = "ConfigMap", ["apiVersion"] = "v1", ["metadata"] = roots, ["data"] = new JsonObject { ["ca.crt"] = "" } }, now);
    }
}
