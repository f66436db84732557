using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Bot.Jobs;
using IncidentFox.Core;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Investigations;
using IncidentFox.Host.Tests.Kit;
using IncidentFox.TestKit;
using IncidentFox.Workbench.Estate.Cluster;

namespace IncidentFox.Host.Tests.Roles;

/// <summary>One bot and two gateways as processes of their own, a sandbox's pod that the bot made, and this test in the place of the agent in it.</summary>
public sealed class FreezeAcrossProcessesTests(TestPostgres postgres) : IDisposable
{
    private const string Sandboxes = "incidentfox-sandboxes";

    // The session is over at once; then the bot deletes the pod, and whichever the gateway notices first it says.
    private static readonly string[] Over = ["session_over", "pod_ending", "pod_gone", "token_invalid"];

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Installation _here = new();

    public void Dispose() => _here.Dispose();

    [Fact]
    public async Task A_freeze_is_in_force_at_every_gateway_and_the_bot_ends_the_investigation_and_its_pod()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var database = await postgres.CreateAsync(ct);
        HangfireSchema.Install(database.OwnerConnectionString);
        _here.Use(database);
        await using var cluster = await KubernetesCluster.StartAsync(new() { RuntimeClasses = [], Https = true }, ct);
        cluster.Apply();
        WriteIntegration(cluster);
        _here["Http"]["Url"] = RoleInstallation.Free().AbsoluteUri;
        _here["Gateway"]["Pods"] = _here.Door(cluster.Kubeconfig(cluster.AccountToken("incidentfox", "incidentfox-gateway"), Sandboxes));
        var sandboxes = _here.Pods(cluster.Kubeconfig(cluster.AccountToken("incidentfox", "incidentfox-bot"), Sandboxes));
        var doors = new[] { RoleInstallation.Free().Port, RoleInstallation.Free().Port };
        var health = new[] { RoleInstallation.Free(), RoleInstallation.Free() };
        await using var one = Gateway(0);
        await using var other = Gateway(1);
        var local = _here.Configuration["Sandbox"]!.DeepClone();
        _here.Configuration["Sandbox"] = sandboxes;
        await using var bot = _here.StartBot();
        _here.Configuration["Sandbox"] = local;
        await one.ReadyAsync(health[0]);
        await other.ReadyAsync(health[1]);
        await bot.ReadyAsync(new Uri((string)_here["Http"]["Url"]!));

        var investigation = await AskAsync(database);
        await UntilAsync(() => Task.FromResult(PodOf(cluster) is not null), () => $"no pod runs: {bot.Tail}");
        var token = cluster.PodToken(Sandboxes, PodOf(cluster)!, "incidentfox-gateway")!;
        await UntilAsync(async () => (await AsAgentAsync(doors[0], token, "/v1/agent/hello", Hello)).Status == HttpStatusCode.OK, () => $"not let in: {one.Tail}");
        foreach (var door in doors)
            Assert.Equal((HttpStatusCode.OK, ""), await CallAsync(door, token));

        var (exitCode, _, error) = await _here.RunAsync("freeze", "something is wrong");
        Assert.True(exitCode == 0, error);

        foreach (var door in doors)
        {
            var code = "";
            await UntilAsync(async () =>
            {
                code = (await CallAsync(door, token)).Code;
                return Over.Contains(code);
            }, () => $"the last call was answered with '{code}'");
            Assert.NotEqual(HttpStatusCode.OK, (await CallAsync(door, token)).Status);
        }
        await UntilAsync(async () => (await database.QueryAsync<string>("select status from app.investigations where id = @Value", new { investigation.Value })).Single() == "stopped",
            () => $"the investigation is not ended: {bot.Tail}");
        await UntilAsync(() => Task.FromResult(cluster.List("Pod", Sandboxes).Count == 0), () => $"the pod is still there: {bot.Tail}");

