using System.Globalization;
using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>`watch=true`: what changed, as it changes, one JSON object per line.</summary>
internal sealed class WatchHandler(ObjectStore store, TimeProvider clock, ApiFaults faults)
{
    private static readonly TimeSpan BookmarkInterval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(30);

    public ApiAnswer Watch(ResourceType type, string ns, string name, ApiRequest request)
    {
        var filter = new Filter(
            type, ns, name, LabelSelector.Parse(request.Query("labelSelector")), FieldSelector.Parse(request.Query("fieldSelector"), type));
        if (request.Query("sendInitialEvents") is "true" or "1")
        {
            throw ApiException.Invalid("meta.k8s.io", "ListOptions", "", FieldError.Forbidden(
                "sendInitialEvents", "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"));
        }

        var from = request.Query("resourceVersion");
        if (from.Length > 0 && !ulong.TryParse(from, out _))
        {
            throw ApiException.Internal($"resourceVersion: Invalid value: \"{from}\": strconv.ParseUint: parsing \"{from}\": invalid syntax");
        }

        var timeout = request.QueryNumber("timeoutSeconds") is { } seconds and > 0 ? TimeSpan.FromSeconds(seconds) : DefaultTimeout;
        var bookmarks = request.Query("allowWatchBookmarks") is "true" or "1";
        return new(200, "application/json", [])
        {
            Stream = (response, cancel) => UntilEndedAsync(filter, from.Length == 0 ? 0 : ulong.Parse(from), timeout, bookmarks, new(response, faults, request.Record, clock), cancel),
        };
    }

    private async Task UntilEndedAsync(Filter filter, ulong from, TimeSpan timeout, bool bookmarks, WatchStream stream, CancellationToken lost)
    {
        try
        {
            await RunAsync(filter, from, timeout, bookmarks, stream, lost);
        }
        catch (WatchEndedException)
        {
            return;
        }
    }

    private async Task RunAsync(Filter filter, ulong from, TimeSpan timeout, bool bookmarks, WatchStream stream, CancellationToken lost)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(lost, faults.WatchesCut);
        var cancel = either.Token;
        using var cutOff = faults.WatchesCut.Register(stream.Cut);
        var started = clock.GetTimestamp();
        var nextBookmark = timeout < BookmarkInterval ? timeout - TimeSpan.FromSeconds(1) : BookmarkInterval;
        var position = from;
        if (from == 0)
        {
            position = await SendExistingAsync(filter, stream, cancel);
        }

        await stream.OpenAsync(cancel);
        while (clock.GetElapsedTime(started) < timeout)
        {
            var changed = store.NextChange;
            if (store.Since(position) is not { } changes)
            {
                await stream.SendAsync("ERROR", ApiException.Expired($"too old resource version: {position} ({store.Compacted + 1})").Status, cancel);
                return;
            }

            foreach (var change in changes)
            {
                position = change.Version;
                if (filter.TypeOf(change) is { } kind)
                {
                    await stream.SendAsync(kind, ListHandler.View(filter.Type, change.Object), cancel);
                }
            }

            var elapsed = clock.GetElapsedTime(started);
            if (bookmarks && elapsed >= nextBookmark)
            {
                await stream.SendAsync("BOOKMARK", Bookmark(filter.Type, Math.Max(position, store.Version)), cancel);
                nextBookmark += nextBookmark + BookmarkInterval < timeout ? BookmarkInterval : timeout;
            }

            var until = bookmarks && nextBookmark < timeout ? nextBookmark : timeout;
            await Task.WhenAny(changed, Task.Delay(Positive(until - clock.GetElapsedTime(started)), clock, cancel));
            cancel.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Without a version, or with 0, a watch begins with what exists.</summary>
    private async Task<ulong> SendExistingAsync(Filter filter, WatchStream stream, CancellationToken cancel)
    {
        IReadOnlyList<JsonObject> existing;
        ulong version;
        lock (store.Gate)
        {
            existing = store.List(ListHandler.Stored(filter.Type), filter.Namespace);
            version = store.Version;
        }

        foreach (var o in existing.Where(filter.Matches))
        {
            await stream.SendAsync("ADDED", ListHandler.View(filter.Type, o), cancel);
        }

        return version;
    }

    private static TimeSpan Positive(TimeSpan time) => time > TimeSpan.FromMilliseconds(1) ? time : TimeSpan.FromMilliseconds(1);

    private static JsonObject Bookmark(ResourceType type, ulong version) => new()
    {
        ["kind"] = type.Kind,
        ["apiVersion"] = type.ApiVersion,
        ["metadata"] = new JsonObject { ["resourceVersion"] = version.ToString(CultureInfo.InvariantCulture), ["creationTimestamp"] = null },
    };

    private sealed record Filter(ResourceType Type, string Namespace, string Name, LabelSelector Labels, FieldSelector Fields)
    {
        public bool Matches(JsonObject o) =>
            (Namespace.Length == 0 || !Type.Namespaced || o.Namespace() == Namespace) && (Name.Length == 0 || o.Name() == Name) && Labels.Matches(o) && Fields.Matches(o);

        /// <summary>An object that begins to match is ADDED, one that stops is DELETED, whatever happened to it.</summary>
        public string? TypeOf(Change change)
        {
            if (change.Type != ListHandler.Stored(Type))
            {
                return null;
            }

            var before = change.Previous is not null && Matches(change.Previous);
            var after = change.Kind != ChangeKind.Deleted && Matches(change.Object);
            return (before, after) switch
            {
                (false, true) => "ADDED",
                (true, true) => "MODIFIED",
                (true, false) => "DELETED",
                _ => null,
            };
        }
    }
}
