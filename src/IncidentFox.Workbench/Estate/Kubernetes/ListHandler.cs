using System.Globalization;
using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>GET of one object and of lists: selectors, limit and continue, resourceVersion.</summary>
internal sealed class ListHandler(ObjectStore store)
{
    public ApiAnswer Get(ResourceType type, string ns, string name)
    {
        var found = store.Get(Stored(type), ns, name) ?? throw ApiException.NotFound(type, name);
        return ApiAnswer.Json(View(type, found));
    }

    public ApiAnswer List(ResourceType type, string ns, ApiRequest request)
    {
        var labels = LabelSelector.Parse(request.Query("labelSelector"));
        var fields = FieldSelector.Parse(request.Query("fieldSelector"), type);
        var limit = request.QueryNumber("limit") ?? 0;
        var (all, version, after) = Snapshot(type, ns, request);
        var matching = all.Where(o => labels.Matches(o) && fields.Matches(o)).ToList();
        var remaining = matching.Where(o => string.CompareOrdinal(Key(ns, o), after) > 0).ToList();

        // A list from the cache (resourceVersion=0) is given whole.
        var page = limit > 0 && request.Query("resourceVersion") != "0" ? remaining.Take((int)Math.Min(limit, int.MaxValue)).ToList() : remaining;
        var metadata = new JsonObject { ["resourceVersion"] = version.ToString(CultureInfo.InvariantCulture) };
        if (page.Count < remaining.Count)
        {
            metadata["continue"] = new ContinueToken((long)version, Key(ns, page[^1])).ToString();
            if (labels.IsEmpty && fields.IsEmpty)
            {
                metadata["remainingItemCount"] = remaining.Count - page.Count;
            }
        }

        var items = string.Join(',', page.Select(o => StoredText.OfItem(View(type, o))));
        return ApiAnswer.JsonText($"{{\"kind\":\"{type.Kind}List\",\"apiVersion\":\"{type.ApiVersion}\",\"metadata\":{metadata.Compacted()},\"items\":[{items}]}}");
    }

    /// <summary>Events have two APIs and are stored once.</summary>
    public static ResourceType Stored(ResourceType type) => type == ResourceTypes.NewEvents ? ResourceTypes.Events : type;

    public static JsonObject View(ResourceType type, JsonObject stored) => type == ResourceTypes.NewEvents ? EventView.Of(stored) : stored;

    private (IReadOnlyList<JsonObject> Objects, ulong Version, string After) Snapshot(ResourceType type, string ns, ApiRequest request)
    {
        var match = request.Query("resourceVersionMatch");
        var wanted = request.Query("resourceVersion");
        lock (store.Gate)
        {
            if (request.Query("continue") is { Length: > 0 } token)
            {
                if (wanted is not ("" or "0"))
                {
                    throw ApiException.BadRequest("specifying resource version is not allowed when using continue");
                }

                return Continued(type, ns, ContinueToken.Parse(token));
            }

            if (wanted.Length == 0)
            {
                return match.Length == 0 ? (store.List(Stored(type), ns), store.Version, "") : throw ApiException.Invalid(
                    "meta.k8s.io", "ListOptions", "",
                    FieldError.Forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided"));
            }

            if (!ulong.TryParse(wanted, out var version))
            {
                throw ApiException.Invalid("meta.k8s.io", "ListOptions", "", FieldError.Value("resourceVersion", $"\"{wanted}\"", $"strconv.ParseUint: parsing \"{wanted}\": invalid syntax"));
            }

            if (version > store.Version)
            {
                throw ApiException.FutureVersion(wanted, store.Version);
            }

            if (match != "Exact")
            {
                return (store.List(Stored(type), ns), store.Version, "");
            }

            var then = store.ListAt(version, Stored(type), ns) ?? throw ApiException.Expired("The resourceVersion for the provided list is too old.");
            return (then, version, "");
        }
    }

    private (IReadOnlyList<JsonObject> Objects, ulong Version, string After) Continued(ResourceType type, string ns, ContinueToken token)
    {
        if (token.Version < 0)
        {
            return (store.List(Stored(type), ns), store.Version, token.After);
        }

        var then = store.ListAt((ulong)token.Version, Stored(type), ns) ?? throw ApiException.Expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue "
            + "parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided "
            + "token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was "
            + "returned and now may show up in the list.",
            (token with { Version = -1 }).ToString());
        return (then, (ulong)token.Version, token.After);
    }

    private static string Key(string ns, JsonObject o) => ns.Length == 0 && o.Namespace().Length > 0 ? $"{o.Namespace()}/{o.Name()}" : o.Name();
}
