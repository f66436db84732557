using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Cluster;
using IncidentFox.Workbench.Estate.Kubernetes;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace IncidentFox.Workbench.Tests.Estate;

/// <summary>The cluster for tests: what a pod goes through, who is let in, what admission refuses, what goes wrong on demand.</summary>
public sealed class KubernetesClusterTests : IAsyncLifetime
{
    private const string Pods = "/api/v1/namespaces/sandboxes/pods";
    private const string Reviews = "/apis/authentication.k8s.io/v1/tokenreviews";
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.Parse("2026-11-22T13:22:28Z"));
    private readonly Dictionary<string, PodProgram> _programs = [];
    private KubernetesCluster _cluster = null!;
    private KubernetesClient _admin = null!;

    public async ValueTask InitializeAsync()
    {
        _cluster = await KubernetesCluster.StartAsync(
            new() { TimeProvider = _clock, StepEvery = null, Program = p => _programs.GetValueOrDefault(p.Name, PodProgram.RunsUntilDeleted) },
            TestContext.Current.CancellationToken);
        _admin = new(_cluster.Url, _cluster.AdminToken);
        _cluster.Create(new() { ["kind"] = "Namespace", ["apiVersion"] = "v1", ["metadata"] = new JsonObject { ["name"] = "sandboxes" } });
    }

    public async ValueTask DisposeAsync()
    {
        _admin.Dispose();
        await _cluster.DisposeAsync();
    }

    [Fact]
    public async Task A_created_pod_is_filled_in_as_recorded()
    {
        var reply = await _admin.SendAsync("POST", Pods, SandboxPod.Named("sbx-0001"));

        Assert.True(reply.Status == 201, reply.Text);
        var spec = (JsonObject)reply.Json["spec"]!;
        Assert.Equal(("default", "default", "default-scheduler", "PreemptLowerPriority"), (spec.Text("serviceAccountName"), spec.Text("serviceAccount"), spec.Text("schedulerName"), spec.Text("preemptionPolicy")));
        Assert.Equal(2, spec.Objects("tolerations").Count());
        Assert.False(spec.ContainsKey("hostNetwork"));
        Assert.Equal("IfNotPresent", spec.Objects("containers").Single().Text("imagePullPolicy"));
        Assert.Equal("""{"phase":"Pending","qosClass":"Burstable"}""", reply.Json["status"]!.ToJsonString());
        Assert.Equal(1, reply.Json.Number("metadata", "generation"));
        Assert.Equal(409, (await _admin.SendAsync("POST", Pods, SandboxPod.Named("sbx-0001"))).Status);
        Assert.Equal("namespaces \"nowhere\" not found", (await _admin.SendAsync("POST", "/api/v1/namespaces/nowhere/pods", SandboxPod.Named("x"))).Json.Text("message"));
    }

    [Fact]
    public void A_pod_goes_through_the_recorded_states_one_event_each()
    {
        _programs["sbx"] = PodProgram.Exits(0, TimeSpan.FromSeconds(4), "finished");
        _cluster.Create(InSandboxes(SandboxPod.Named("sbx")));

        Assert.Equal("Pending/no node", Shown("sbx"));
        Assert.Equal("Pending/PodScheduled", Shown("sbx", step: true));
        Assert.Equal("Pending/ContainerCreating", Shown("sbx", step: true));
        Assert.Equal("Running/running", Shown("sbx", step: true));
        _clock.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal("Running/Completed 0", Shown("sbx", step: true));
        Assert.Equal("Succeeded/Completed 0", Shown("sbx", step: true));
        Assert.Equal(["Scheduled", "Pulled", "Created", "Started"], _cluster.List("Event", "sandboxes").OrderBy(e => ulong.Parse(e.Text("metadata", "resourceVersion")!)).Select(e => e.Text("reason")));
    }

    public static TheoryData<string, PodProgram, string> Endings => new()
    {
        { "fails", PodProgram.Exits(3, TimeSpan.Zero), "Failed/Error 3" },
        { "memory", PodProgram.RunsOutOfMemory(TimeSpan.Zero), "Failed/OOMKilled 128" },
        { "evicted", PodProgram.IsEvicted(TimeSpan.Zero, "Usage of EmptyDir volume \"tmp\" exceeds the limit \"16Mi\". "), "Failed Evicted/Error 137" },
        { "image", PodProgram.ImageCannotBePulled, "Pending/ErrImagePull" },
        { "nowhere", PodProgram.IsUnschedulable("1 Insufficient cpu."), "Pending/Unschedulable" },
        { "mount", PodProgram.NeverStarts("FailedMount", "MountVolume.SetUp failed for volume \"ca\" : configmap \"incidentfox-gateway-ca\" not found"), "Pending/ContainerCreating" },
    };

    [Theory]
    [MemberData(nameof(Endings))]
    public void Each_way_to_fail_shows_in_the_status(string name, PodProgram program, string shown)
    {
        _programs[name] = program;
        _cluster.Create(InSandboxes(SandboxPod.Named(name)));

        for (var i = 0; i < 8; i++)
        {
            _cluster.Step();
        }

        Assert.Equal(shown, Shown(name));
    }

    [Fact]
    public void The_deadline_ends_a_pod_and_says_so()
    {
        _cluster.Create(InSandboxes(SandboxPod.Named("slow", p => p["spec"]!["activeDeadlineSeconds"] = 60)));
        Run(4);
        Assert.Equal("Running/running", Shown("slow"));

        _clock.Advance(TimeSpan.FromSeconds(61));
        Run(3);

        Assert.Equal("Failed DeadlineExceeded/Error 143", Shown("slow"));
        Assert.Equal("Pod was active on the node longer than the specified deadline", _cluster.Find("Pod", "sandboxes", "slow").Text("status", "message"));
    }

    [Fact]
    public async Task A_deleted_pod_ends_and_its_object_goes()
    {
        _cluster.Create(InSandboxes(SandboxPod.Named("gone")));
        Run(4);
        var uid = _cluster.Find("Pod", "sandboxes", "gone")!.Uid();

        var wrong = await _admin.SendAsync("DELETE", $"{Pods}/gone", DeleteOptions("00000000-0000-0000-0000-000000000000"));
        var right = await _admin.SendAsync("DELETE", $"{Pods}/gone", DeleteOptions(uid));

        Assert.Equal((409, 200), (wrong.Status, right.Status));
        Assert.Equal(2, right.Json.Number("metadata", "deletionGracePeriodSeconds"));
        Run(2);
        Assert.Null(_cluster.Find("Pod", "sandboxes", "gone"));
        Assert.Equal(404, (await _admin.SendAsync("GET", $"{Pods}/gone")).Status);
    }

    [Fact]
    public async Task A_process_that_does_not_end_is_killed_when_its_grace_is_over()
    {
        var process = new StubbornProcess();
        _programs["stubborn"] = PodProgram.Runs(_ => process);
        _cluster.Create(InSandboxes(SandboxPod.Named("stubborn")));
        Run(4);
        await _admin.SendAsync("DELETE", $"{Pods}/stubborn");
        Run(3);
        Assert.True(process.IsStopped);
        Assert.NotNull(_cluster.Find("Pod", "sandboxes", "stubborn"));

        _clock.Advance(TimeSpan.FromSeconds(2));
        Run(2);

        Assert.True(process.IsKilled);
        Assert.Null(_cluster.Find("Pod", "sandboxes", "stubborn"));
    }

    [Fact]
    public async Task A_token_is_its_pods_and_dies_with_it_ten_seconds_late()
    {
        _cluster.Create(InSandboxes(SandboxPod.Named("sbx")));
        Run(4);
        var token = _cluster.PodToken("sandboxes", "sbx", SandboxPod.Audience)!;
        var pod = _cluster.Find("Pod", "sandboxes", "sbx")!;

        var good = await ReviewAsync(token);
        Assert.Equal("system:serviceaccount:sandboxes:default", good.Text("user", "username"));
        Assert.Equal(pod.Uid(), (good.At("user", "extra", "authentication.kubernetes.io/pod-uid") as JsonArray)![0].Text());
        Assert.Equal("[\"incidentfox-gateway\"]", good["audiences"]!.ToJsonString());

        _cluster.Delete("Pod", "sandboxes", "sbx");
        Assert.True((await ReviewAsync(token)).Flag("authenticated"));
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("""{"user":{},"error":"[invalid bearer token, service account token has been invalidated]"}""", (await ReviewAsync(token)).Compacted());

        _cluster.Create(InSandboxes(SandboxPod.Named("sbx")));
        Assert.Contains("does not match service account pod ref claim", (await ReviewAsync(token)).Text("error"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_that_is_not_good_is_not_authenticated_and_says_why()
    {
        _cluster.Create(InSandboxes(SandboxPod.Named("sbx")));
        Run(4);
        var token = _cluster.PodToken("sandboxes", "sbx", SandboxPod.Audience)!;
        var broken = token[..^6] + (token[^6] == 'A' ? "B" : "A") + token[^5..];

        Assert.Equal("invalid bearer token", (await ReviewAsync("garbage")).Text("error"));
        Assert.Equal("[invalid bearer token, go-jose/go-jose: error in cryptographic primitive]", (await ReviewAsync(broken)).Text("error"));
        Assert.Equal(
            "[invalid bearer token, token audiences [\"incidentfox-gateway\"] is invalid for the target audiences [\"other\"]]", (await ReviewAsync(token, "other")).Text("error"));
        Assert.Equal(400, (await _admin.SendAsync("POST", Reviews, Review("", SandboxPod.Audience))).Status);
        using var pod = new KubernetesClient(_cluster.Url, token);
        Assert.Equal(401, (await pod.SendAsync("GET", Pods)).Status);

        _clock.Advance(TimeSpan.FromSeconds(601));
        Assert.Equal("[invalid bearer token, service account token has expired]", (await ReviewAsync(token)).Text("error"));
    }

    [Fact]
    public async Task An_account_may_what_its_roles_grant_and_a_review_says_so()
    {
        _cluster.Create(Manifest("v1", "ServiceAccount", "reader"));
        _cluster.Create(Manifest("rbac.authorization.k8s.io/v1", "Role", "pod-reader", """{"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get","list"]}]}"""));
        _cluster.Create(Manifest(
            "rbac.authorization.k8s.io/v1", "RoleBinding", "pod-reader",
            """{"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"pod-reader"},"subjects":[{"kind":"ServiceAccount","name":"reader","namespace":"sandboxes"}]}"""));
        using var reader = new KubernetesClient(_cluster.Url, _cluster.AccountToken("sandboxes", "reader"));

        Assert.Equal(200, (await reader.SendAsync("GET", Pods)).Status);
        Assert.Equal(403, (await reader.SendAsync("GET", "/api/v1/namespaces/default/pods")).Status);
        Assert.Equal(403, (await reader.SendAsync("POST", Pods, SandboxPod.Named("x"))).Status);
        Assert.Equal(
            """{"allowed":true,"reason":"RBAC: allowed by RoleBinding \"pod-reader/sandboxes\" of Role \"pod-reader\" to ServiceAccount \"reader/sandboxes\""}""",
            await AccessAsync(reader, "list"));
        Assert.Equal("""{"allowed":false}""", await AccessAsync(reader, "delete"));
    }

    [Fact]
    public async Task A_quota_refuses_what_exceeds_it_and_counts_only_pods_that_are_not_over()
    {
        _cluster.Create(Manifest("v1", "ResourceQuota", "team", """{"spec":{"hard":{"pods":"2","limits.memory":"300Mi"}}}"""));
        _programs["one"] = PodProgram.Exits(0, TimeSpan.Zero);
        Assert.Equal(201, (await _admin.SendAsync("POST", Pods, SandboxPod.Named("one"))).Status);
        Assert.Equal(201, (await _admin.SendAsync("POST", Pods, SandboxPod.Named("two"))).Status);

        var third = await _admin.SendAsync("POST", Pods, SandboxPod.Named("three"));
        Assert.Equal(403, third.Status);
        Assert.Equal(
            "pods \"three\" is forbidden: exceeded quota: team, requested: limits.memory=128Mi,pods=1, used: limits.memory=256Mi,pods=2, limited: limits.memory=300Mi,pods=2",
            third.Json.Text("message"));

        Run(6);
        Assert.Equal("Succeeded/Completed 0", Shown("one"));
        Assert.Equal(201, (await _admin.SendAsync("POST", Pods, SandboxPod.Named("three"))).Status);
    }

    [Fact]
    public void A_deployment_whose_pods_are_refused_says_why_and_has_none()
    {
        _cluster.Create(Manifest("v1", "ResourceQuota", "team", """{"spec":{"hard":{"pods":"1"}}}"""));
        _cluster.Create(Manifest(
            "apps/v1", "Deployment", "web",
            """{"spec":{"replicas":2,"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"app","image":"registry.example/web:1"}]}}}}"""));

        Run(6);

        var failure = _cluster.Find("Deployment", "sandboxes", "web").Objects("status", "conditions").Single(c => c.Text("type") == "ReplicaFailure");
        Assert.Equal("FailedCreate", failure.Text("reason"));
        Assert.EndsWith("is forbidden: exceeded quota: team, requested: pods=1, used: pods=1, limited: pods=1", failure.Text("message"), StringComparison.Ordinal);
        Assert.Single(_cluster.List("Pod", "sandboxes"));
        Assert.Single(_cluster.List("Event", "sandboxes"), e => e.Text("reason") == "FailedCreate");

        _cluster.Delete("ResourceQuota", "sandboxes", "team");
        _clock.Advance(TimeSpan.FromSeconds(2));
        Run(6);
        Assert.Equal(2, _cluster.List("Pod", "sandboxes").Count);
        Assert.DoesNotContain(_cluster.Find("Deployment", "sandboxes", "web").Objects("status", "conditions"), c => c.Text("type") == "ReplicaFailure");
    }

    [Fact]
    public async Task Pod_security_and_classes_that_are_not_there_refuse_a_pod()
    {
        _cluster.Create(Manifest("v1", "Namespace", "strict", """{"metadata":{"name":"strict","labels":{"pod-security.kubernetes.io/enforce":"restricted"}}}"""));

        Task<KubernetesReply> SendAsync(Action<JsonObject> change) => _admin.SendAsync("POST", "/api/v1/namespaces/strict/pods", SandboxPod.Named("x", change));
        var host = await SendAsync(p => p["spec"]!["hostNetwork"] = true);
        var runtime = await SendAsync(p => p["spec"]!["runtimeClassName"] = "kata");
        var account = await SendAsync(p => p["spec"]!["serviceAccountName"] = "nobody");

        Assert.Equal("pods \"x\" is forbidden: violates PodSecurity \"restricted:latest\": host namespaces (hostNetwork=true)", host.Json.Text("message"));
        Assert.Equal("pods \"x\" is forbidden: pod rejected: RuntimeClass \"kata\" not found", runtime.Json.Text("message"));
        Assert.Equal("pods \"x\" is forbidden: error looking up service account strict/nobody: serviceaccount \"nobody\" not found", account.Json.Text("message"));
        Assert.All([host, runtime, account], r => Assert.Equal(403, r.Status));
        Assert.Equal(201, (await SendAsync(_ => { })).Status);
    }

    [Fact]
    public async Task Of_many_who_renew_a_lease_from_the_same_version_one_wins()
    {
        const string Leases = "/apis/coordination.k8s.io/v1/namespaces/sandboxes/leases";
        JsonObject Lease(string holder, string? version) => Manifest(
            "coordination.k8s.io/v1", "Lease", "reconciler", """{"spec":{"leaseDurationSeconds":15}}""").With(l =>
        {
            l.Child("spec")["holderIdentity"] = holder;
            l.Child("metadata")["resourceVersion"] = version;
        });
        var made = await _admin.SendAsync("PUT", $"{Leases}/reconciler", Lease("first", null));
        Assert.Equal(201, made.Status);

        var tries = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => _admin.SendAsync("PUT", $"{Leases}/reconciler", Lease($"bot-{i}", made.Json.Text("metadata", "resourceVersion")))));

        Assert.Single(tries, t => t.Status == 200);
        Assert.Equal(19, tries.Count(t => t.Status == 409));
        Assert.Equal(422, (await _admin.SendAsync("PUT", $"{Leases}/reconciler", Lease("late", null))).Status);
    }

    [Fact]
    public async Task Requests_fail_as_told_and_are_carried_out_or_not()
    {
        bool IsCreate(KubernetesRequest r) => r.Method == "POST";
        _cluster.Faults.Next(IsCreate, ApiFault.TooManyRequests);
        _cluster.Faults.Next(IsCreate, ApiFault.AnswerLost);

        var busy = await _admin.SendAsync("POST", Pods, SandboxPod.Named("busy"));
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => _admin.SendAsync("POST", Pods, SandboxPod.Named("lost")));
        var next = await _admin.SendAsync("POST", Pods, SandboxPod.Named("next"));

        Assert.Equal((429, "TooManyRequests", "1"), (busy.Status, busy.Json.Text("reason"), busy.RetryAfter));
        Assert.Equal(201, next.Status);
        Assert.Equal(["lost", "next"], _cluster.List("Pod", "sandboxes").Select(p => p.Name()));
    }

    [Fact]
    public async Task A_watch_sees_events_twice_or_ends_early_as_told_and_is_gone_after_a_compaction()
    {
        var version = (await _admin.GetAsync(Pods)).Text("metadata", "resourceVersion");
        _cluster.Faults.DecideEvent = (_, type, o) => type != "ADDED" ? WatchFault.None : o.Name() == "one" ? WatchFault.Twice : WatchFault.EndAfter;
        _cluster.Create(InSandboxes(SandboxPod.Named("one")));
        _cluster.Create(InSandboxes(SandboxPod.Named("two")));
        _cluster.Create(InSandboxes(SandboxPod.Named("three")));

        var seen = new List<string>();
        await foreach (var line in _admin.LinesAsync($"{Pods}?watch=true&resourceVersion={version}"))
        {
            seen.Add(((JsonObject)JsonNode.Parse(line)!["object"]!).Name());
        }

        Assert.Equal(["one", "one", "two"], seen);
        _cluster.Compact();
        await foreach (var line in _admin.LinesAsync($"{Pods}?watch=true&resourceVersion={version}"))
        {
            Assert.Equal((410, "Expired"), ((int)JsonNode.Parse(line).Number("object", "code")!, JsonNode.Parse(line).Text("object", "reason")));
        }
    }

    [Fact]
    public async Task A_namespace_goes_with_all_that_is_in_it()
    {
        _cluster.Create(InSandboxes(SandboxPod.Named("one")));
        Run(4);

        var reply = await _admin.SendAsync("DELETE", "/api/v1/namespaces/sandboxes");
        Assert.Equal("Terminating", reply.Json.Text("status", "phase"));
        Assert.Equal(403, (await _admin.SendAsync("POST", Pods, SandboxPod.Named("late"))).Status);
        Run(4);

        Assert.Equal(404, (await _admin.SendAsync("GET", "/api/v1/namespaces/sandboxes")).Status);
        Assert.Empty(_cluster.List("ConfigMap", "sandboxes"));
    }

    private void Run(int steps)
    {
        for (var i = 0; i < steps; i++)
        {
            _cluster.Step();
        }
    }

    private string Shown(string name, bool step = false)
    {
        if (step)
        {
            _cluster.Step();
        }

        var pod = _cluster.Find("Pod", "sandboxes", name)!;
        var state = pod.Objects("status", "containerStatuses").FirstOrDefault()?["state"];
        var scheduled = pod.Objects("status", "conditions").FirstOrDefault(c => c.Text("type") == "PodScheduled");
        var shown = state.Text("waiting", "reason")
            ?? (state.At("running") is not null ? "running" : state.At("terminated") is { } ended ? $"{ended.Text("reason")} {ended.Number("exitCode")}"
            : scheduled is null ? "no node" : scheduled.Text("reason") ?? "PodScheduled");
        return $"{pod.Text("status", "phase")}{(pod.Text("status", "reason") is { } reason ? " " + reason : "")}/{shown}";
    }

    private static JsonObject InSandboxes(JsonObject o) => o.With(p => p.Child("metadata")["namespace"] = "sandboxes");

    private static JsonObject Manifest(string apiVersion, string kind, string name, string more = "{}")
    {
        var o = (JsonObject)JsonNode.Parse(more)!;
        o["apiVersion"] = apiVersion;
        o["kind"] = kind;
        o.Child("metadata")["name"] = name;
        if (kind != "Namespace")
        {
            o.Child("metadata")["namespace"] = "sandboxes";
        }

        return o;
    }

    private static JsonObject DeleteOptions(string uid) =>
        new() { ["kind"] = "DeleteOptions", ["apiVersion"] = "v1", ["preconditions"] = new JsonObject { ["uid"] = uid } };

    private static JsonObject Review(string token, string audience) => new()
    {
        ["apiVersion"] = "authentication.k8s.io/v1", ["kind"] = "TokenReview", ["spec"] = new JsonObject { ["token"] = token, ["audiences"] = new JsonArray(audience) },
    };

    private async Task<JsonObject> ReviewAsync(string token, string audience = SandboxPod.Audience)
    {
        var reply = await _admin.SendAsync("POST", Reviews, Review(token, audience));
        Assert.True(reply.Status == 201, reply.Text);
        return (JsonObject)reply.Json["status"]!;
    }

    private static async Task<string> AccessAsync(KubernetesClient client, string verb)
    {
        var reply = await client.SendAsync("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", new JsonObject
        {
            ["apiVersion"] = "authorization.k8s.io/v1",
            ["kind"] = "SelfSubjectAccessReview",
            ["spec"] = new JsonObject { ["resourceAttributes"] = new JsonObject { ["namespace"] = "sandboxes", ["verb"] = verb, ["resource"] = "pods" } },
        });
        return ((JsonObject)reply.Json["status"]!).Compacted();
    }

    private sealed class StubbornProcess : IPodProcess
    {
        public bool IsStopped { get; private set; }

        public bool IsKilled { get; private set; }

        public PodExit? Poll() => null;

        public void Stop() => IsStopped = true;

        public void Kill() => IsKilled = true;
    }
}
