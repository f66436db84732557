using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Cluster;
using IncidentFox.Workbench.Estate.Kubernetes;
using Xunit;

namespace IncidentFox.Workbench.Tests.Estate;

/// <summary>What is sent is checked against the recorded schemas, with the words of the real server.</summary>
public sealed class FieldValidationTests : IAsyncLifetime
{
    private const string Pods = "/api/v1/namespaces/default/pods";
    private KubernetesCluster _cluster = null!;
    private KubernetesClient _admin = null!;

    public async ValueTask InitializeAsync()
    {
        _cluster = await KubernetesCluster.StartAsync(new() { StepEvery = null }, TestContext.Current.CancellationToken);
        _admin = new(_cluster.Url, _cluster.AdminToken);
    }

    public async ValueTask DisposeAsync()
    {
        _admin.Dispose();
        await _cluster.DisposeAsync();
    }

    public static TheoryData<string, string> WrongTypes => new()
    {
        { """{"spec":{"containers":"nope"}}""", "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container" },
        { """{"spec":{"containers":[{"name":1}]}}""", "json: cannot unmarshal number into Go struct field Container.spec.containers.name of type string" },
        { """{"spec":{"activeDeadlineSeconds":"60"}}""", "json: cannot unmarshal string into Go struct field PodSpec.spec.activeDeadlineSeconds of type int64" },
        { """{"spec":{"activeDeadlineSeconds":1.5}}""", "json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.activeDeadlineSeconds of type int64" },
        { """{"metadata":{"labels":["a"]}}""", "json: cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string" },
        { """{"spec":{"hostNetwork":"true"}}""", "json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool" },
        { """{"spec":{"containers":[{"name":"a","resources":{"limits":{"memory":"much"}}}]}}""", "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'" },
    };

    [Theory]
    [MemberData(nameof(WrongTypes))]
    public async Task A_value_of_the_wrong_type_is_refused(string body, string why)
    {
        var pod = (JsonObject)JsonNode.Parse(body)!;
        pod["apiVersion"] = "v1";
        pod["kind"] = "Pod";

        var reply = await _admin.SendAsync("POST", Pods, pod);

        Assert.Equal((400, "BadRequest"), (reply.Status, reply.Json.Text("reason")));
        Assert.Equal($"Pod in version \"v1\" cannot be handled as a Pod: {why}", reply.Json.Text("message"));
        Assert.Empty(_cluster.List("Pod"));
    }

    [Fact]
    public async Task An_unknown_field_is_refused_named_or_dropped_as_asked()
    {
        var strict = await _admin.SendAsync("POST", $"{Pods}?fieldValidation=Strict", SandboxPod.Named("strict", Misspelt));
        var warned = await WithWarningAsync($"{Pods}?fieldValidation=Warn", SandboxPod.Named("warn", Misspelt));
        var usual = await WithWarningAsync(Pods, SandboxPod.Named("usual", Misspelt));
        var ignored = await WithWarningAsync($"{Pods}?fieldValidation=Ignore", SandboxPod.Named("ignore", Misspelt));

        Assert.Equal(400, strict.Status);
        Assert.Equal(
            "Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: unknown field \"spec.containers[0].imagePulPolicy\", unknown field \"sepc\"", strict.Json.Text("message"));
        string[] both = ["299 - \"unknown field \\\"spec.containers[0].imagePulPolicy\\\"\"", "299 - \"unknown field \\\"sepc\\\"\""];
        Assert.Equal((201, both[0]), (warned.Status, warned.Warnings[0]));
        Assert.Equal(both, usual.Warnings);
        Assert.Empty(ignored.Warnings);
        Assert.Equal(["ignore", "usual", "warn"], _cluster.List("Pod").Select(p => p.Name()));
        Assert.All(_cluster.List("Pod"), p => Assert.False(p.ContainsKey("sepc") || p.Objects("spec", "containers").Single().ContainsKey("imagePulPolicy")));
    }

