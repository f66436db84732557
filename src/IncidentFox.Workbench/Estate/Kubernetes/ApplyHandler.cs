using System.Text.Json;
using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>
/// Server-side apply: an object by its fields, each owned by who applied it. Conflicts are known with other appliers and with who scaled;
/// other writers' ownership is not kept. Bodies are JSON (which is YAML), as kubectl sends them.
/// </summary>
internal sealed class ApplyHandler(ObjectStore store, TimeProvider clock, ChangeCounters counters, CreateHandler creates)
{
    public ApiAnswer Apply(ResourceType type, string ns, string name, ApiRequest request)
    {
        var manager = request.Query("fieldManager");
        if (manager.Length == 0)
        {
            throw ApiException.Invalid("meta.k8s.io", "PatchOptions", "", FieldError.Required("fieldManager", "is required for apply patch"));
        }

        var applied = Read(request);
        var warnings = FieldValidation.Apply(type, applied, request);
        var dryRun = request.IsDryRun("PatchOptions");
        if (applied.Name() != name)
        {
            throw ApiException.BadRequest($"the name of the object ({applied.Name()}) does not match the name on the URL ({name})");
        }

        lock (store.Gate)
        {
            var fields = FieldSet.Of(applied);
            if (store.Get(type, ns, name) is not { } found)
            {
                var created = creates.Create(type, ns, applied, dryRun, warnings);
                var owned = created.With(o => Own(o, type, manager, fields));
                return ApiAnswer.Json(dryRun ? owned : store.Update(type, owned), 201) with { Warnings = warnings };
            }

            var after = Merged(found, applied, fields, manager, request.Query("force") is "true" or "1");
            ObjectRules.Default(after);
            ObjectRules.CheckChange(type, found, after);
            return ApiAnswer.Json(Write(type, found, after, manager, fields, dryRun)) with { Warnings = warnings };
        }
    }

    private static JsonObject Read(ApiRequest request)
    {
        try
        {
            return request.Json() as JsonObject ?? throw ApiException.BadRequest("error decoding YAML: json: cannot unmarshal into Go value of type map[string]interface {}");
        }
        catch (JsonException)
        {
            throw ApiException.BadRequest("error decoding YAML: this double reads JSON only");
        }
    }

    private static JsonObject Merged(JsonObject found, JsonObject applied, HashSet<string> fields, string manager, bool force)
    {
        var entries = found.Objects("metadata", "managedFields").ToList();
        var others = entries.Where(e => !IsOwn(e, manager)).Select(e => (Entry: e, Fields: FieldSet.Read(e["fieldsV1"]))).ToList();
        var conflicts = others.SelectMany(o => o.Fields.Where(f => fields.Contains(f) && !JsonNode.DeepEquals(FieldSet.Value(found, f), FieldSet.Value(applied, f))).Select(f => (o.Entry, Field: f))).ToList();
        if (conflicts.Count > 0 && !force)
        {
            throw ApiException.ApplyConflict([.. conflicts.Select(c => (Described(c.Entry), FieldSet.Shown(c.Field)))]);
        }

        var after = MergePatch.Apply(found, applied.With(a => (a["metadata"] as JsonObject)?.Remove("managedFields")), strategic: true);
        var dropped = entries.Where(e => IsOwn(e, manager)).SelectMany(e => FieldSet.Read(e["fieldsV1"])).Where(f => !fields.Contains(f) && !others.Exists(o => o.Fields.Contains(f)));
        foreach (var field in dropped.ToList())
        {
            FieldSet.Remove(after, field);
        }

        var kept = others.Select(o => (o.Entry, Fields: o.Fields.Where(f => conflicts.TrueForAll(c => c.Field != f || c.Entry != o.Entry)).ToList())).Where(o => o.Fields.Count > 0);
        after.Child("metadata")["managedFields"] = new JsonArray([.. kept.Select(k => k.Entry.With(e => e["fieldsV1"] = FieldSet.Write(k.Fields)))]);
        return after;
    }

    private JsonObject Write(ResourceType type, JsonObject found, JsonObject after, string manager, HashSet<string> fields, bool dryRun)
    {
        var metadata = after.Child("metadata");
        var own = found.Objects("metadata", "managedFields").FirstOrDefault(e => IsOwn(e, manager));
        Own(after, type, manager, fields, own?.Text("time"));
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

        Own(after, type, manager, fields);
        counters.Changed();
        return store.Update(type, after);
    }

    /// <param name="time">When it was applied before, to tell whether anything changed; null for now.</param>
    private void Own(JsonObject o, ResourceType type, string manager, HashSet<string> fields, string? time = null)
    {
        var others = o.Objects("metadata", "managedFields").Where(e => !IsOwn(e, manager)).Select(e => e.Copy());
        o.Child("metadata")["managedFields"] = new JsonArray([
            new JsonObject
            {
                ["manager"] = manager,
                ["operation"] = "Apply",
                ["apiVersion"] = type.ApiVersion,
                ["time"] = time ?? clock.GetUtcNow().Rfc3339(),
                ["fieldsType"] = "FieldsV1",
                ["fieldsV1"] = FieldSet.Write(fields),
            },
            .. others,
        ]);
    }

    private static bool IsOwn(JsonObject entry, string manager) => entry.Text("manager") == manager && entry.Text("operation") == "Apply";

    private static string Described(JsonObject entry) =>
        $"\"{entry.Text("manager")}\"{(entry.Text("subresource") is { } sub ? $" with subresource \"{sub}\"" : "")} using {entry.Text("apiVersion")}";
}
