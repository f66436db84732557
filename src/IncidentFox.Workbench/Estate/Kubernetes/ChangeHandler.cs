using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>PATCH and PUT of an object or of its scale subresource.</summary>
internal sealed class ChangeHandler(ObjectStore store, TimeProvider clock, ChangeCounters counters, CreateHandler creates)
{
    public ApiAnswer Change(ResourceType type, string ns, string name, string subresource, ApiRequest request)
    {
        var change = Reader(request);
        var dryRun = request.IsDryRun(request.Method == "PUT" ? "UpdateOptions" : "PatchOptions");
        lock (store.Gate)
        {
            if (request.Method == "PUT")
            {
                CheckName(name, change([]).Name());
            }

            if (store.Get(type, ns, name) is not { } found)
            {
                return request.Method == "PUT" && subresource.Length == 0 && IsCreatedByPut(type)
                    ? CreateByPut(type, ns, request, dryRun) : throw ApiException.NotFound(type, name);
            }

            var warnings = new List<string>();
            var after = subresource == "scale" ? ChangeScale(type, found, change, request) : ChangeObject(type, found, change, request, warnings);
            ObjectRules.CheckChange(type, found, after);
            ObjectRules.Default(after);
            var written = Write(type, found, after, subresource, request, dryRun);
            return ApiAnswer.Json(subresource == "scale" ? Scale.Of(written) : written) with { Warnings = warnings };
        }
    }

    /// <summary>A few kinds are made by a PUT when they are not there.</summary>
    private static bool IsCreatedByPut(ResourceType type) => type.Kind is "Lease" or "Role" or "ClusterRole" or "RoleBinding" or "ClusterRoleBinding" or "RuntimeClass" or "PriorityClass";

    private ApiAnswer CreateByPut(ResourceType type, string ns, ApiRequest request, bool dryRun)
    {
        var body = RequestBody.Read(type, request, out var warnings);
        if (body.Text("metadata", "resourceVersion") is { Length: > 0 })
        {
            throw ApiException.Modified(type, body.Name());
        }

        var created = creates.Create(type, ns, body, dryRun, warnings);
        return ApiAnswer.Json(created, 201) with { Warnings = warnings };
    }

    /// <summary>How the request's body turns the present object into the wanted one.</summary>
    private static Func<JsonObject, JsonObject> Reader(ApiRequest request)
    {
        if (request.Method == "PUT")
        {
            return request.ContentType is "application/json" or ""
                ? _ => request.Json() as JsonObject ?? throw ApiException.BadRequest("the object provided is unrecognized: it is not a JSON object")
                : throw ApiException.UnsupportedMediaType();
        }

        return request.ContentType switch
        {
            "application/json-patch+json" => o => JsonPatch.Apply(o, request.Json()),
            "application/merge-patch+json" => o => MergePatch.Apply(o, request.Json(), strategic: false),
            "application/strategic-merge-patch+json" => o => MergePatch.Apply(o, request.Json(), strategic: true),
            _ => throw ApiException.UnsupportedMediaType(),
        };
    }

    private static JsonObject ChangeObject(ResourceType type, JsonObject found, Func<JsonObject, JsonObject> change, ApiRequest request, List<string> warnings)
    {
        var after = change(found);
        warnings.AddRange(FieldValidation.Apply(type, after, request));
        CheckAddress(found, after);
        CheckPreconditions(type, type.Plural, found, after, request);
        if (request.Method == "PUT" && IsCreatedByPut(type) && string.IsNullOrEmpty(after.Text("metadata", "resourceVersion")))
        {
            throw ApiException.MustNameVersion(type, found.Name());
        }

        // Status has a subresource of its own, and the server's own fields are not the client's to write.
        after["kind"] = type.Kind;
        after["apiVersion"] = type.ApiVersion;
        after["status"] = found["status"]?.DeepClone();
        if (after["status"] is null)
        {
            after.Remove("status");
        }

        foreach (var field in (string[])["uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields"])
        {
            Restore(found.Child("metadata"), after.Child("metadata"), field);
        }

        return after;
    }

