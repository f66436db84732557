using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

internal enum ChangeKind
{
    Added,
    Modified,
    Deleted,
}

/// <summary>One write: what a watch sees, and what it takes to look back before it.</summary>
internal sealed record Change(ulong Version, ChangeKind Kind, ResourceType Type, JsonObject Object, JsonObject? Previous);

/// <summary>
/// The objects, each write with the next resourceVersion, and a bounded history of writes: watches follow it and lists
/// look back in it. Callers that read, decide and write hold <see cref="Gate"/> meanwhile.
/// </summary>
internal sealed class ObjectStore(int historyLimit = 4000)
{
    private readonly Dictionary<ResourceType, SortedDictionary<ObjectKey, JsonObject>> _objects = new(ReferenceEqualityComparer.Instance);
    private readonly Queue<Change> _history = new();
    private TaskCompletionSource _changed = NewSignal();

    public Lock Gate { get; } = new();

    /// <summary>The resourceVersion of the last write.</summary>
    public ulong Version { get; private set; } = 1000;

    /// <summary>The newest version that the history can no longer look behind.</summary>
    public ulong Compacted { get; private set; } = 1000;

    /// <summary>Ends at the next write. Take it before reading.</summary>
    public Task NextChange
    {
        get
        {
            lock (Gate)
            {
                return _changed.Task;
            }
        }
    }

    public JsonObject? Get(ResourceType type, string ns, string name)
    {
        lock (Gate)
        {
            return Of(type).GetValueOrDefault(new(ns, name));
        }
    }

    /// <summary>All objects of a kind, of all namespaces when <paramref name="ns"/> is empty, in the order of the API: namespace, name.</summary>
    public IReadOnlyList<JsonObject> List(ResourceType type, string ns = "")
    {
        lock (Gate)
        {
            return [.. Of(type).Where(e => ns.Length == 0 || e.Key.Namespace == ns).Select(e => e.Value)];
        }
    }

    /// <summary>The list as it was at an earlier version, or null when that is no longer known.</summary>
    public IReadOnlyList<JsonObject>? ListAt(ulong version, ResourceType type, string ns)
    {
        lock (Gate)
        {
            if (version < Compacted)
            {
                return null;
            }

            var then = new SortedDictionary<ObjectKey, JsonObject>();
            foreach (var current in List(type, ns))
            {
                then[KeyOf(current)] = current;
            }

            foreach (var change in _history.Reverse().TakeWhile(c => c.Version > version).Where(c => c.Type == type))
            {
                var key = KeyOf(change.Object);
                if (ns.Length > 0 && key.Namespace != ns)
                {
                    continue;
                }

                if (change.Previous is null)
                {
                    then.Remove(key);
                }
                else
                {
                    then[key] = change.Previous;
                }
            }

            return [.. then.Values];
        }
    }

    /// <summary>The writes after a version, or null when some of them are no longer known.</summary>
    public IReadOnlyList<Change>? Since(ulong version)
    {
        lock (Gate)
        {
            return version < Compacted ? null : [.. _history.SkipWhile(c => c.Version <= version)];
        }
    }

    /// <summary>Adds an object; it gets a resourceVersion, and a uid and a creation time when it has none.</summary>
    public JsonObject Create(ResourceType type, JsonObject o, DateTimeOffset now)
    {
        lock (Gate)
        {
            var key = KeyOf(o);
            if (Of(type).ContainsKey(key))
            {
                throw new InvalidOperationException($"{type.Plural} {key.Namespace}/{key.Name} exists.");
            }

            var metadata = o.Child("metadata");
            metadata["uid"] ??= Guid.NewGuid().ToString();
            metadata["creationTimestamp"] ??= now.Rfc3339();
            return Write(ChangeKind.Added, type, o, previous: null);
        }
    }

    /// <summary>Puts an object in as it was written elsewhere, with the resourceVersion it had there; no watch sees it.</summary>
    public void Load(ResourceType type, JsonObject o)
    {
        lock (Gate)
        {
            var loaded = o.Copy();
            Touch(loaded);
            Of(type)[KeyOf(loaded)] = loaded;
            Version = Math.Max(Version, ulong.Parse(o.Text("metadata", "resourceVersion")!));
        }
    }

    /// <summary>Replaces an object. What changes nothing keeps its resourceVersion and is seen by no watch.</summary>
    public JsonObject Update(ResourceType type, JsonObject o)
    {
        lock (Gate)
        {
            var previous = Of(type)[KeyOf(o)];
            o.Child("metadata")["resourceVersion"] = previous.Text("metadata", "resourceVersion");
            return JsonNode.DeepEquals(previous, o) ? previous : Write(ChangeKind.Modified, type, o, previous);
        }
    }

    /// <summary>Removes an object; the result carries the version of its removal.</summary>
    public JsonObject Remove(ResourceType type, JsonObject o)
    {
        lock (Gate)
        {
            var previous = Of(type)[KeyOf(o)];
            return Write(ChangeKind.Deleted, type, o.Copy(), previous);
        }
    }

    /// <summary>Forgets the history, as etcd's compaction does.</summary>
    public void Compact()
    {
        lock (Gate)
        {
            _history.Clear();
            Compacted = Version;
        }
    }

    private SortedDictionary<ObjectKey, JsonObject> Of(ResourceType type)
    {
        if (!_objects.TryGetValue(type, out var objects))
        {
            _objects[type] = objects = [];
        }

        return objects;
    }

    private static ObjectKey KeyOf(JsonObject o) => new(o.Namespace(), o.Name());

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private JsonObject Write(ChangeKind kind, ResourceType type, JsonObject o, JsonObject? previous)
    {
        Version++;
        o.Child("metadata")["resourceVersion"] = Version.ToString();

        // Through text, so that numbers and strings have one representation; then touched, so that concurrent readers share it safely.
        var stored = (JsonObject)JsonNode.Parse(o.ToJsonString())!;
        Touch(stored);
        var key = KeyOf(stored);
        if (kind == ChangeKind.Deleted)
        {
            Of(type).Remove(key);
        }
        else
        {
            Of(type)[key] = stored;
        }

        _history.Enqueue(new(Version, kind, type, stored, previous));
        if (_history.Count > historyLimit)
        {
            Compacted = _history.Dequeue().Version;
        }

        var signal = _changed;
        _changed = NewSignal();
        signal.SetResult();
        return stored;
    }

    /// <summary>Makes every value ready to be read by many at once: nodes are read lazily, and doing so is not safe.</summary>
    public static void Touch(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject o:
                foreach (var (_, child) in o)
                {
                    Touch(child);
                }

                break;
            case JsonArray array:
                foreach (var child in array)
                {
                    Touch(child);
                }

                break;
            default:
                break;
        }
    }

    private readonly record struct ObjectKey(string Namespace, string Name) : IComparable<ObjectKey>
    {
        public int CompareTo(ObjectKey other)
        {
            var byNamespace = string.CompareOrdinal(Namespace, other.Namespace);
            return byNamespace != 0 ? byNamespace : string.CompareOrdinal(Name, other.Name);
        }
    }
}
