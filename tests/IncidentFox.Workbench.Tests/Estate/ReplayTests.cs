using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using IncidentFox.Workbench.Estate.Cluster;
using IncidentFox.Workbench.Estate.Kubernetes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace IncidentFox.Workbench.Tests.Estate;

/// <summary>
/// Sends what was once sent to a real API server to an empty cluster, creations included, and compares the answers: the same status, the same members of
/// the same types, the same reason and, for refusals, the same words. Uids, versions and tokens are told apart by where the recording first showed them.
/// </summary>
public sealed class ReplayTests
{
    /// <summary>What is not replayed anywhere, and why.</summary>
    private static readonly Dictionary<string, string> NotReplayed = new(StringComparer.Ordinal)
    {
        ["cronjob"] = "the double has no CronJob controller",
        ["jobs"] = "the double has no Job controller",
        ["deployment-rollout"] = "what the Deployment controller does in between is compared in ClusterTests, not by time",
        ["hpa-without-metrics"] = "the double has no autoscaler",
        ["eviction-and-disruption-budget"] = "the eviction subresource is not served",
        ["networkpolicy-enforcement-delay"] = "policies are stored, not enforced: pods have no network here",
        ["node-not-ready-and-memory-pressure"] = "the double's node does not fail",
        ["node-cordon"] = "the double's node is smaller than a real one and sets no taint; that a cordoned node takes no pods: KubernetesServerTests",
        ["pod-crashloop"] = "restarts are played by the estate's kubelet: ClusterTests",
        ["pod-liveness-failing"] = "probes are played by the estate's kubelet: ClusterTests",
        ["pod-readiness-failing"] = "probes are played by the estate's kubelet: ClusterTests",
        ["pod-init-failing"] = "init containers are not played",
        ["pod-pvc-pending"] = "volumes are not played",
    };

    private static readonly string[] Replayed =
    [
        "api-errors", "lease", "token-review", "resource-quota", "pod-security-restricted", "watch", "resource-expired-410", "rbac-and-access-reviews",
        "services-and-endpointslices", "discovery",
    ];

    /// <summary>Compared word for word by TranscriptTests; exec by ExecTests.</summary>
    private static readonly string[] WordForWord = ["list-and-selectors", "delete-dry-run-and-preconditions", "pod-delete", "deployment-scale-and-patches", "pod-logs", "pod-exec-websocket"];

    /// <summary>The newest version of all, in a message.</summary>
    private static readonly Regex Current = new("current: \\d+", RegexOptions.None, TimeSpan.FromSeconds(1));

    private readonly FakeTimeProvider _clock = new(DateTimeOffset.Parse("2026-11-22T13:30:00Z"));
    private readonly Dictionary<string, string> _actual = new(StringComparer.Ordinal);
    private readonly List<string> _skipped = [];