    private static JsonObject ChangeScale(ResourceType type, JsonObject found, Func<JsonObject, JsonObject> change, ApiRequest request)
    {
        var scale = change(Scale.Of(found));
        CheckAddress(found, scale);
        CheckPreconditions(type, $"{type.Plural}/scale", found, scale, request);
        if (scale.Number("spec", "replicas") is not >= 0)
        {
            var value = scale.At("spec", "replicas")?.ToJsonString() ?? "null";
            throw ApiException.Invalid("autoscaling", "Scale", found.Name(), FieldError.Value("spec.replicas", value, "must be greater than or equal to 0"));
        }

        return found.With(o => o.Child("spec")["replicas"] = scale.Number("spec", "replicas"));
    }

    private static void CheckName(string onUrl, string inBody)
    {
        if (inBody != onUrl)
        {
            throw ApiException.BadRequest($"the name of the object ({inBody}) does not match the name on the URL ({onUrl})");
        }
    }

    private static void CheckAddress(JsonObject found, JsonObject after)
    {
        CheckName(found.Name(), after.Name());
        if (after.Namespace() is { Length: > 0 } ns && ns != found.Namespace())
        {
            throw ApiException.BadRequest("the namespace of the provided object does not match the namespace sent on the request");
        }
    }

    /// <summary>A uid or a resourceVersion in what is sent must be the present one.</summary>
    private static void CheckPreconditions(ResourceType type, string resource, JsonObject found, JsonObject after, ApiRequest request)
    {
        if (after.Text("metadata", "uid") is { Length: > 0 } uid && uid != found.Uid())
        {
            var why = $"Precondition failed: UID in precondition: {uid}, UID in object meta: {found.Uid()}";
            var key = $"/registry/{type.Plural}/{found.Namespace()}/{found.Name()}";
            throw ApiException.Conflict(
                type.Group, resource, found.Name(),
                request.Method == "PUT" ? $"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: {why}" : why);
        }

        if (after.Text("metadata", "resourceVersion") is { Length: > 0 } version && version != found.Text("metadata", "resourceVersion"))
        {
            throw ApiException.Modified(type, found.Name());
        }
    }

    private JsonObject Write(ResourceType type, JsonObject found, JsonObject after, string subresource, ApiRequest request, bool dryRun)
    {
        var metadata = after.Child("metadata");
        metadata["resourceVersion"] = found.Text("metadata", "resourceVersion");
        if (JsonNode.DeepEquals(found, after))
        {
            return found;
        }

        if (!JsonNode.DeepEquals(found["spec"], after["spec"]) && found.Number("metadata", "generation") is { } generation)
        {
            metadata["generation"] = generation + 1;
        }

        if (dryRun)
        {
            return after;
        }

        var isScaled = type == ResourceTypes.Deployments && found.Number("spec", "replicas") != after.Number("spec", "replicas");
        if (isScaled)
        {
            ManagedFields.Scaled(after, ManagerOf(request), subresource, clock.GetUtcNow());
            counters.Scaled();
        }
        else
        {
            counters.Changed();
        }

        var written = store.Update(type, after);

        // What only a finalizer still held goes when the last one does.
        var isReleased = written.Number("metadata", "deletionGracePeriodSeconds") == 0 && written.At("metadata", "finalizers") is not JsonArray { Count: > 0 };
        return isReleased ? store.Remove(type, written) : written;
    }

    private static string ManagerOf(ApiRequest request) => request.Query("fieldManager") is { Length: > 0 } manager
        ? manager : request.UserAgent?.Split('/')[0] is { Length: > 0 } agent ? agent : "unknown";

    private static void Restore(JsonObject from, JsonObject to, string field)
    {
        if (from[field] is { } value)
        {
            to[field] = value.DeepClone();
        }
        else
        {
            to.Remove(field);
        }
    }
}
