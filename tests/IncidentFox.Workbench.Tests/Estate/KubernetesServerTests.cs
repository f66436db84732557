using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate;
using IncidentFox.Workbench.Estate.Faults;
using IncidentFox.Workbench.Estate.Kubernetes;
using Xunit;

namespace IncidentFox.Workbench.Tests.Estate;

/// <summary>The estate's API over HTTP: who may what, stalls, watches, what is recorded and counted.</summary>
public sealed class KubernetesServerTests : IAsyncLifetime
{
    private DemoEstate _estate = null!;
    private KubernetesClient _reader = null!;
    private KubernetesClient _writer = null!;

    public async ValueTask InitializeAsync()
    {
        _estate = await DemoEstate.StartAsync(new() { Fault = DemoFaults.None, Monitoring = false }, TestContext.Current.CancellationToken);
        _reader = new(_estate, _estate.KubernetesReadToken);
        _writer = new(_estate, _estate.KubernetesWriteToken);
    }

    public async ValueTask DisposeAsync()
    {
        _reader.Dispose();
        _writer.Dispose();
        await _estate.DisposeAsync();
    }

    [Fact]
    public async Task A_wrong_token_is_401_and_no_token_is_nobody()
    {
        using var wrong = new KubernetesClient(_estate, "wrong");
        using var nobody = new KubernetesClient(_estate, token: null);

        var refused = await wrong.SendAsync("GET", "/api/v1/namespaces/shop/pods");
        var anonymous = await nobody.SendAsync("GET", "/api/v1/namespaces/shop/pods");

        Assert.Equal((401, "Unauthorized"), (refused.Status, refused.Json.Text("reason")));
        Assert.Equal(403, anonymous.Status);
        Assert.Equal(
            "pods is forbidden: User \"system:anonymous\" cannot list resource \"pods\" in API group \"\" in the namespace \"shop\"", anonymous.Json.Text("message"));
        Assert.Equal("ok", (await nobody.SendAsync("GET", "/readyz")).Text);
    }

    [Fact]
    public async Task The_read_token_reads_and_changes_nothing()
    {
        var pod = await FirstPodAsync();
        var path = $"/api/v1/namespaces/shop/pods/{pod.Name()}";

        var delete = await _reader.SendAsync("DELETE", path);
        var scale = await _reader.SendAsync(
            "PATCH", "/apis/apps/v1/namespaces/shop/deployments/payments/scale", new JsonObject { ["spec"] = new JsonObject { ["replicas"] = 0 } }, "application/merge-patch+json");
        var secrets = await _reader.SendAsync("GET", "/api/v1/namespaces/shop/secrets");

        Assert.All([delete, scale, secrets], r => Assert.Equal((403, "Forbidden"), (r.Status, r.Json.Text("reason"))));
        Assert.Equal(403, (await _writer.SendAsync("GET", "/api/v1/namespaces/shop/secrets/payments-api-key")).Status);
        Assert.Null((await _reader.GetAsync(path)).Text("metadata", "deletionTimestamp"));
        Assert.Equal((0, 0, 0), (_estate.Changes.PodsDeleted, _estate.Changes.Scales, _estate.Changes.OtherChanges));
    }