        Workbench.Processes.ChildProcess Gateway(int i)
        {
            _here["Gateway"]["HealthUrl"] = health[i].AbsoluteUri;
            _here["Gateway"]["Pods"]!["Url"] = $"https://127.0.0.1:{doors[i]}";
            return _here.StartGateway($"gateway-{i}");
        }
    }

    private static string Hello => new JsonObject
    {
        ["v"] = 1, ["type"] = "hello", ["agent_version"] = "test",
        ["cage"] = new JsonArray([.. ((string[])["loopback", "metadata", "outside", "dns", "private", "ipv6", "cluster"]).Select(k => new JsonObject
        {
            ["kind"] = k, ["target"] = "192.0.2.1:1", ["reached"] = false, ["detail"] = "NetworkUnreachable",
        })]),
    }.ToJsonString();

    private void WriteIntegration(KubernetesCluster cluster)
    {
        var authority = _here.Secret("cluster-ca", cluster.CertificateAuthority!)["file://".Length..];
        File.WriteAllText(Path.Combine((string)_here["Gateway"]["IntegrationsPaths"]![0]!, "kubernetes.yaml"), $$"""
            integration: kubernetes
            extends: kubernetes
            base_url: {{cluster.Url.GetLeftPart(UriPartial.Authority)}}
            auth: {read: "{{_here.Secret("cluster-read", cluster.AdminToken)}}"}
            network: {allow: ["127.0.0.0/8"], ca_file: "{{authority}}"}
            """);
    }

    // As the bot writes it when somebody asks in Slack.
    private static async Task<InvestigationId> AskAsync(TestDatabase database)
    {
        var person = PersonId.New();
        await database.ExecuteAsync("""
            insert into app.people values (@Value, 'acme', 'Ann', 'ann@acme.example');
            insert into app.role_grants (id, person_id, org_id, team_id, role, granted_by) values (gen_random_uuid(), @Value, 'acme', 'sre', 'operator', 'test');
            """, new { person.Value });
        var ann = new Principal
        {
            Person = person, Org = new OrgId("acme"), DisplayName = "Ann", AuditName = "ann@acme.example", Grants = [new Grant(new TeamId("sre"), Role.Operator)],
        };
        return await new InvestigationStore(database.Bot, new AuditLog(database.Bot, database.SharedCipher), database.SharedCipher).CreateAsync(
            new NewInvestigation(new Resource(new OrgId("acme"), new TeamId("sre")), ann, "ann@acme.example", "T0ACME0001", "C0INCIDENT", "why is checkout slow?"),
            TestContext.Current.CancellationToken);
    }

    private static string? PodOf(KubernetesCluster cluster) =>
        cluster.List("Pod", Sandboxes).Where(p => (string?)p["status"]?["phase"] == "Running").Select(p => (string?)p["metadata"]!["name"]).SingleOrDefault();

    private async Task<(HttpStatusCode Status, string Code)> CallAsync(int door, string token) =>
        await AsAgentAsync(door, token, "/tools/list_nodes", """{"v":1,"type":"tool_request","arguments":{}}""");

    private async Task<(HttpStatusCode Status, string Code)> AsAgentAsync(int door, string token, string path, string body)
    {
        using var authority = X509Certificate2.CreateFromPem(await File.ReadAllTextAsync(((string)_here["Gateway"]["Pods"]!["Certificate"]!)["file://".Length..]));
        using var http = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { authority }, RevocationMode = X509RevocationMode.NoCheck },
            },
            ConnectCallback = async (_, ct) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, door, ct);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        using var request = new HttpRequestMessage(HttpMethod.Post, $"https://incidentfox-gateway{path}") { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        try
        {
            using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
            var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            return (response.StatusCode, response.StatusCode == HttpStatusCode.OK ? "" : (string?)JsonNode.Parse(text)?["code"] ?? text);
        }
        catch (HttpRequestException)
        {
            return (default, "cut off");   // What a pod has open ends with it.
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> done, Func<string> otherwise)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await done())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < Patience, otherwise());
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }
}