    [Fact]
    public void Every_recorded_transcript_is_accounted_for_once()
    {
        var lives = LifeCycleTranscriptTests.Lives.Select(l => l.Data.Item1);
        var all = NotReplayed.Keys.Concat(Replayed).Concat(WordForWord).Concat(lives).ToList();

        Assert.Equal(all.Count, all.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(47, all.Count); // as many as there are recordings
        var here = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Estate", "Transcripts")).Select(f => Path.GetFileName(f).Split('.')[0]);
        Assert.Equal(all.Except(NotReplayed.Keys).Order(StringComparer.Ordinal), here.Order(StringComparer.Ordinal));
    }

    /// <param name="file">The transcript.</param>
    /// <param name="compared">How many exchanges are compared.</param>
    /// <param name="skipped">How many are not, each for a reason that is printed.</param>
    [Theory]
    [InlineData("api-errors", 43, 2)]
    [InlineData("lease", 14, 0)]
    [InlineData("token-review", 29, 1)]
    [InlineData("resource-quota", 14, 1)]
    [InlineData("pod-security-restricted", 13, 1)]
    [InlineData("watch", 14, 3)]
    [InlineData("resource-expired-410", 7, 1)]
    [InlineData("rbac-and-access-reviews", 30, 1)]
    [InlineData("services-and-endpointslices", 8, 6)]
    [InlineData("discovery", 6, 10)]
    public async Task A_recording_is_answered_as_it_was(string file, int compared, int skipped)
    {
        await using var cluster = await KubernetesCluster.StartAsync(new() { TimeProvider = _clock, StepEvery = null, Timing = NodeTiming.Recorded }, TestContext.Current.CancellationToken);
        var exchanges = Exchange.Read(file);
        MakeNamespaces(cluster, exchanges);
        var watches = new List<Exchange>();
        var failures = new List<string>();
        var count = 0;
        var at = 0L;
        foreach (var exchange in exchanges)
        {
            LetPass(cluster, exchange.At - at);
            at = exchange.At;
            if (file == "resource-expired-410" && count < 2)
            {
                PlayCompaction(cluster, count);
            }

            if (WhySkipped(file, exchange) is { } why)
            {
                _skipped.Add($"{exchange}: {why}");
            }
            else if (exchange.Line.At("response", "stream") is not null)
            {
                watches.Add(exchange);
            }
            else
            {
                count++;
                if (Compare(cluster, exchange) is { } failure)
                {
                    failures.Add(failure);
                }
            }
        }

        foreach (var watch in watches)
        {
            count++;
            if (await CompareWatchAsync(cluster, watch) is { } failure)
            {
                failures.Add(failure);
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', _skipped));
        Assert.True(failures.Count == 0, string.Join("\n\n", failures));
        Assert.Equal((compared, skipped), (count, _skipped.Count));
    }

    private static string? WhySkipped(string file, Exchange exchange)
    {
        var path = ApiPath.Parse(exchange.Path);
        var accept = exchange.Line.Text("request", "headers", "accept") ?? "";
        return file switch
        {
            _ when accept.Contains("as=", StringComparison.Ordinal) => "tables and aggregated discovery are not served",
            "watch" when exchange.Query.Contains("watch=true", StringComparison.Ordinal) && exchange.Status == 200 && path?.Name.Length == 0
                && (!exchange.Query.Contains("resourceVersion=", StringComparison.Ordinal) || exchange.Query.Contains("resourceVersion=0", StringComparison.Ordinal))
                => "begins with what there is, and at the replay's end that is something else: KubernetesServerTests",
            "resource-expired-410" when exchange.Line.Text("note")?.Contains("watch cache still holds", StringComparison.Ordinal) == true => "the double has no cache apart from its history",
            _ when exchange.Status == 401 => "tokens are checked before the API: KubernetesServerTests, KubernetesClusterTests",
            "rbac-and-access-reviews" when path?.Resource == "selfsubjectreviews" && exchange.Line.Text("request", "identity") is null => "the recording's admin has a client certificate",
            "discovery" when path is null && exchange.Path is not ("/api" or "/apis" or "/version" or "/api/v1") && exchange.Status != 404 && !ServedHealth(exchange) => "only discovery, health and version are served of what is no resource",
            "discovery" when exchange.Path is "/apis" or "/api/v1" or "/apis/apps/v1" => "the double serves fewer resources than a real server",
            "services-and-endpointslices" when path?.Resource is "endpoints" or "endpointslices" => "this cluster has no endpoints controller; the estate's: ClusterTests",
            "pod-security-restricted" when path?.Resource == "replicasets" && exchange.Method == "GET" => "annotations of the rollout's size are not written",
            "resource-quota" when path?.Resource == "events" => "events of different pods: which came by then is timing",
            "api-errors" when exchange.Method == "GET" && path is { Resource: "deployments", Name: "web" } && exchange.Status == 200 => "read before the controller wrote its status",
            _ => null,
        };
    }

    /// <summary>What the recorder did outside the recording: five objects before the first list, then writes and a compaction.</summary>
    private static void PlayCompaction(KubernetesCluster cluster, int compared)
    {
        for (var i = 0; i < 5 && compared == 0; i++)
        {
            cluster.Create(new() { ["kind"] = "ConfigMap", ["apiVersion"] = "v1", ["metadata"] = new JsonObject { ["name"] = $"cm-{i}", ["namespace"] = "gone-a" } });
        }

        if (compared > 0)
        {
            cluster.Store.Update(ResourceTypes.ConfigMaps, cluster.Store.Get(ResourceTypes.ConfigMaps, "gone-a", "cm-4")!.With(c => c["data"] = new JsonObject { ["i"] = "2" }));
            cluster.Compact();
        }
    }

    private static bool ServedHealth(Exchange exchange) => exchange.Path is "/healthz" or "/livez" or "/readyz" && exchange.Query.Length == 0;

    private static void MakeNamespaces(KubernetesCluster cluster, IReadOnlyList<Exchange> exchanges)
    {
        var made = exchanges.Where(e => e.Method == "POST" && e.Path == "/api/v1/namespaces" && e.Status == 201).Select(e => e.Line.Text("request", "body", "metadata", "name"));
        foreach (var ns in exchanges.Select(e => ApiPath.Parse(e.Path)?.Namespace ?? "").Where(n => n.Length > 0).Distinct().Except(made).Except(["nowhere", "default", "kube-system"]))
        {
            var labels = ns == "psa-b" ? new JsonObject { ["pod-security.kubernetes.io/enforce"] = "baseline", ["pod-security.kubernetes.io/warn"] = "restricted" } : [];
            cluster.Create(new() { ["kind"] = "Namespace", ["apiVersion"] = "v1", ["metadata"] = new JsonObject { ["name"] = ns, ["labels"] = labels } });
        }
    }

    private void LetPass(KubernetesCluster cluster, long milliseconds)
    {
        for (var left = milliseconds; left > 0; left -= 50)
        {
            _clock.Advance(TimeSpan.FromMilliseconds(Math.Min(50, left)));
            cluster.Step();
        }
    }

    private string? Compare(KubernetesCluster cluster, Exchange exchange)
    {
        var answer = cluster.Api.Answer(Request(cluster, exchange));
        var text = Encoding.UTF8.GetString(answer.Content);
        if (answer.Status != exchange.Status)
        {
            return $"{exchange}\n  expected {exchange.Status}: {exchange.Body?.Compacted() ?? exchange.BodyText}\n  was {answer.Status}: {text}";
        }

        if (exchange.Body is not { } expected)
        {
            return exchange.BodyText.Length == 0 || exchange.BodyText == text ? null : $"{exchange}\n  expected {exchange.BodyText}\n  was {text}";
        }

        var actual = (JsonObject)JsonNode.Parse(text)!;
        Learn(expected, actual);
        if (expected.Text("kind") == "Status" && expected.Text("status") == "Failure")
        {
            var wanted = Substituted(expected.Compacted());
            wanted = Current.Replace(wanted, Current.Match(actual.Compacted()).Value);
            return JsonNode.DeepEquals(JsonNode.Parse(wanted), actual) ? null : $"{exchange}\n  expected {wanted}\n  was      {actual.Compacted()}";
        }

        var (left, right) = (Shape.Of(expected), Shape.Of(actual));
        return left.SequenceEqual(right) ? null : $"{exchange}\n  missing: {string.Join("; ", left.Except(right))}\n  too much: {string.Join("; ", right.Except(left))}";
    }

    private async Task<string?> CompareWatchAsync(KubernetesCluster cluster, Exchange watch)
    {
        var answer = cluster.Api.Answer(Request(cluster, watch));
        var http = new DefaultHttpContext();
        using var lines = new MemoryStream();
        http.Response.Body = lines;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var running = answer.Stream!(http.Response, stop.Token);
        for (var i = 0; i < 200 && !running.IsCompleted; i++)
        {
            _clock.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }

        await stop.CancelAsync(); // a watch without a time-out was ended by its client
        await running.ContinueWith(_ => { }, TaskScheduler.Default);
        var actual = Encoding.UTF8.GetString(lines.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => (JsonObject)JsonNode.Parse(l)!).Where(l => l.Text("type") != "BOOKMARK").ToList();
        var expected = watch.Line.Objects("response", "stream").Select(e => (JsonObject)e["event"]!).Where(e => e.Text("type") != "BOOKMARK").ToList();
        string Shown(JsonObject e) => $"{e.Text("type")} {e.Text("object", "metadata", "name")} {e.Text("object", "reason")} {string.Join(',', Shape.Of((JsonObject)e["object"]!))}";

        // The recorded watch ended before the recording did; this one sees all there was.
        var (left, right) = (expected.Select(Shown).ToList(), actual.Select(Shown).Take(expected.Count).ToList());
        return left.SequenceEqual(right) ? null : $"{watch}\n  expected\n    {string.Join("\n    ", left)}\n  was\n    {string.Join("\n    ", right)}";
    }

    private ApiRequest Request(KubernetesCluster cluster, Exchange exchange)
    {
        var body = exchange.Line.At("request", "body")?.Compacted() ?? exchange.Line.Text("request", "body_text") ?? "";
        if (exchange.Line.Text("note")?.StartsWith("MicroTime", StringComparison.Ordinal) == true)
        {
            // The recorder wrote down a later state of this body; the answer quotes what was sent.
            body = body.Replace("\"renewTime\":\"2026-01-01T00:00:30.500000Z\"", "\"renewTime\":\"2026-01-01T00:00:30.5Z\"", StringComparison.Ordinal);
        }

        // What the recorder cut short.
        body = body.Replace("\"xxx...\"", $"\"{new string('x', (1024 * 1024) + 1)}\"", StringComparison.Ordinal);
        if (body.Contains("placeholder-token-2", StringComparison.Ordinal) && !_actual.ContainsKey("placeholder-token-2"))
        {
            _actual["placeholder-token-2"] = cluster.PodToken("token-b", "sbx-0002", "incidentfox-gateway")!;
        }

        var name = exchange.Line.Text("request", "identity");
        string[] groups = ["system:serviceaccounts", "system:authenticated"];
        var identity = name switch
        {
            null => new("admin", [Grant.OfPaths("/*"), new(["*"], ["*"], ["*"])]),
            "system:anonymous" => Identity.Anonymous,
            "system:serviceaccount:rbac-a:reader" => cluster.Authenticate(_actual["placeholder-token-1"]),
            _ => new Identity(name, RoleGrants.Of(cluster.Store, name, groups)),
        };
        return new(
            exchange.Method, Substituted(exchange.Path), Substituted(exchange.Query), exchange.Line.Text("request", "headers", "content-type") ?? "",
            exchange.Line.Text("request", "headers", "accept") ?? "", Encoding.UTF8.GetBytes(Substituted(body)), identity);
    }

    /// <summary>Remembers what stands here for a uid, a version, a generated name or a token of the recording.</summary>
    private void Learn(JsonObject expected, JsonObject actual)
    {
        foreach (var path in (string[][])[["metadata", "uid"], ["metadata", "resourceVersion"], ["metadata", "continue"], ["status", "token"]])
        {
            if (expected.Text(path) is { Length: > 0 } recorded && actual.Text(path) is { Length: > 0 } here)
            {
                _actual.TryAdd(recorded, here);
            }
        }

        if (expected.Text("kind") == "TokenReview")
        {
            return; // its metadata is empty
        }

        foreach (var item in expected.Objects("items"))
        {
            if (actual.Objects("items").FirstOrDefault(i => i.Name() == item.Name()) is { } same)
            {
                Learn(item, same);
            }
        }
    }

    private string Substituted(string text)
    {
        // Longest first: one token's name begins as another's.
        foreach (var (recorded, here) in _actual.OrderByDescending(a => a.Key.Length))
        {
            text = recorded.Length < 8
                ? Regex.Replace(text, $@"(?<=(resourceVersion""?[:=]""?|record \()){recorded}\b", here, RegexOptions.None, TimeSpan.FromSeconds(1))
                : text.Replace(recorded, here, StringComparison.Ordinal);
        }

        return text;
    }
}
