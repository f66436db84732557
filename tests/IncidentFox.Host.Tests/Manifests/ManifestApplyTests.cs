using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Cluster;

namespace IncidentFox.Host.Tests.Manifests;

/// <summary>
/// What kustomize renders, created in the double, which checks each object against the recorded OpenAPI documents (strictly: a field that does not exist is refused)
/// and admits the pods by Pod Security and quota.
/// </summary>
[Trait("kind", "check")]
public sealed class ManifestApplyTests
{
    private static readonly Dictionary<string, string> Plurals = new(StringComparer.Ordinal) { ["NetworkPolicy"] = "networkpolicies", ["RuntimeClass"] = "runtimeclasses" };

    public static TheoryData<string> Folders => [.. Rendered.All];

    [Theory]
    [MemberData(nameof(Folders))]
    public async Task They_are_accepted_and_their_pods_are_admitted(string folder)
    {
        var objects = Rendered.Of(folder);
        await using var cluster = await KubernetesCluster.StartAsync(new() { RuntimeClasses = [] }, TestContext.Current.CancellationToken);
        foreach (var o in objects)
            Assert.Null(await CreateAsync(cluster, o));

        foreach (var deployment in objects.OfKind("Deployment"))
        {
            // A pod that Pod Security or a quota refuses is never there. Only the double's loop has to come round, in milliseconds.
            JsonObject? there = null;
            for (var i = 0; i < 2_000 && (int?)(there = cluster.Find("Deployment", deployment.Namespace(), deployment.Name()))?["status"]?["readyReplicas"] is null or 0; i++)
                await Task.Delay(10, TestContext.Current.CancellationToken);
            Assert.True((int?)there!["status"]?["readyReplicas"] > 0, there["status"]?.ToJsonString());
        }
    }

    [Fact]
    public async Task A_field_that_does_not_exist_and_a_value_of_the_wrong_type_are_refused()
    {
        await using var cluster = await KubernetesCluster.StartAsync(new() { RuntimeClasses = [] }, TestContext.Current.CancellationToken);
        var objects = Rendered.Of(Rendered.Base);
        foreach (var o in objects.OfKind("Namespace"))
            Assert.Null(await CreateAsync(cluster, o));
        var misspelt = objects.OfKind("Deployment").First().DeepClone().AsObject();
        misspelt["spec"]!["template"]!["spec"]!["securityContexts"] = new JsonObject();
        var wrong = objects.OfKind("Service").First().DeepClone().AsObject();
        wrong["spec"]!["ports"]![0]!["port"] = "http";

        Assert.Contains("unknown field \\\"spec.template.spec.securityContexts\\\"", await CreateAsync(cluster, misspelt), StringComparison.Ordinal);
        Assert.NotNull(await CreateAsync(cluster, wrong));
    }

    /// <summary>Null when it was created, else what the server says.</summary>
    private static async Task<string?> CreateAsync(KubernetesCluster cluster, JsonObject o)
    {
        var (kind, version) = ((string)o["kind"]!, (string)o["apiVersion"]!);
        var plural = Plurals.GetValueOrDefault(kind) ?? kind.ToLowerInvariant() + "s";
        var ns = o.Namespace() is { Length: > 0 } name ? $"namespaces/{name}/" : "";
        using var client = new HttpClient(new SocketsHttpHandler()) { BaseAddress = cluster.Url };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", cluster.AdminToken);
        using var answer = await client.PostAsJsonAsync(
            $"/{(version.Contains('/', StringComparison.Ordinal) ? "apis" : "api")}/{version}/{ns}{plural}?fieldValidation=Strict", o, TestContext.Current.CancellationToken);
        return answer.IsSuccessStatusCode ? null : $"{kind} {o.Name()}: {await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}";
    }
}
