using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Cluster;
using IncidentFox.Workbench.Estate.Cluster.RealPods;
using IncidentFox.Workbench.Estate.Kubernetes;
using Xunit;

namespace IncidentFox.Workbench.Tests.Estate;

/// <summary>Pods that really run: the agent as it ships, told what to try by its mode <c>conform</c>. Takes root, as in CI.</summary>
public sealed class RealPodTests
{
    private const string Ns = "boxes", Image = "incidentfox-agent:test";

    [Fact]
    public async Task A_pod_reaches_what_its_policies_allow_and_nothing_else_a_moment_after_its_start()
    {
        await using var cluster = await ClusterAsync(enforcedAfter: TimeSpan.FromSeconds(3));
        using var gateway = Listen(cluster);
        using var other = Listen(cluster);
        cluster.Create(Policy("deny", """{"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}"""));
        cluster.Create(Policy("gateway", $$"""{"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "{{cluster.Kubelet!.HostAddress}}/32"} }], "ports": [{"protocol": "TCP", "port": {{Port(gateway)}} }]}]}"""));
        cluster.Create(Pod("caged", $"reach={gateway.LocalEndpoint},{other.LocalEndpoint}"));

        var said = await EndOfAsync(cluster, "caged");

        Assert.True(other.Pending(), "Nothing reached the other address before the policies were enforced.");
        Assert.Equal([gateway.LocalEndpoint.ToString()], Names(said, "reach", "reached"));
    }

    [Fact]
    public async Task Without_enforcement_a_pod_reaches_this_machine_and_the_cluster_says_that_its_cage_is_played()
    {
        await using var cluster = await ClusterAsync(enforcedAfter: null);
        using var other = Listen(cluster);
        cluster.Create(Policy("deny", """{"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}"""));
        cluster.Create(Pod("free", $"reach={other.LocalEndpoint}"));
        Assert.Equal([other.LocalEndpoint.ToString()], Names(await EndOfAsync(cluster, "free"), "reach", "reached"));
        Assert.Contains("caged", cluster.Find("RuntimeClass", "", "gvisor").Text("metadata", "annotations", RealKubelet.SimulatesAnnotation)!.Split(','));
    }

    [Fact]
    public async Task A_pod_is_a_user_without_rights_that_can_write_to_its_tmp_alone()
    {
        await using var cluster = await ClusterAsync();
        cluster.Create(Pod("plain", "look", "write=/new,/var/run/incidentfox/new,/tmp/new", "disk=/tmp/big:64"));
        var said = await EndOfAsync(cluster, "plain");
        Assert.Equal(["/tmp/new"], Names(said, "write", "written"));
        Assert.Contains("10001", Act(said, "look").ToJsonString(), StringComparison.Ordinal);
        Assert.Equal(SandboxPod.Audience, Act(said, "look").Text("token_audience"));
        Assert.True(Act(said, "disk").Number("mib") is > 0 and <= 16, said);
    }

    [Fact]
    public async Task A_pod_that_takes_too_much_memory_is_killed_or_the_cluster_says_that_it_only_plays_that()
    {
        await using var cluster = await ClusterAsync();
        if (cluster.Kubelet!.Simulated.Contains("memory held"))
        {
            return;
        }

        cluster.Create(Pod("greedy", "memory=1024"));
        await EndOfAsync(cluster, "greedy");
        var ended = cluster.Find("Pod", Ns, "greedy").Objects("status", "containerStatuses").Single().At("state", "terminated");
        Assert.Equal(("OOMKilled", 128), (ended.Text("reason"), ended.Number("exitCode")));
    }

    [Fact]
    public async Task A_pod_that_ignores_its_deadline_is_killed()
    {
        await using var cluster = await ClusterAsync();
        cluster.Create(Pod("deaf", pod => pod["spec"]!["activeDeadlineSeconds"] = 3, "wait"));
        await EndOfAsync(cluster, "deaf");
        var pod = cluster.Find("Pod", Ns, "deaf");
        Assert.Equal("DeadlineExceeded", pod.Text("status", "reason"));
        Assert.Equal(137, pod.Objects("status", "containerStatuses").Single().At("state", "terminated").Number("exitCode"));
    }