    [Fact]
    public async Task A_node_is_cordoned_and_uncordoned_by_what_the_gateway_sends()
    {
        const string Node = "/api/v1/nodes/node-1";
        var uid = (await _reader.GetAsync(Node)).Uid();
        static JsonObject Op(string op, string path, JsonNode? value = null) => value is null
            ? new() { ["op"] = op, ["path"] = path } : new() { ["op"] = op, ["path"] = path, ["value"] = value };
        JsonArray Patch(string id, params JsonObject[] ops) =>
            [Op("test", "/metadata/uid", uid), .. ops, Op("add", "/metadata/annotations/incidentfox.ai~1approval", id)];
        Task<KubernetesReply> SendAsync(JsonArray patch, string query = "") => _writer.SendAsync("PATCH", Node + query, patch, "application/json-patch+json");

        var dry = await SendAsync(Patch("apr_0", Op("add", "/spec/unschedulable", true)), "?fieldManager=incidentfox-cordon&dryRun=All");
        Assert.True(dry.Status == 200, dry.Text);
        Assert.Null((await _reader.GetAsync(Node)).At("spec", "unschedulable"));

        Assert.Equal(200, (await SendAsync(Patch("apr_1", Op("add", "/spec/unschedulable", true)))).Status);
        var cordoned = await _reader.GetAsync(Node);
        Assert.True(cordoned.At("spec", "unschedulable")!.GetValue<bool>());
        Assert.Equal("apr_1", cordoned.Text("metadata", "annotations", "incidentfox.ai/approval"));

        // Nothing new is bound there; what runs stays.
        var pod = await FirstPodAsync();
        Assert.Equal(200, (await _writer.SendAsync("DELETE", $"/api/v1/namespaces/shop/pods/{pod.Name()}?gracePeriodSeconds=0")).Status);
        var waiting = await UntilAsync(p => p.Text("spec", "nodeName") is null);
        Assert.Equal("Pending", waiting.Text("status", "phase"));

        var back = Patch("apr_2", Op("test", "/spec/unschedulable", true), Op("remove", "/spec/unschedulable"));
        Assert.Equal(200, (await SendAsync((JsonArray)back.DeepClone())).Status);
        Assert.Equal(422, (await SendAsync(back)).Status);
        await UntilAsync(p => p.Name() == waiting.Name() && p.Text("spec", "nodeName") == "node-1");
        Assert.Equal(403, (await _reader.SendAsync("PATCH", Node, Patch("apr_3"), "application/json-patch+json")).Status);
    }

    private async Task<JsonObject> UntilAsync(Func<JsonObject, bool> isIt)
    {
        while (true)
        {
            var pods = await _reader.GetAsync("/api/v1/namespaces/shop/pods");
            if (pods.Objects("items").FirstOrDefault(isIt) is { } pod)
            {
                return pod;
            }

            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task A_restart_by_annotation_rolls_new_pods_out_and_another_deployments_uid_changes_nothing()
    {
        const string Path = "/apis/apps/v1/namespaces/shop/deployments/payments";
        var before = await _reader.GetAsync(Path);
        static JsonObject Restart(string uid) => new()
        {
            ["metadata"] = new JsonObject { ["uid"] = uid, ["annotations"] = new JsonObject { ["incidentfox.ai/approval"] = "apr_1" } },
            ["spec"] = new JsonObject { ["template"] = new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { ["incidentfox.ai/approval"] = "apr_1" } } } },
        };

        Assert.Equal(409, (await _writer.SendAsync("PATCH", Path, Restart("another"), "application/merge-patch+json")).Status);
        Assert.Equal(before.Number("metadata", "generation"), (await _reader.GetAsync(Path)).Number("metadata", "generation"));
        var restarted = await _writer.SendAsync("PATCH", Path + "?fieldManager=incidentfox-restart", Restart(before.Uid()), "application/merge-patch+json");
        Assert.True(restarted.Status == 200, restarted.Text);
        var after = await _reader.GetAsync(Path);
        Assert.Equal("apr_1", after.Text("spec", "template", "metadata", "annotations", "incidentfox.ai/approval"));
        Assert.Equal(before.Number("metadata", "generation") + 1, after.Number("metadata", "generation"));
    }

    [Fact]
    public async Task A_stalled_delete_is_carried_out_and_recorded_without_an_answer()
    {
        var pod = await FirstPodAsync();
        var stall = _estate.StallNext(r => r.Method == "DELETE");
        using var impatient = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        impatient.DefaultRequestHeaders.Authorization = new("Bearer", _estate.KubernetesWriteToken);
        using var lost = new CancellationTokenSource();

        var sending = impatient.DeleteAsync(new Uri(_estate.KubernetesUrl, $"/api/v1/namespaces/shop/pods/{pod.Name()}"), lost.Token);
        var held = await stall.Reached.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.False(sending.IsCompleted);
        Assert.Equal(1, _estate.Changes.PodsDeleted);
        await lost.CancelAsync();
        await stall.Ended.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        Assert.Equal(0, held.Status);
        Assert.Equal("system:serviceaccount:incidentfox:operator", held.Identity);
        Assert.Contains(held, _estate.KubernetesRequests);

        // The next delete is not held.
        var other = (await PodsAsync()).First(p => p.Name() != pod.Name());
        Assert.Equal(200, (await _writer.SendAsync("DELETE", $"/api/v1/namespaces/shop/pods/{other.Name()}")).Status);
    }

