using IncidentFox.Workbench.Estate.Cluster;

namespace IncidentFox.Host.Tests.Manifests;

/// <summary>
/// The manifests applied by kubectl to the double, which checks each object against the recorded OpenAPI documents (kubectl asks for strict: a field that does not
/// exist is refused) and admits the pods by Pod Security.
/// </summary>
[Trait("kind", "check")]
public sealed class ManifestApplyTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("incidentfox-apply-");

    public static TheoryData<string> Folders => [.. Rendered.All];

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Folders))]
    public async Task They_are_accepted_and_their_pods_are_admitted(string folder)
    {
        var objects = Rendered.Of(folder);
        await using var cluster = await KubernetesCluster.StartAsync(new() { Https = true, RuntimeClasses = [] }, TestContext.Current.CancellationToken);
        await ApplyAsync(cluster, Path.Combine(Rendered.Repository, "manifests", folder));

        foreach (var o in objects)
            Assert.NotNull(cluster.Find((string)o["kind"]!, o.Namespace(), o.Name()));
        foreach (var name in new[] { "incidentfox-bot", "incidentfox-gateway" })
        {
            // Admitted and running: a pod that Pod Security or a quota refuses is never there.
            var (exitCode, output, error) = Rendered.Run("kubectl", ["rollout", "status", $"deployment/{name}", "-n", "incidentfox", "--timeout=20s"], _folder.FullName, Kubeconfig);
            Assert.True(exitCode == 0, output + error);
        }
    }

    [Fact]
    public async Task A_field_that_does_not_exist_is_refused()
    {
        await using var cluster = await KubernetesCluster.StartAsync(new() { Https = true }, TestContext.Current.CancellationToken);
        var wrong = Path.Combine(_folder.FullName, "wrong");
        Directory.CreateDirectory(wrong);
        var text = await File.ReadAllTextAsync(Path.Combine(Rendered.Repository, "manifests", "base", "namespaces.yaml"), TestContext.Current.CancellationToken)
            + await File.ReadAllTextAsync(Path.Combine(Rendered.Repository, "manifests", "base", "sandboxes.yaml"), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(wrong, "all.yaml"), text.Replace("# Where agents", "---\n# Where agents", StringComparison.Ordinal).Replace("podSelector: {}", "podSelecter: {}", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(wrong, "kustomization.yaml"), "resources: [all.yaml]\n", TestContext.Current.CancellationToken);

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => ApplyAsync(cluster, wrong));

        Assert.Contains("unknown field \"spec.podSelecter\"", error.Message, StringComparison.Ordinal);
    }

    private string Kubeconfig => Path.Combine(_folder.FullName, "config");

    private async Task ApplyAsync(KubernetesCluster cluster, string path)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/kubectl"), "There is no kubectl here: eng/setup --test installs it.");
        await File.WriteAllTextAsync(Kubeconfig, cluster.Kubeconfig(cluster.AdminToken), TestContext.Current.CancellationToken);
        var (exitCode, _, error) = Rendered.Run("kubectl", ["apply", "-k", path], _folder.FullName, Kubeconfig);
        if (exitCode != 0)
            throw new InvalidOperationException(error);
    }
}
