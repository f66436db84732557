using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Cluster;
using IncidentFox.Workbench.Estate.Kubernetes;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace IncidentFox.Workbench.Tests.Estate;

/// <summary>
/// Sends what was once sent to a real API server and compares the answers: statuses, error bodies word for word, objects
/// apart from what a clock or another writer decides. The store is set to the recorded state before each exchange.
/// </summary>
public sealed class TranscriptTests
{
    private readonly ObjectStore _store = new();
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.Parse("2026-11-22T13:30:00Z"));

    /// <param name="file">The transcript.</param>
    /// <param name="compared">How many of its exchanges the double serves: fewer means that this test skips what it should not.</param>
    [Theory]
    [InlineData("api-errors", 23)]
    [InlineData("delete-dry-run-and-preconditions", 22)]
    [InlineData("pod-delete", 19)]
    [InlineData("deployment-scale-and-patches", 25)]
    [InlineData("list-and-selectors", 21)]
    [InlineData("pod-logs", 9)]
    [InlineData("rbac-and-access-reviews", 10)]
    public void The_double_answers_as_the_recorded_server_did(string file, int compared)
    {
        var exchanges = Exchange.Read(file);
        foreach (var list in exchanges.Where(e => e.Path.EndsWith("/configmaps", StringComparison.Ordinal)))
        {
            LoadItems(list); // all of them are there before the first list
        }

        var api = new KubernetesApi(_store, new NoLogs(), new(_store, _clock), _clock);
        var seen = new Queue<(long At, JsonObject Object)>(exchanges.SelectMany(e => e.Seen).OrderBy(s => s.At));
        var count = 0;
        foreach (var exchange in exchanges)
        {
            while (seen.TryPeek(out var next) && (next.At < exchange.At || Version(next.Object) <= exchange.MatchedVersion))
            {
                LoadNewer(seen.Dequeue().Object);
            }

            if (exchange.RacedAController)
            {
                WriteAsController(exchange);
            }

            if (exchange.Method == "POST" && exchange.Status == 201)
            {
                Load(exchange); // creating is not served; what was created is the state for what follows
                continue;
            }

            if (exchange.WhySkipped() is { } why)
            {
                TestContext.Current.SendDiagnosticMessage($"{exchange.Method} {exchange.Target} skipped: {why}");
                continue;
            }

            if (exchange.Method == "GET" && exchange.Status == 200)
            {
                Load(exchange);
                LoadItems(exchange);
                TakeVersion(exchange);
            }

            Compare(exchange, api.Answer(exchange.Request()));
            count++;
            if (exchange.IsWrite)
            {
                TakeVersion(exchange); // later requests name the version that the write got there
            }
        }

        Assert.Equal(compared, count);
    }

    private static void Compare(Exchange exchange, ApiAnswer answer)
    {
        var text = Encoding.UTF8.GetString(answer.Content);
        Assert.True(exchange.Status == answer.Status, $"{exchange}: expected {exchange.Status}, was {answer.Status}: {text}");
        if (exchange.Body is not { } expected)
        {
            Assert.Equal(exchange.BodyText, text);
            return;
        }

        var actual = (JsonObject)JsonNode.Parse(text)!;
        if (expected["items"] is JsonArray items)
        {
            Assert.Equal(items.OfType<JsonObject>().Select(i => i.Name()), actual.Objects("items").Select(i => i.Name()));
            Assert.Equal(expected.Number("metadata", "remainingItemCount"), actual.Number("metadata", "remainingItemCount"));
            Assert.Equal(expected.Text("metadata", "continue") is null, actual.Text("metadata", "continue") is null);
            Assert.All(actual.Objects("items"), i => Assert.False(i.ContainsKey("kind")));
            expected.Remove("items");
            actual.Remove("items");
            expected.Remove("metadata");
            actual.Remove("metadata");
        }

        Normalize(expected);
        Normalize(actual);
        Assert.True(JsonNode.DeepEquals(expected, actual), $"{exchange}\nexpected {expected.Compacted()}\nactual   {actual.Compacted()}");
    }

    /// <summary>Takes out what a clock, a counter or another writer decides.</summary>
    private static void Normalize(JsonObject o)
    {
        if (o.Text("kind") == "Status")
        {
            return; // word for word
        }

        o.Child("metadata").Remove("managedFields");
        o.Child("metadata").Remove("resourceVersion");
        if (o.Child("metadata").ContainsKey("deletionTimestamp"))
        {
            o.Child("metadata")["deletionTimestamp"] = "set";
        }

        (o["status"] as JsonObject)?.Remove("observedGeneration");
    }

    private void Load(Exchange exchange)
    {
        var path = ApiPath.Parse(exchange.Path);
        if (exchange.Body is { } body && path is not null && body.Text("metadata", "resourceVersion") is not null && path.Subresource.Length == 0
            && body.Uid().Length > 0
            && ResourceTypes.Find(path.Group, path.Version, path.Resource) is { } type)
        {
            _store.Load(type, body);
        }
    }

    private void TakeVersion(Exchange exchange)
    {
        if (ApiPath.Parse(exchange.Path) is { Name.Length: > 0 } path
            && ResourceTypes.Find(path.Group, path.Version, path.Resource) is { } type && exchange.Body.Text("metadata", "resourceVersion") is { } version && _store.Get(type, path.Namespace, path.Name) is { } written)
        {
            _store.Load(type, written.With(o => o.Child("metadata")["resourceVersion"] = version));
        }
    }

    /// <summary>What controllers and the kubelet wrote meanwhile, as a watch saw it.</summary>
    private void LoadNewer(JsonObject o)
    {
        var type = ResourceTypes.All.First(t => t.Kind == o.Text("kind") && t.ApiVersion == o.Text("apiVersion"));
        if (_store.Get(type, o.Namespace(), o.Name()) is { } known && Version(known) < Version(o))
        {
            _store.Load(type, o);
        }
    }

    private void WriteAsController(Exchange exchange)
    {
        var path = ApiPath.Parse(exchange.Path)!;
        var deployment = _store.Get(ResourceTypes.Deployments, path.Namespace, path.Name)!;
        _store.Update(ResourceTypes.Deployments, deployment.With(d => d.Child("status")["observedGeneration"] = 99));
    }

    private static ulong Version(JsonObject o) => ulong.Parse(o.Text("metadata", "resourceVersion")!);

    /// <summary>Some objects are known only from the lists that show them.</summary>
    private void LoadItems(Exchange exchange)
    {
        if (ApiPath.Parse(exchange.Path) is { Name: "" } path && ResourceTypes.Find(path.Group, path.Version, path.Resource) is { } type)
        {
            foreach (var item in exchange.Body.Objects("items"))
            {
                _store.Load(type, item.With(i =>
                {
                    i["kind"] = type.Kind;
                    i["apiVersion"] = type.ApiVersion;
                }));
            }
        }
    }

    private sealed class NoLogs : IPodLogs
    {
        public ContainerLog? Find(string podUid, string container, bool previous) => null;
    }
}