    [Fact]
    public async Task A_dry_run_changes_nothing_and_a_body_without_it_overrides_the_query()
    {
        var pod = await FirstPodAsync();
        var path = $"/api/v1/namespaces/shop/pods/{pod.Name()}?dryRun=All";
        var dry = new JsonObject { ["kind"] = "DeleteOptions", ["apiVersion"] = "v1", ["dryRun"] = new JsonArray("All") };

        var first = await _writer.SendAsync("DELETE", path, dry);
        Assert.Equal((200, 0), (first.Status, _estate.Changes.PodsDeleted));
        Assert.NotNull(first.Json.Text("metadata", "deletionTimestamp"));

        var second = await _writer.SendAsync("DELETE", path, new JsonObject { ["kind"] = "DeleteOptions", ["apiVersion"] = "v1" });
        Assert.Equal((200, 1), (second.Status, _estate.Changes.PodsDeleted));
    }

    [Fact]
    public async Task A_failed_test_of_a_patch_changes_nothing_and_a_right_one_scales_once()
    {
        const string path = "/apis/apps/v1/namespaces/shop/deployments/payments";
        JsonArray Patch(int from, int to) => new(
            new JsonObject { ["op"] = "test", ["path"] = "/spec/replicas", ["value"] = from },
            new JsonObject { ["op"] = "replace", ["path"] = "/spec/replicas", ["value"] = to },
            new JsonObject { ["op"] = "add", ["path"] = "/metadata/annotations/incidentfox.io~1approval", ["value"] = "apr_1" });

        var mismatch = await _writer.SendAsync("PATCH", path, Patch(7, 3), "application/json-patch+json");
        var right = await _writer.SendAsync("PATCH", path, Patch(2, 3), "application/json-patch+json");
        var again = await _writer.SendAsync("PATCH", path, Patch(2, 3), "application/json-patch+json");

        Assert.Equal([422, 200, 422], new[] { mismatch.Status, right.Status, again.Status });
        Assert.Equal("Invalid", mismatch.Json.Text("reason"));
        Assert.Equal(1, _estate.Changes.Scales);
        Assert.Equal("apr_1", right.Json.Text("metadata", "annotations", "incidentfox.io/approval"));
    }

