using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Workbench.Estate.Cluster;

/// <summary>Writes events as the components of a cluster do: repeats are counted on one object, old ones expire.</summary>
internal sealed class EventRecorder(ObjectStore store, TimeProvider clock)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);
    private static readonly TimeSpan BetweenExpiries = TimeSpan.FromSeconds(30);
    private readonly Dictionary<(string Uid, string Reason, string Message, string Component), (string Namespace, string Name)> _known = [];
    private DateTimeOffset _nextExpiry;

    public void Kubelet(JsonObject pod, string container, string type, string reason, string message) =>
        Record(pod, "Pod", "v1", container.Length == 0 ? null : $"spec.containers{{{container}}}", type, reason, message, "kubelet", ClusterSeed.NodeName);

    public void Controller(JsonObject about, string reason, string message, string component) =>
        Record(about, about.Text("kind")!, about.Text("apiVersion")!, fieldPath: null, "Normal", reason, message, component, host: null);

    public void ControllerWarning(JsonObject about, string reason, string message, string component) =>
        Record(about, about.Text("kind")!, about.Text("apiVersion")!, fieldPath: null, "Warning", reason, message, component, host: null);

    /// <summary>The scheduler uses the newer API: no count, `eventTime` instead of the two timestamps.</summary>
    public void Scheduled(JsonObject pod) => Scheduler(
        pod, "Normal", "Scheduled", $"Successfully assigned {pod.Namespace()}/{pod.Name()} to {ClusterSeed.NodeName}", "Binding");

    public void FailedScheduling(JsonObject pod, string why) => Scheduler(pod, "Warning", "FailedScheduling", why, "Scheduling");

    private void Scheduler(JsonObject pod, string type, string reason, string message, string action)
    {
        var now = clock.GetUtcNow();
        store.Create(
            ResourceTypes.Events,
            new()
            {
                ["kind"] = "Event",
                ["apiVersion"] = "v1",
                ["metadata"] = Metadata(pod, now),
                ["involvedObject"] = Reference(pod, "Pod", "v1", fieldPath: null),
                ["reason"] = reason,
                ["message"] = message,
                ["source"] = new JsonObject(),
                ["firstTimestamp"] = null,
                ["lastTimestamp"] = null,
                ["type"] = type,
                ["eventTime"] = now.Rfc3339Micro(),
                ["action"] = action,
                ["reportingComponent"] = "default-scheduler",
                ["reportingInstance"] = "default-scheduler-control-plane",
            },
            now);
    }

    public void Expire()
    {
        var now = clock.GetUtcNow();
        if (now < _nextExpiry && _nextExpiry - now <= BetweenExpiries)
        {
            return;
        }

        _nextExpiry = now + BetweenExpiries;
        var oldest = now - Lifetime;
        lock (store.Gate)
        {
            foreach (var old in store.List(ResourceTypes.Events).Where(e => LastSeen(e) < oldest))
            {
                store.Remove(ResourceTypes.Events, old);
            }

            foreach (var (key, at) in _known.Where(k => store.Get(ResourceTypes.Events, k.Value.Namespace, k.Value.Name) is null).ToList())
            {
                _known.Remove(key);
            }
        }
    }

    private void Record(
        JsonObject about, string kind, string apiVersion, string? fieldPath, string type, string reason, string message, string component, string? host)
    {
        var now = clock.GetUtcNow();
        lock (store.Gate)
        {
            var key = (about.Uid(), reason, message, component);
            if (_known.TryGetValue(key, out var at) && store.Get(ResourceTypes.Events, at.Namespace, at.Name) is { } same)
            {
                store.Update(ResourceTypes.Events, same.With(e =>
                {
                    e["count"] = (e.Number("count") ?? 1) + 1;
                    e["lastTimestamp"] = now.Rfc3339();
                }));
                return;
            }

            var source = new JsonObject { ["component"] = component };
            if (host is not null)
            {
                source["host"] = host;
            }

            var recorded = store.Create(
                ResourceTypes.Events,
                new()
                {
                    ["kind"] = "Event",
                    ["apiVersion"] = "v1",
                    ["metadata"] = Metadata(about, now),
                    ["involvedObject"] = Reference(about, kind, apiVersion, fieldPath),
                    ["reason"] = reason,
                    ["message"] = message,
                    ["source"] = source,
                    ["firstTimestamp"] = now.Rfc3339(),
                    ["lastTimestamp"] = now.Rfc3339(),
                    ["count"] = 1,
                    ["type"] = type,
                    ["eventTime"] = null,
                    ["reportingComponent"] = component,
                    ["reportingInstance"] = host ?? "",
                },
                now);
            _known[key] = (recorded.Namespace(), recorded.Name());
        }
    }

    /// <summary>Names of events are the object's and a number that only has to differ; the store's version does.</summary>
    private JsonObject Metadata(JsonObject about, DateTimeOffset now) => new()
    {
        ["name"] = $"{about.Name()}.{(ulong)now.ToUnixTimeMilliseconds() * 100_000 + store.Version % 100_000:x16}",
        ["namespace"] = about.Namespace(),
    };

    private static JsonObject Reference(JsonObject about, string kind, string apiVersion, string? fieldPath)
    {
        var reference = new JsonObject
        {
            ["kind"] = kind,
            ["namespace"] = about.Namespace(),
            ["name"] = about.Name(),
            ["uid"] = about.Uid(),
            ["apiVersion"] = apiVersion,
            ["resourceVersion"] = about.Text("metadata", "resourceVersion"),
        };
        if (fieldPath is not null)
        {
            reference["fieldPath"] = fieldPath;
        }

        return reference;
    }

    private static DateTimeOffset LastSeen(JsonObject e) =>
        DateTimeOffset.TryParse(e.Text("lastTimestamp") ?? e.Text("eventTime") ?? e.Text("firstTimestamp"), out var seen) ? seen : DateTimeOffset.MaxValue;
}