    [Fact]
    public async Task Nothing_is_left_of_a_pod_that_is_gone_nor_of_a_cluster()
    {
        await using (var cluster = await ClusterAsync())
        {
            cluster.Create(Pod("one", "wait"));
            cluster.Create(Pod("two", "wait"));
            await UntilAsync(() => Log(cluster, "one").Contains("wait", StringComparison.Ordinal) && Log(cluster, "two").Contains("wait", StringComparison.Ordinal), "both pods to run");
            Assert.Equal(3, Namespaces().Count); // the node's and theirs
            cluster.Delete("Pod", Ns, "one");
            await UntilAsync(() => Namespaces().Count == 2 && Folders(cluster).Count == 1, "the first pod's namespace and folder to go");
        }

        Assert.Empty(Namespaces());
        Assert.DoesNotContain(File.ReadLines("/proc/mounts"), line => line.Contains($"ifxk-{Environment.ProcessId}-", StringComparison.Ordinal));
        Assert.Empty(Directory.GetDirectories("/sys/fs/cgroup", $"ifxk-{Environment.ProcessId}-*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 2 }));
        Assert.DoesNotContain(Directory.GetDirectories("/sys/class/net"), link => Path.GetFileName(link).StartsWith("ifxk", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_a_killed_process_left_is_removed_by_the_next_one()
    {
        const string Left = "ifxk-999999999-left"; // no process has such a number
        var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), Left));
        Assert.Null(await Tool.IpAsync(null, $"netns add {Left}"));
        await using var cluster = await ClusterAsync();
        Assert.False(Directory.Exists(folder.FullName));
        Assert.False(File.Exists($"/run/netns/{Left}"));
    }

    [Theory]
    [InlineData("""{"podSelector": {"matchLabels": {"a": "2"}}, "policyTypes": ["Egress"]}""", null)]
    [InlineData("""{"podSelector": {}, "policyTypes": ["Egress"]}""", "")]
    [InlineData("""{"podSelector": {"matchLabels": {"a": "1"}}, "policyTypes": ["Egress"], "egress": [{}]}""", "0.0.0.0/0  -")]
    [InlineData("""{"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "10.1.0.0/16"}}], "ports": [{"port": 443}, {"protocol": "UDP", "port": 1, "endPort": 9}]}]}""", "10.1.0.0/16 tcp 443-;10.1.0.0/16 udp 1-9")]
    [InlineData("""{"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": "10.1.0.0/16", "except": ["10.1.2.0/24"]}}]}]}""", "")]
    [InlineData("""{"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"namespaceSelector": {"matchLabels": {"n": "gw"}}, "podSelector": {"matchLabels": {"a": "3"}}}], "ports": [{"port": "https"}, {"port": 8443}]}]}""", "10.0.0.3/32 tcp 8443-")]
    [InlineData("""{"podSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["1"]}]}, "policyTypes": ["Egress"], "egress": [{"to": [{"podSelector": {}}]}]}""", "10.0.0.1/32  -")]
    public void What_a_policy_allows_is_read_as_Kubernetes_reads_it(string policy, string? ways)
    {
        static JsonObject At(string ns, string label, string ip) => (JsonObject)JsonNode.Parse($$"""{"metadata": {"namespace": "{{ns}}", "name": "p{{label}}", "labels": {"a": "{{label}}"} }, "status": {"podIP": "{{ip}}"} }""")!;
        var pod = At(Ns, "1", "10.0.0.1");
        var traffic = PodTraffic.Of(pod, [Policy("one", policy)], [pod, At("gw", "3", "10.0.0.3"), At("gw", "4", "10.0.0.4")],
            [(JsonObject)JsonNode.Parse("""{"metadata": {"name": "gw", "labels": {"n": "gw"}}}""")!, (JsonObject)JsonNode.Parse("""{"metadata": {"name": "boxes"}}""")!]);
        Assert.Null(traffic.Ingress);
        Assert.Equal(ways, traffic.Egress is null ? null : string.Join(';', traffic.Egress.Select(w => $"{w.Cidr} {w.Protocol} {w.Port}-{w.LastPort}")));
    }

    [Fact]
    public async Task A_token_is_renewed_at_four_fifths_of_its_life_and_a_changed_authority_is_taken_over()
    {
        var clock = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var cluster = await KubernetesCluster.StartAsync(new() { TimeProvider = clock }, TestContext.Current.CancellationToken);
        Prepare(cluster);
        var pod = cluster.Create(Pod("any", "wait"));
        var folder = Directory.CreateTempSubdirectory().FullName;
        var files = new PodFiles(cluster, clock, pod, folder, 0);
        string Read(string file) => File.ReadAllText(Path.Combine(files.FolderOf("identity"), file));
        files.Refresh();
        var first = Read("token");
        clock.Advance(TimeSpan.FromSeconds(479));
        files.Refresh();
        Assert.Equal(first, Read("token"));
        clock.Advance(TimeSpan.FromSeconds(2));
        cluster.Delete("ConfigMap", Ns, "incidentfox-gateway-ca");
        cluster.Create(Authority("another"));
        files.Refresh();
        Assert.NotEqual(first, Read("token"));
        Assert.Equal("another", Read("ca.crt"));
        Assert.Equal(UnixFileMode.UserRead, File.GetUnixFileMode(Path.Combine(files.FolderOf("identity"), "token")));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_pod_whose_authority_is_missing_does_not_start_and_an_unknown_image_is_played()
    {
        await using var cluster = await ClusterAsync();
        cluster.Delete("ConfigMap", Ns, "incidentfox-gateway-ca");
        cluster.Create(Pod("held", "wait"));
        cluster.Create(Pod("played", pod => pod["spec"]!["containers"]![0]!["image"] = "another:1", "wait"));
        await UntilAsync(() => cluster.List("Event", Ns).Any(e => e.Text("reason") == "FailedMount"), "the kubelet to say what is missing");
        await UntilAsync(() => cluster.Find("Pod", Ns, "played").Text("status", "phase") == "Running", "the other pod to be played");
        Assert.Equal("Pending", cluster.Find("Pod", Ns, "held").Text("status", "phase"));
        Assert.Single(Namespaces());
    }

    private static async Task<KubernetesCluster> ClusterAsync(TimeSpan? enforcedAfter) => Prepare(await KubernetesCluster.StartAsync(
        new() { RealPods = new() { Images = new Dictionary<string, string> { [Image] = AgentPath() }, PoliciesEnforcedAfter = enforcedAfter } }, TestContext.Current.CancellationToken));

    private static Task<KubernetesCluster> ClusterAsync() => ClusterAsync(TimeSpan.FromMilliseconds(800));

    private static KubernetesCluster Prepare(KubernetesCluster cluster)
    {
        cluster.Create(new() { ["kind"] = "Namespace", ["apiVersion"] = "v1", ["metadata"] = new JsonObject { ["name"] = Ns } });
        cluster.Create(Authority("authority"));
        return cluster;
    }

    private static JsonObject Authority(string content) => new()
    {
        ["kind"] = "ConfigMap", ["apiVersion"] = "v1", ["metadata"] = new JsonObject { ["name"] = "incidentfox-gateway-ca", ["namespace"] = Ns }, ["data"] = new JsonObject { ["ca.crt"] = content },
    };

    private static JsonObject Policy(string name, string spec) => new()
    {
        ["kind"] = "NetworkPolicy", ["apiVersion"] = "networking.k8s.io/v1", ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = Ns }, ["spec"] = JsonNode.Parse(spec),
    };

    private static JsonObject Pod(string name, params string[] acts) => Pod(name, _ => { }, acts);

    private static JsonObject Pod(string name, Action<JsonObject> change, params string[] acts) => SandboxPod.Named(name, pod =>
    {
        pod["metadata"]!["namespace"] = Ns;
        var container = (JsonObject)pod["spec"]!["containers"]![0]!;
        container.Remove("command");
        container["image"] = Image;
        container["args"] = new JsonArray(["conform", "/none", .. acts.Select(a => (JsonNode)a)]);
        ((JsonArray)pod["spec"]!["volumes"]![0]!["projected"]!["sources"]!).Add(JsonNode.Parse("""{"configMap": {"name": "incidentfox-gateway-ca", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}"""));
        change(pod);
    });

    private static TcpListener Listen(KubernetesCluster cluster)
    {
        var listener = new TcpListener(cluster.Kubelet!.HostAddress, 0);
        listener.Start();
        return listener;
    }

    private static int Port(TcpListener listener) => ((IPEndPoint)listener.LocalEndpoint).Port;

    private static async Task<string> EndOfAsync(KubernetesCluster cluster, string pod)
    {
        await UntilAsync(() => cluster.Find("Pod", Ns, pod).Text("status", "phase") is "Succeeded" or "Failed", $"pod {pod} to end; it said {Log(cluster, pod)}");
        return Log(cluster, pod);
    }

    private static string Log(KubernetesCluster cluster, string pod) => cluster.Find("Pod", Ns, pod) is { } there ? cluster.LogOf(there.Uid()) : "";

    private static JsonObject Act(string said, string act) =>
        said.Split('\n').Where(l => l.StartsWith('{')).Select(l => (JsonObject)JsonNode.Parse(l)!).FirstOrDefault(l => l.Text("act") == act) ?? throw new InvalidOperationException($"No act {act} in: {said}");

    private static IEnumerable<string?> Names(string said, string act, string property) => ((JsonArray)Act(said, act)[property]!).Select(n => n.Text());

    private static List<string> Namespaces() => Directory.Exists("/run/netns") ? [.. Directory.GetFiles("/run/netns", $"ifxk-{Environment.ProcessId}-*")] : [];

    private static List<string> Folders(KubernetesCluster cluster) => [.. Directory.GetDirectories(cluster.Kubelet!.Folder)];

    private static async Task UntilAsync(Func<bool> condition, string what)
    {
        for (var since = TimeProvider.System.GetTimestamp(); !condition(); await Task.Delay(50, TestContext.Current.CancellationToken))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(since) < TimeSpan.FromSeconds(60), $"Not seen within 60 s: {what}");
        }
    }

    private static string AgentPath()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Makefile")))
            {
                var agent = Path.Combine(folder.FullName, "artifacts", "agent", "incidentfox-agent");
                return File.Exists(agent) ? agent : throw new InvalidOperationException($"{agent} is not there: run make agent.");
            }
        }

        throw new InvalidOperationException("This is no checkout.");
    }
}