    [Fact]
    public async Task Of_many_deletes_with_the_same_precondition_all_see_one_deletion()
    {
        var pod = await FirstPodAsync();
        var options = new JsonObject { ["kind"] = "DeleteOptions", ["apiVersion"] = "v1", ["preconditions"] = new JsonObject { ["uid"] = pod.Uid() } };

        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => _writer.SendTextAsync("DELETE", $"/api/v1/namespaces/shop/pods/{pod.Name()}", options.ToJsonString())));

        Assert.Equal(1, _estate.Changes.PodsDeleted);
    }

    [Fact]
    public async Task A_watch_shows_the_replacement_of_a_pod_and_ends_in_time()
    {
        var list = await _reader.GetAsync("/api/v1/namespaces/shop/pods");
        var pod = await FirstPodAsync();
        var version = list.Text("metadata", "resourceVersion");
        await _writer.SendAsync("DELETE", $"/api/v1/namespaces/shop/pods/{pod.Name()}");

        var events = new List<string>();
        await foreach (var line in _reader.LinesAsync($"/api/v1/namespaces/shop/pods?watch=true&resourceVersion={version}&labelSelector=app%3Dcheckout&allowWatchBookmarks=true&timeoutSeconds=4"))
        {
            var e = JsonNode.Parse(line);
            events.Add(e.Text("type")!);
            Assert.Equal("Pod", e.Text("object", "kind"));
        }

        Assert.Equal("MODIFIED", events[0]); // the pod is terminating
        Assert.Contains("ADDED", events);
        Assert.Contains("DELETED", events);
        Assert.Equal("BOOKMARK", events[^1]);
    }

    [Fact]
    public async Task What_the_history_no_longer_holds_is_410_in_its_three_faces()
    {
        var first = await _reader.GetAsync("/api/v1/namespaces/shop/pods?limit=2");
        var version = first.Text("metadata", "resourceVersion");
        _estate.Store.Create(ResourceTypes.ConfigMaps, new() { ["kind"] = "ConfigMap", ["apiVersion"] = "v1", ["metadata"] = new JsonObject { ["name"] = "x", ["namespace"] = "shop" } }, DateTimeOffset.UnixEpoch);
        _estate.Store.Compact();

        var goesOn = await _reader.SendAsync("GET", $"/api/v1/namespaces/shop/pods?limit=2&continue={first.Text("metadata", "continue")}");
        var exact = await _reader.SendAsync("GET", $"/api/v1/namespaces/shop/pods?resourceVersion={version}&resourceVersionMatch=Exact");
        var watched = new List<string>();
        await foreach (var line in _reader.LinesAsync($"/api/v1/namespaces/shop/pods?watch=true&resourceVersion={version}"))
        {
            watched.Add(line);
        }

        Assert.Equal((410, "Expired"), (goesOn.Status, goesOn.Json.Text("reason")));
        Assert.Equal((410, "Expired"), (exact.Status, exact.Json.Text("reason")));
        Assert.Equal("ERROR", JsonNode.Parse(Assert.Single(watched)).Text("type"));
        var inconsistent = await _reader.GetAsync($"/api/v1/namespaces/shop/pods?continue={goesOn.Json.Text("metadata", "continue")}");
        Assert.Equal(6, inconsistent.Objects("items").Count());
    }

    [Fact]
    public async Task Logs_are_cut_as_asked()
    {
        var pod = await FirstPodAsync();
        var path = $"/api/v1/namespaces/shop/pods/{pod.Name()}/log";

        Assert.EndsWith("listening on port 8080\"\n", (await _reader.SendAsync("GET", path)).Text, StringComparison.Ordinal);
        Assert.Equal(7, (await _reader.SendAsync("GET", $"{path}?limitBytes=7")).Text.Length);
        Assert.Equal("", (await _reader.SendAsync("GET", $"{path}?tailLines=0")).Text);
        Assert.Equal("", (await _reader.SendAsync("GET", $"{path}?sinceSeconds=60")).Text); // written yesterday
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z ts=", (await _reader.SendAsync("GET", $"{path}?timestamps=true")).Text);
    }

    [Theory]
    [InlineData("GET", "/api/v1/namespaces/shop/pods/..%2f..%2fsecrets", 404)]
    [InlineData("GET", "/api/v1/namespaces/shop/pods?limit=x", 400)]
    [InlineData("GET", "/api/v1/namespaces/shop/pods?labelSelector=((((", 400)]
    [InlineData("GET", "/apis/apps/v1/namespaces/shop/deployments/payments/status", 403)]
    [InlineData("GET", "//api///v1", 403)]
    public async Task Odd_requests_get_an_answer_of_the_API_not_a_crash(string method, string path, int status)
    {
        var reply = await _reader.SendAsync(method, path);

        Assert.Equal(status, reply.Status);
        Assert.Equal("Status", reply.Json.Text("kind"));
    }

    [Theory]
    [InlineData("[", 400)]
    [InlineData("[{\"op\":\"replace\"}]", 422)]
    [InlineData("[{\"op\":\"replace\",\"path\":\"/spec/template/spec/containers/99/image\",\"value\":\"x\"}]", 422)]
    [InlineData("[{\"op\":\"remove\",\"path\":\"\"}]", 422)]
    [InlineData("[null, 7, \"x\"]", 422)]
    [InlineData("[{\"op\":\"replace\",\"path\":\"/spec\",\"value\":7}]", 422)]
    [InlineData("[{\"op\":\"replace\",\"path\":\"/metadata\",\"value\":[]}]", 422)]
    public async Task Garbage_in_a_patch_is_refused_and_changes_nothing(string patch, int status)
    {
        var path = "/apis/apps/v1/namespaces/shop/deployments/payments";

        var reply = await _writer.SendTextAsync("PATCH", path, patch, "application/json-patch+json");

        Assert.True(status == reply.Status, reply.Text);
        Assert.Equal(2, (await _reader.GetAsync(path)).Number("spec", "replicas"));
        Assert.Equal(0, _estate.Changes.Scales + _estate.Changes.OtherChanges);
    }

    [Fact]
    public async Task A_body_over_the_limit_is_413()
    {
        var reply = await _writer.SendTextAsync("PATCH", "/apis/apps/v1/namespaces/shop/deployments/payments", new string('x', 4 << 20), "application/merge-patch+json");

        Assert.Equal((413, "RequestEntityTooLarge"), (reply.Status, reply.Json.Text("reason")));
    }

    private async Task<JsonObject> FirstPodAsync() => (await PodsAsync()).First();

    private async Task<IEnumerable<JsonObject>> PodsAsync() =>
        (await _reader.GetAsync("/api/v1/namespaces/shop/pods?labelSelector=app%3Dcheckout")).Objects("items");
}
