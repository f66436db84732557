using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Bot.Sandboxes.Conformance;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Bot.Tests.Sandboxes.Kubernetes;
using IncidentFox.Workbench.Estate.Cluster;

namespace IncidentFox.Bot.Tests.Sandboxes.Conformance;

/// <summary>Clusters that can't be checked: each is told in a sentence what is missing, and nothing of the try is left.</summary>
public sealed class ClusterRefusalTests
{
    private const string Head = "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n";
    private const string Users = "users: [{name: u, user: {token: x}}]\n";

    [Fact]
    public async Task Every_missing_right_is_said_at_once_in_lines_of_rbac_that_are_enough()
    {
        await using var world = await CheckedCluster.CreateAsync();
        world.Cluster.Create(PodCluster.Object("v1", "ServiceAccount", "checker", ns: "default"));
        world.Use(world.Cluster.AccountToken("default", "checker"));
        var before = world.Objects();
        Assert.Contains("may not do what the check needs", (await Assert.ThrowsAsync<CannotCheckException>(() => world.OpenAsync())).Message, StringComparison.Ordinal);
        Assert.Equal(before, world.Objects());
        Assert.Equal(
            [
                "Rights are missing. Add these to what the kubeconfig's user may do, or take an administrator's:", "A Role in incidentfox-sandboxes needs:",
                "- apiGroups: [\"\"]", "  resources: [\"pods\"]", "  verbs: [\"create\", \"get\", \"list\", \"watch\", \"delete\"]", "- apiGroups: [\"\"]", "  resources: [\"pods/log\"]", "  verbs: [\"get\"]",
                "- apiGroups: [\"\"]", "  resources: [\"serviceaccounts\"]", "  verbs: [\"get\"]", "- apiGroups: [\"\"]", "  resources: [\"configmaps\"]", "  verbs: [\"create\", \"delete\"]",
                "- apiGroups: [\"networking.k8s.io\"]", "  resources: [\"networkpolicies\"]", "  verbs: [\"get\", \"create\", \"delete\"]",
                "- apiGroups: [\"\"]", "  resources: [\"serviceaccounts\"]", "  verbs: [\"create\", \"delete\"]", "- apiGroups: [\"\"]", "  resources: [\"resourcequotas\"]", "  verbs: [\"create\", \"get\"]",
                "A ClusterRole needs:", "- apiGroups: [\"\"]", "  resources: [\"namespaces\"]", "  verbs: [\"get\"]", "- apiGroups: [\"node.k8s.io\"]", "  resources: [\"runtimeclasses\"]", "  verbs: [\"get\"]",
                "- apiGroups: [\"authentication.k8s.io\"]", "  resources: [\"tokenreviews\"]", "  verbs: [\"create\"]", "- apiGroups: [\"\"]", "  resources: [\"namespaces\"]", "  verbs: [\"create\", \"delete\"]",
            ],
            world.Said);

        // With what it asked for, and nothing else, it goes through. In the namespace's own Role they could not be before there is a namespace.
        var rules = new JsonArray([.. world.Said.Where(s => s[0] is '-' or ' ').Chunk(3).Select(r => JsonNode.Parse(
            $"{{\"apiGroups\":{r[0].Split(':', 2)[1]},\"resources\":{r[1].Split(':', 2)[1]},\"verbs\":{r[2].Split(':', 2)[1]}}}"))]);
        world.Cluster.Create(PodCluster.Object("rbac.authorization.k8s.io/v1", "ClusterRole", "checker", new JsonObject { ["rules"] = rules }.ToJsonString(), ns: null));
        world.Cluster.Create(PodCluster.Object("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "checker",
            """{"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"checker"},"subjects":[{"kind":"ServiceAccount","name":"checker","namespace":"default"}]}""", ns: null));
        world.Said.Clear();
        var results = await world.RunAsync("caged", "token bound", "stolen token refused", "nothing left");
        Assert.All(results, r => Assert.True(r.Outcome == CheckOutcome.Ok, $"{r.Check}: {r.Outcome}: {r.Detail}"));
        Assert.Contains("other accounts' tokens not tried", results[2].Detail, StringComparison.Ordinal);
        Assert.Equal(before, world.Objects());
        Assert.DoesNotContain(world.Said, s => s.StartsWith("NOT", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("image", "could not be pulled")]
    [InlineData("quota", "no quota left")]
    [InlineData("class", "no RuntimeClass 'kata'")]
    [InlineData("token", "Unauthorized")]
    [InlineData("listen", "is not ADDRESS")]
    [InlineData("foreign", "can't listen on")]
    [InlineData("name", "--namespace: 'Not_A_Name'")]
    [InlineData("reference", "--image: '::'")]
    [InlineData("gateway", "--gateway: 'gateway.example:1'")]
    public async Task A_cluster_that_will_not_have_it_is_told_why(string what, string sentence)
    {
        await using var world = await CheckedCluster.CreateAsync();
        if (what == "image")
            world.Program = PodProgram.ImageCannotBePulled;
        if (what == "quota")
        {
            world.Cluster.Create(PodCluster.Object("v1", "Namespace", PodCluster.Ns, ns: null));
            world.Cluster.Create(PodCluster.Object("v1", "ResourceQuota", "none", """{"spec":{"hard":{"pods":"0"}}}"""));
        }
        if (what == "token")
            world.Use("of-nobody");
        var before = world.Objects();
        var failure = await Assert.ThrowsAsync<CannotCheckException>(async () =>
        {
            await using var conformance = await world.OpenAsync(c => what switch
            {
                "class" => c with { RuntimeClass = "kata" },
                "listen" => c with { Listen = "example.com" },
                "foreign" => c with { Listen = "203.0.113.77" },
                "name" => c with { Namespace = "Not_A_Name" },
                "reference" => c with { Image = "::" },
                "gateway" => c with { Listen = null, Gateway = "gateway.example:1" },
                _ => c,
            });
            await conformance.Only("pids held").RunAsync(TestBot.Ct).ToListAsync(TestBot.Ct);
        });
        Assert.Contains(sentence, failure.Message, StringComparison.Ordinal);
        Assert.Equal(before, world.Objects());
    }

    [Theory]
    [InlineData("", "can't be used as a kubeconfig")]
    [InlineData("\0\u0001 not: [yaml", "can't be used as a kubeconfig")]
    [InlineData(Head + "clusters: [{name: k, cluster: {server: 'https://127.0.0.1:1'}}]\nusers: [{name: u, user: {exec: {apiVersion: v1, command: touch}}}]\n", "running a program")]
    [InlineData(Head + "clusters: [{name: k, cluster: {server: 'https://127.0.0.1:1', insecure-skip-tls-verify: true}}]\n" + Users, "insecure-skip-tls-verify")]
    [InlineData(Head + "clusters: [{name: k, cluster: {server: 'https://127.0.0.1:1', certificate-authority-data: '!'}}]\n" + Users, "can't be used as a kubeconfig")]
    [InlineData(Head + "clusters: [{name: k, cluster: {server: 'http://127.0.0.1:1'}}]\n" + Users, "did not answer")]
    public async Task A_kubeconfig_that_is_of_no_use_is_told_why(string text, string sentence)
    {
        await using var world = await CheckedCluster.CreateAsync();
        File.WriteAllText(world.Kubeconfig, text);
        Assert.Contains(sentence, (await Assert.ThrowsAsync<CannotCheckException>(() => world.OpenAsync())).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnull")]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")]
    [InlineData("HTTP/1.1 500 Oh\r\nContent-Length: 3\r\nConnection: close\r\n\r\n\0\0\0")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n")]
    public async Task A_server_that_is_no_api_server_is_told_so(string answer)
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        _ = Task.Run(async () =>
        {
            while (true)
            {
                using var connection = await server.AcceptTcpClientAsync(TestBot.Ct);
                _ = await connection.GetStream().ReadAtLeastAsync(new byte[8192], 16, throwOnEndOfStream: false, TestBot.Ct);
                await connection.GetStream().WriteAsync(Encoding.Latin1.GetBytes(answer), TestBot.Ct);
            }
        }, TestBot.Ct);
        await using var world = await CheckedCluster.CreateAsync();
        File.WriteAllText(world.Kubeconfig, Head + $"clusters: [{{name: k, cluster: {{server: 'http://{server.LocalEndpoint}'}}}}]\n" + Users);
        await Assert.ThrowsAsync<CannotCheckException>(() => world.OpenAsync());
    }
}
