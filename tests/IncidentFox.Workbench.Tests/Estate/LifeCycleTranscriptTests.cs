using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Cluster;
using IncidentFox.Workbench.Estate.Kubernetes;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace IncidentFox.Workbench.Tests.Estate;

/// <summary>
/// Recorded pods live again: the same manifest, the same cause. A watch must see the same states in the same order, the last object must have the
/// recorded shape and conditions, and the same things must have been reported as events.
/// </summary>
public sealed class LifeCycleTranscriptTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);

    public static TheoryData<string, PodProgram> Lives => new()
    {
        { "pod-sandbox-lifecycle", PodProgram.Exits(0, TimeSpan.FromSeconds(4)) },
        { "pod-fails-exit-code", PodProgram.Exits(3, Soon) },
        { "pod-fails-exit-code-gvisor", PodProgram.Exits(3, Soon) },
        { "pod-oomkilled", PodProgram.RunsOutOfMemory(Soon) },
        { "pod-oomkilled-gvisor", PodProgram.RunsOutOfMemory(Soon) },
        { "pod-active-deadline-exceeded", PodProgram.RunsUntilDeleted },
        { "pod-evicted-emptydir-limit", PodProgram.IsEvicted(Soon, "Usage of EmptyDir volume \"s\" exceeds the limit \"4Mi\". ") },
        { "pod-evicted-ephemeral-storage", PodProgram.IsEvicted(Soon, "Pod ephemeral local storage usage exceeds the total limit of containers 8Mi. ") },
        { "pod-image-pull", PodProgram.ImageCannotBePulled },
        { "pod-unschedulable-selector", PodProgram.RunsUntilDeleted },
        { "pod-unschedulable-cpu", PodProgram.IsUnschedulable("1 Insufficient cpu.") },
        {
            "pod-invalid-image-name",
            PodProgram.HasInvalidImageName("Failed to apply default image tag \"registry.example/Shop/checkout:9.9.9\": couldn't parse image name \"registry.example/Shop/checkout:9.9.9\": invalid reference format: repository name (Shop/checkout) must be lowercase")
        },
        { "pod-image-never-pull", PodProgram.ImageIsNeverPulled("registry.example/shop/absent:1") },
        { "pod-missing-configmap", PodProgram.IsMisconfigured("registry.example/debian:12", "configmap \"app-settings\" not found") },
        { "pod-missing-secret-key", PodProgram.IsMisconfigured("registry.example/debian:12", "couldn't find key password in Secret missing-b/app-secret") },
        { "pod-run-as-root-refused", PodProgram.IsMisconfigured("registry.example/debian:12", "container has runAsNonRoot and image will run as root (pod: \"rooty\", container: main)") },
        { "pod-missing-configmap-volume", PodProgram.NeverStarts("FailedMount", "MountVolume.SetUp failed for volume \"c\" : configmap \"app-settings\" not found") },
        {
            "pod-command-not-found",
            PodProgram.FailsToStart("failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"/no/such/binary\": stat /no/such/binary: no such file or directory: unknown")
        },
    };

    [Theory]
    [MemberData(nameof(Lives))]
    public async Task A_recorded_pod_lives_again(string file, PodProgram program)
    {
        var exchanges = Exchange.Read(file);
        var made = exchanges.Last(e => e.Method == "POST" && e.Path.EndsWith("/pods", StringComparison.Ordinal));
        var manifest = (JsonObject)made.Line.At("request", "body")!;
        var recorded = exchanges.SelectMany(e => e.Line.Objects("response", "stream")).Select(e => (JsonObject)e.At("event", "object")!)
            .Where(o => o.Text("kind") == "Pod" && o.Text("metadata", "deletionTimestamp") is null).ToList();
        var clock = new FakeTimeProvider(DateTimeOffset.Parse("2026-11-22T13:22:28Z"));
        await using var cluster = await KubernetesCluster.StartAsync(
            new() { TimeProvider = clock, StepEvery = null, Timing = NodeTiming.Recorded, Program = _ => program }, TestContext.Current.CancellationToken);
        var ns = ApiPath.Parse(made.Path)!.Namespace;
        cluster.Create(new() { ["kind"] = "Namespace", ["apiVersion"] = "v1", ["metadata"] = new JsonObject { ["name"] = ns } });
        var from = cluster.Store.Version;

        var created = cluster.Create(manifest.With(m => m.Child("metadata")["namespace"] = ns));
        for (var i = 0; i < 400; i++)
        {
            cluster.Step();
            clock.Advance(TimeSpan.FromMilliseconds(100));
        }

        var seen = cluster.Store.Since(from)!.Where(c => c.Type == ResourceTypes.Pods).Select(c => c.Object).ToList();
        var expected = States(recorded).Take(file == "pod-image-pull" ? 4 : int.MaxValue).ToList();
        var actual = States(seen).Take(expected.Count + (file == "pod-fails-exit-code-gvisor" ? 1 : 0)).Where(s => expected.Contains(s) || s != "running").ToList();
        Assert.Equal(expected, actual);
        Assert.Equal(Shape.Of(made.Body!), Shape.Of(created));
        if (file != "pod-image-pull")
        {
            Assert.Equal(Summary(recorded[^1]), Summary(seen[^1]));
            Assert.Equal(Shape.Of(recorded[^1]), Shape.Of(seen[^1]));
        }

        var events = exchanges.Single(e => e.Path.EndsWith("/events", StringComparison.Ordinal) && e.Status == 200).Body.Objects("items").Where(e => e.Text("reason") != "MissingClusterDNS").Select(Event).Distinct().Order(StringComparer.Ordinal);
        Assert.Equal(events, cluster.List("Event", ns).Select(Event).Distinct().Order(StringComparer.Ordinal));
    }

    /// <summary>Container states in the order seen; one that is seen again at once is seen once.</summary>
    private static IEnumerable<string> States(IEnumerable<JsonObject> pods)
    {
        var last = "";
        foreach (var state in pods.Select(State).Where(s => s != last))
        {
            last = state;
            yield return state;
        }
    }

    private static string State(JsonObject pod)
    {
        var state = pod.Objects("status", "containerStatuses").FirstOrDefault()?["state"];
        return state.Text("waiting", "reason")
            ?? (state.At("running") is not null ? "running" : state.At("terminated") is { } ended ? $"{ended.Text("reason")} {ended.Number("exitCode")}"
            : pod.Text("spec", "nodeName") is null ? "no node" : "bound");
    }

    private static string Summary(JsonObject pod) => string.Join(
        '\n', [
            $"{pod.Text("status", "phase")} {pod.Text("status", "reason")} {pod.Text("status", "message")} {State(pod)}",
            .. pod.Objects("status", "conditions").Select(c => $"{c.Text("type")} {c.Text("status")} {c.Text("reason")} {c.Text("message")}"),
        ]);

    private static string Event(JsonObject e) => $"{e.Text("type")} {e.Text("reason")}";
}
