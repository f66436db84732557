using System.Diagnostics;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Cluster;
using IncidentFox.Workbench.Estate.Kubernetes;
using Xunit;

namespace IncidentFox.Workbench.Tests.Estate;

/// <summary>The real kubectl against the double. Skipped where there is none.</summary>
public sealed class KubectlTests : IAsyncLifetime
{
    private const string Manifests =
        """
        apiVersion: v1
        kind: Namespace
        metadata:
          name: incidentfox-sandboxes
          labels: {pod-security.kubernetes.io/enforce: restricted}
        ---
        apiVersion: v1
        kind: ServiceAccount
        metadata: {name: incidentfox-sandbox, namespace: incidentfox-sandboxes}
        automountServiceAccountToken: false
        ---
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: default-deny, namespace: incidentfox-sandboxes}
        spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
        ---
        apiVersion: v1
        kind: ResourceQuota
        metadata: {name: sandboxes, namespace: incidentfox-sandboxes}
        spec: {hard: {pods: "50"}}
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: settings, namespace: incidentfox-sandboxes}
        data: {level: "1", colour: red}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: gateway, namespace: default}
        spec:
          replicas: 2
          selector: {matchLabels: {app: gateway}}
          template:
            metadata: {labels: {app: gateway}}
            spec:
              containers: [{name: gateway, image: "registry.example/incidentfox/gateway:1"}]
        """;

    private readonly string _directory = Directory.CreateTempSubdirectory("kubectl-").FullName;
    private KubernetesCluster _cluster = null!;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/kubectl"), "There is no kubectl here.");
        _cluster = await KubernetesCluster.StartAsync(new() { Https = true }, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(_directory, "config"), _cluster.Kubeconfig(_cluster.AdminToken), TestContext.Current.CancellationToken);
        await WriteAsync(Manifests);
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }

        Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [InlineData]
    [InlineData("--server-side")]
    public async Task It_applies_gets_describes_changes_and_deletes(params string[] how)
    {
        var first = await KubectlAsync(["apply", "-f", "m.yaml", .. how]);
        Assert.Equal(6, first.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal("2", await KubectlAsync("get", "deployment", "gateway", "-o", "jsonpath={.spec.replicas}"));
        Assert.Contains("default-deny", await KubectlAsync("get", "networkpolicies,serviceaccounts,resourcequotas", "-n", "incidentfox-sandboxes"), StringComparison.Ordinal);
        Assert.Contains("restricted", await KubectlAsync("describe", "namespace", "incidentfox-sandboxes"), StringComparison.Ordinal);
        await KubectlAsync("rollout", "status", "deployment/gateway", "--timeout=20s");

        // What is no longer in the manifest is taken out, what another field says is changed, and nothing else.
        await WriteAsync(Manifests.Replace(", colour: red", "", StringComparison.Ordinal).Replace("replicas: 2", "replicas: 3", StringComparison.Ordinal));
        await KubectlAsync(["apply", "-f", "m.yaml", .. how]);
        Assert.Equal("""{"level":"1"}""", _cluster.Find("ConfigMap", "incidentfox-sandboxes", "settings")!["data"]!.ToJsonString());
        Assert.Equal(3, _cluster.Find("Deployment", "default", "gateway").Number("spec", "replicas"));
        var version = _cluster.Find("NetworkPolicy", "incidentfox-sandboxes", "default-deny").Text("metadata", "resourceVersion");
        await KubectlAsync(["apply", "-f", "m.yaml", .. how]);
        Assert.Equal(version, _cluster.Find("NetworkPolicy", "incidentfox-sandboxes", "default-deny").Text("metadata", "resourceVersion"));

        // The namespace goes first and takes along what is then no longer found.
        await KubectlAsync("delete", "-f", "m.yaml", "--ignore-not-found", "--timeout=30s");
        Assert.Null(_cluster.Find("Deployment", "default", "gateway"));
        Assert.Null(_cluster.Find("Namespace", "", "incidentfox-sandboxes"));
    }

    [Fact]
    public async Task It_is_told_of_a_misspelt_field()
    {
        await WriteAsync(Manifests.Replace("replicas: 2", "replica: 2", StringComparison.Ordinal));

        // Refused for those who ask for it, as kubectl does since 1.27; older ones are warned.
        Assert.Contains("unknown field \"spec.replica\"", (await RunAsync("apply", "-f", "m.yaml")).Error, StringComparison.Ordinal);
    }

    private Task WriteAsync(string manifests) => File.WriteAllTextAsync(Path.Combine(_directory, "m.yaml"), manifests, TestContext.Current.CancellationToken);

    private async Task<string> KubectlAsync(params string[] arguments)
    {
        var (ok, output, error) = await RunAsync(arguments);
        return ok ? output : throw new InvalidOperationException($"kubectl {string.Join(' ', arguments)}: {error}\n{string.Join('\n', _cluster.Requests.TakeLast(10))}");
    }

    private async Task<(bool Ok, string Output, string Error)> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("/usr/bin/kubectl", arguments) { WorkingDirectory = _directory, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["KUBECONFIG"] = Path.Combine(_directory, "config");
        start.Environment["HOME"] = _directory;
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken), process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode == 0, await output, await error);
    }
}