    [Fact]
    public async Task A_patch_is_checked_too()
    {
        _cluster.Create(SandboxPod.Named("sbx"));
        var version = _cluster.Find("Pod", "default", "sbx").Text("metadata", "resourceVersion");

        var unknown = await _admin.SendAsync(
            "PATCH", $"{Pods}/sbx?fieldValidation=Strict", new JsonObject { ["metadata"] = new JsonObject { ["lables"] = new JsonObject() } }, "application/merge-patch+json");
        var wrong = await _admin.SendAsync("PATCH", $"{Pods}/sbx", new JsonObject { ["metadata"] = new JsonObject { ["labels"] = "x" } }, "application/merge-patch+json");
        var immutable = await _admin.SendAsync("PATCH", $"{Pods}/sbx", new JsonObject { ["spec"] = new JsonObject { ["restartPolicy"] = "Always" } }, "application/merge-patch+json");

        Assert.EndsWith("strict decoding error: unknown field \"metadata.lables\"", unknown.Json.Text("message"), StringComparison.Ordinal);
        Assert.EndsWith("cannot unmarshal string into Go struct field ObjectMeta.metadata.labels of type map[string]string", wrong.Json.Text("message"), StringComparison.Ordinal);
        Assert.All([unknown, wrong, immutable], r => Assert.Equal((422, "Invalid"), (r.Status, r.Json.Text("reason"))));
        Assert.Equal(version, _cluster.Find("Pod", "default", "sbx").Text("metadata", "resourceVersion"));
    }

    [Fact]
    public async Task A_missing_field_is_named()
    {
        var reply = await _admin.SendAsync("POST", Pods, new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Pod",
            ["metadata"] = new JsonObject { ["name"] = "x" },
            ["spec"] = new JsonObject { ["containers"] = new JsonArray(new JsonObject { ["image"] = "a:1", ["env"] = new JsonArray(new JsonObject { ["value"] = "1" }) }) },
        });

        Assert.Equal((422, "Invalid"), (reply.Status, reply.Json.Text("reason")));
        Assert.Equal(
            "Pod \"x\" is invalid: [spec.containers[0].name: Required value, spec.containers[0].env[0].name: Required value]", reply.Json.Text("message"));
    }

    [Theory]
    [InlineData("2026-01-01T00:00:30.5Z", "cannot parse \".5Z\" as \".000000\"")]
    [InlineData("2026-01-01T00:00:30Z", "cannot parse \"Z\" as \".000000\"")]
    [InlineData("soon", "cannot parse \"soon\" as \"2006\"")]
    public async Task A_lease_wants_six_digits_after_the_second(string time, string why)
    {
        var reply = await _admin.SendAsync("POST", "/apis/coordination.k8s.io/v1/namespaces/default/leases", new JsonObject
        {
            ["apiVersion"] = "coordination.k8s.io/v1",
            ["kind"] = "Lease",
            ["metadata"] = new JsonObject { ["name"] = "x" },
            ["spec"] = new JsonObject { ["renewTime"] = time },
        });

        Assert.Equal(400, reply.Status);
        Assert.Equal($"Lease in version \"v1\" cannot be handled as a Lease: parsing time \"{time}\" as \"2006-01-02T15:04:05.000000Z07:00\": {why}", reply.Json.Text("message"));
    }

    [Theory]
    [InlineData("", "the object provided is unrecognized (must be of type Pod)")]
    [InlineData("[]", "the object provided is unrecognized (must be of type Pod)")]
    [InlineData("""{"apiVersion":"v1","kind":"Pod","kind":"Pod"}""", "the object provided is unrecognized (must be of type Pod)")]
    [InlineData("""{"apiVersion":"v1","kind":"ConfigMap"}""", "ConfigMap in version \"v1\" cannot be handled as a Pod: converting (v1.ConfigMap) to (core.Pod): unknown conversion")]
    [InlineData("""{"apiVersion":"v2","kind":"Pod"}""", "the API version in the data (v2) does not match the expected API version (v1)")]
    public async Task Garbage_is_refused(string body, string why)
    {
        var reply = await _admin.SendTextAsync("POST", Pods, body);

        Assert.Equal(400, reply.Status);
        Assert.StartsWith(why, reply.Json.Text("message"), StringComparison.Ordinal);
    }

    private static void Misspelt(JsonObject pod)
    {
        pod["sepc"] = new JsonObject();
        pod["spec"]!["containers"]![0]!["imagePulPolicy"] = "Never";
    }

    private async Task<(int Status, string[] Warnings)> WithWarningAsync(string path, JsonObject body)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = _cluster.Url };
        http.DefaultRequestHeaders.Authorization = new("Bearer", _cluster.AdminToken);
        using var content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        using var response = await http.PostAsync(path, content, TestContext.Current.CancellationToken);
        return ((int)response.StatusCode, response.Headers.NonValidated.TryGetValues("Warning", out var values) ? [.. values] : []);
    }
}
