using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>
/// DELETE of one object. As the real server: when a body is sent, its DeleteOptions are all that counts, and a `dryRun`
/// in the query is then ignored.
/// </summary>
internal sealed class DeleteHandler(ObjectStore store, TimeProvider clock, ChangeCounters counters)
{
    private const long DefaultGraceSeconds = 30;

    public ApiAnswer Delete(ResourceType type, string ns, string name, ApiRequest request)
    {
        var options = Options.Read(request);
        lock (store.Gate)
        {
            var found = store.Get(type, ns, name) ?? throw ApiException.NotFound(type, name);
            CheckPreconditions(type, found, options);
            if (type == ResourceTypes.Pods)
            {
                return ApiAnswer.Json(DeletePod(found, options));
            }

            if (type == ResourceTypes.Namespaces)
            {
                return ApiAnswer.Json(DeleteNamespace(found, options));
            }

            if (!options.DryRun)
            {
                counters.Changed();
                Remove(type, found);
            }

            return ApiAnswer.Json(ApiException.Success(type, name, found.Uid()));
        }
    }

    /// <summary>What a finalizer holds is only marked; whoever removes the finalizer removes the object.</summary>
    private void Remove(ResourceType type, JsonObject found)
    {
        if (found.At("metadata", "finalizers") is not JsonArray { Count: > 0 })
        {
            store.Remove(type, found);
            return;
        }

        store.Update(type, found.With(o =>
        {
            o.Child("metadata")["deletionTimestamp"] ??= clock.GetUtcNow().Rfc3339();
            o.Child("metadata")["deletionGracePeriodSeconds"] = 0;
        }));
    }

    /// <summary>A namespace goes when its controller has emptied it.</summary>
    private JsonObject DeleteNamespace(JsonObject found, Options options)
    {
        var deleting = found.With(n =>
        {
            n.Child("metadata")["deletionTimestamp"] ??= clock.GetUtcNow().Rfc3339();
            n["status"] = new JsonObject { ["phase"] = "Terminating" };
        });
        return options.DryRun ? deleting : store.Update(ResourceTypes.Namespaces, deleting);
    }

    private static void CheckPreconditions(ResourceType type, JsonObject found, Options options)
    {
        if (options.Uid is { } uid && uid != found.Uid())
        {
            throw ApiException.Conflict(
                type.Group, type.Kind, found.Name(),
                $"the UID in the precondition ({uid}) does not match the UID in record ({found.Uid()}). The object might have been deleted and then recreated");
        }

        var version = found.Text("metadata", "resourceVersion");
        if (options.ResourceVersion is { } wanted && wanted != version)
        {
            throw ApiException.Conflict(
                type.Group, type.Kind, found.Name(),
                $"the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record ({version}). The object might have been modified");
        }
    }

    private JsonObject DeletePod(JsonObject pod, Options options)
    {
        var already = pod.Number("metadata", "deletionGracePeriodSeconds");
        var isTerminating = pod.Text("metadata", "deletionTimestamp") is not null;
        if (isTerminating && (options.GraceSeconds is null || options.GraceSeconds >= already))
        {
            return pod; // a second delete may shorten the grace period, never lengthen it
        }

        var isOver = pod.Text("spec", "nodeName") is null || pod.Text("status", "phase") is "Succeeded" or "Failed";
        var grace = isOver ? 0 : options.GraceSeconds ?? pod.Number("spec", "terminationGracePeriodSeconds") ?? DefaultGraceSeconds;
        var asked = isTerminating
            ? DateTimeOffset.Parse(pod.Text("metadata", "deletionTimestamp")!).AddSeconds(-already ?? 0) : clock.GetUtcNow();
        var deleting = pod.With(p =>
        {
            var metadata = p.Child("metadata");
            metadata["generation"] = (metadata.Number("generation") ?? 1) + (isTerminating ? 0 : 1);
            metadata["deletionTimestamp"] = asked.AddSeconds(grace).Rfc3339();
            metadata["deletionGracePeriodSeconds"] = grace;
        });
        if (options.DryRun)
        {
            return deleting;
        }

        if (!isTerminating)
        {
            counters.PodDeleted();
        }

        var written = store.Update(ResourceTypes.Pods, deleting);
        var isHeld = written.At("metadata", "finalizers") is JsonArray { Count: > 0 };
        return grace == 0 && !isHeld ? store.Remove(ResourceTypes.Pods, written) : written;
    }

    private sealed record Options(bool DryRun, string? Uid, string? ResourceVersion, long? GraceSeconds)
    {
        public static Options Read(ApiRequest request)
        {
            if (!request.HasBody)
            {
                return new(request.IsDryRun("DeleteOptions"), Uid: null, ResourceVersion: null, request.QueryNumber("gracePeriodSeconds"));
            }

            if (request.ContentType is not ("application/json" or ""))
            {
                throw ApiException.UnsupportedMediaType();
            }

            var body = request.Json() as JsonObject
                ?? throw ApiException.BadRequest("couldn't get version/kind; json parse error: json: cannot unmarshal into Go value of type struct");
            if (body.Text("kind") is { } kind and not "DeleteOptions")
            {
                throw ApiException.BadRequest($"{kind} in version \"{body.Text("apiVersion")}\" cannot be handled as a DeleteOptions: no kind \"{kind}\" is registered for it");
            }

            var isDryRun = Kubernetes.DryRun.Parse([.. (body["dryRun"] as JsonArray ?? []).Select(v => v.Text() ?? "")], "DeleteOptions");
            return new(isDryRun, body.Text("preconditions", "uid"), body.Text("preconditions", "resourceVersion"), body.Number("gracePeriodSeconds"));
        }
    }
}
