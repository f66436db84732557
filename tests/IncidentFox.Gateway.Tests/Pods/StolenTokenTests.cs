using System.Net;
using System.Text;
using IncidentFox.Contracts;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Investigations;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.TestKit;
using Xunit;

namespace IncidentFox.Gateway.Tests.Pods;

/// <summary>Whatever is shown at the pods' door that is not a living sandbox's own token, from its own place: refused by name, told to people, and nothing is handed out.</summary>
public sealed class StolenTokenTests(TestPostgres postgres)
{
    private static readonly CancellationToken Ct = TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_token_shown_from_another_pod_s_address_is_refused_and_told_of_with_its_owner()
    {
        await using var gateway = await PodGateway.StartAsync(postgres, checkAddress: true);
        var (mine, thief) = (await gateway.OpenCagedAsync("sbx-1"), await gateway.OpenCagedAsync("sbx-2"));

        foreach (var from in new[] { thief.Address, IPAddress.Loopback })
            await RefusedAsync(gateway, mine.Token, 403, "wrong_address", from);

        Assert.Equal(HttpStatusCode.OK, (await gateway.SendAsync(mine.Token, "GET", Protocol.TaskPath, from: mine.Address)).Status);
        var alerts = await AlertsAsync(gateway, 2);
        Assert.All(alerts, a => Assert.Equal((mine.Sandbox.Value, mine.Investigation.Value, "sre"), (a.SandboxId, a.InvestigationId, a.TeamId)));
        Assert.Equal(new[] { "127.0.0.1", thief.Address.ToString() }.Order(), alerts.Select(a => (string)a.Details!["address"]!).Order());
    }

    [Fact]
    public async Task Behind_NAT_the_address_can_be_left_unjudged_and_nothing_else()
    {
        await using var gateway = await PodGateway.StartAsync(postgres, checkAddress: false);
        var pod = await gateway.OpenCagedAsync();
        Assert.Equal(HttpStatusCode.OK, (await gateway.SendAsync(pod.Token, "GET", Protocol.TaskPath, from: IPAddress.Parse("127.0.9.9"))).Status);
        await RefusedAsync(gateway, gateway.Cluster.AccountToken(PodGateway.Ns, "incidentfox-sandbox", PodGateway.Audience), 403, "token_unbound");
    }

    [Fact]
    public async Task What_was_shown_before_on_a_connection_counts_for_nothing()
    {
        await using var gateway = await PodGateway.StartAsync(postgres, checkAddress: true);
        var (mine, other) = (await gateway.OpenCagedAsync("sbx-1"), await gateway.OpenCagedAsync("sbx-2"));
        using var http = gateway.Client(mine.Address);

        async Task<string> AskAsync(string? token)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, Protocol.TaskPath);
            if (token is not null)
                request.Headers.Authorization = new("Bearer", token);
            return await (await http.SendAsync(request, Ct)).Content.ReadAsStringAsync(Ct);
        }

        Assert.Contains(mine.Investigation.ToString(), await AskAsync(mine.Token), StringComparison.Ordinal);
        Assert.Contains("no_token", await AskAsync(null), StringComparison.Ordinal);
        Assert.Contains("wrong_address", await AskAsync(other.Token), StringComparison.Ordinal);
        Assert.Contains(mine.Investigation.ToString(), await AskAsync(mine.Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_for_another_audience_is_refused()
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        await gateway.OpenAsync();
        await RefusedAsync(gateway, gateway.Cluster.AccountToken(PodGateway.Ns, "incidentfox-sandbox"), 401, "token_invalid");
        await RefusedAsync(gateway, gateway.Cluster.AccountToken(PodGateway.Ns, "incidentfox-sandbox", "somebody-else"), 401, "token_invalid");
        await AlertsAsync(gateway, 1);
    }

    [Fact]
    public async Task A_token_that_is_bound_to_no_pod_is_refused()
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        await RefusedAsync(gateway, gateway.Cluster.AccountToken(PodGateway.Ns, "incidentfox-sandbox", PodGateway.Audience), 403, "token_unbound");
        await AlertsAsync(gateway, 1);
    }

    [Fact]
    public async Task A_pod_of_another_namespace_or_account_is_refused_also_with_a_row_of_a_sandbox()
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        gateway.Cluster.Create(PodGateway.Object("v1", "ServiceAccount", "incidentfox-sandbox", ns: "incidentfox"));
        gateway.Cluster.Create(PodGateway.Object("v1", "ServiceAccount", "other"));
        var (sandbox, _) = await gateway.Host.AskAsync();
        await gateway.RecordAsync(await gateway.RunAsync("elsewhere", "incidentfox"), "elsewhere", sandbox);
        await gateway.RunAsync("other", account: "other");

        await RefusedAsync(gateway, gateway.TokenOf("elsewhere", "incidentfox"), 403, "not_a_sandbox");
        await RefusedAsync(gateway, gateway.TokenOf("other"), 403, "not_a_sandbox");
        await AlertsAsync(gateway, 1);
    }

    [Fact]
    public async Task A_token_that_was_tampered_with_is_refused()
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        var pod = await gateway.OpenCagedAsync();
        var parts = pod.Token.Split('.');
        var claims = Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(parts[1]));
        var other = System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims.Replace("\"exp\":", "\"exp\":9", StringComparison.Ordinal)));
        var none = System.Buffers.Text.Base64Url.EncodeToString("{\"alg\":\"none\"}"u8);

        await RefusedAsync(gateway, $"{parts[0]}.{other}.{parts[2]}", 401, "token_invalid");
        await RefusedAsync(gateway, $"{parts[0]}.{parts[1]}.{parts[2][..^8]}AAAAAAAA", 401, "token_invalid");
        await RefusedAsync(gateway, $"{none}.{parts[1]}.", 401, "token_invalid");
        Assert.Equal(HttpStatusCode.OK, (await gateway.SendAsync(pod.Token, "GET", Protocol.TaskPath)).Status);
    }

    [Fact]
    public async Task An_expired_token_is_refused_and_a_fresh_one_of_the_same_pod_is_not()
    {
        var clock = new MovedTime();
        await using var gateway = await PodGateway.StartAsync(postgres, clock: clock, isGatewaysToo: true);
        var pod = await gateway.OpenCagedAsync();
        clock.By = TimeSpan.FromSeconds(595);
        Assert.Equal(HttpStatusCode.OK, (await gateway.SendAsync(pod.Token, "GET", Protocol.TaskPath)).Status);

        // Six seconds after the API server vouched for it, which it would do again for another four.
        clock.By = TimeSpan.FromSeconds(601);
        await RefusedAsync(gateway, pod.Token, 401, "token_invalid");
        var fresh = gateway.TokenOf(pod.Name);
        Assert.NotEqual(pod.Token, fresh);
        Assert.Equal(HttpStatusCode.OK, (await gateway.SendAsync(fresh, "GET", Protocol.TaskPath)).Status);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Authorization: Bearer \r\n")]
    [InlineData("Authorization: Bearer\r\n")]
    [InlineData("Authorization: Basic c2J4OnNieA==\r\n")]
    [InlineData("Authorization: bearer a.b.c\r\n")]
    [InlineData("Authorization: Bearer a b\r\n")]
    [InlineData("Authorization: Bearer a.b.c, Bearer d.e.f\r\n")]
    [InlineData("Authorization: Bearer a.b.c\r\nAuthorization: Bearer d.e.f\r\n")]
    [InlineData("X-Forwarded-Authorization: Bearer a.b.c\r\n")]
    [InlineData("Cookie: token=a.b.c\r\n")]
    public async Task What_is_no_token_is_refused_and_the_cluster_is_not_asked(string header)
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        var answer = await gateway.RawAsync($"GET {Protocol.TaskPath} HTTP/1.1\r\nHost: gateway\r\n{header}\r\n");
        Assert.Equal((401, "no_token"), (answer.Status, answer.Code));
        Assert.Equal(0, gateway.Reviews);
    }

    [Fact]
    public async Task Two_tokens_a_long_one_and_one_in_the_query_are_refused_even_where_one_is_good()
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        var pod = await gateway.OpenCagedAsync();
        var asked = gateway.Reviews;
        foreach (var head in new[]
        {
            $"GET {Protocol.TaskPath} HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {pod.Token}\r\nAuthorization: Bearer {pod.Token}\r\n\r\n",
            $"GET {Protocol.TaskPath}?access_token={pod.Token} HTTP/1.1\r\nHost: g\r\n\r\n",
            $"GET {Protocol.TaskPath} HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {pod.Token}{new string('A', 8 * 1024)}\r\n\r\n",
        })
        {
            var answer = await gateway.RawAsync(head);
            Assert.Equal((401, "no_token"), (answer.Status, answer.Code));
        }
        Assert.Equal(431, (await gateway.RawAsync($"GET {Protocol.TaskPath} HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {new string('A', 17 * 1024)}\r\n\r\n")).Status);
        Assert.Equal(431, (await gateway.RawAsync($"GET {Protocol.TaskPath} HTTP/1.1\r\nHost: g\r\n{string.Concat(Enumerable.Range(0, 50).Select(i => $"a{i}: b\r\n"))}\r\n")).Status);
        Assert.Equal(asked, gateway.Reviews);
    }

    [Fact]
    public async Task A_pod_that_is_gone_is_refused_although_the_cluster_still_vouches_for_its_token()
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        var pod = await gateway.OpenCagedAsync();
        gateway.Cluster.Delete("Pod", PodGateway.Ns, pod.Name);
        // Until the watch tells of it; the token alone would be refused otherwise, as invalid and ten seconds later.
        await gateway.UntilRefusedAsync(pod.Token);
        await RefusedAsync(gateway, pod.Token, 403, "pod_gone");
        // Another one takes its name.
        await gateway.RecordAsync(await gateway.RunAsync(pod.Name), pod.Name, sandbox: null);
        await RefusedAsync(gateway, pod.Token, 403, "pod_gone");
        Assert.Contains(await AlertsAsync(gateway, 1), a => a.SandboxId == pod.Sandbox.Value);
    }

    [Fact]
    public async Task A_pod_that_no_bot_of_this_installation_made_is_refused()
    {
        await using var gateway = await PodGateway.StartAsync(postgres, clock: new MovedTime { By = TimeSpan.FromMinutes(-2) });
        var stranger = await gateway.RunAsync("stranger");
        await RefusedAsync(gateway, gateway.TokenOf("stranger"), 403, "unknown_pod");
        await AlertsAsync(gateway, 1);
        // A row that speaks of another pod is none either.
        await gateway.Pods.RecordAsync(stranger, PodGateway.Ns, "somebody-else", "agent:1", (await gateway.Host.AskAsync()).Sandbox, "bot-1", Ct);
        await RefusedAsync(gateway, gateway.TokenOf("stranger"), 403, "unknown_pod");
    }

    [Fact]
    public async Task A_pod_that_was_made_a_moment_ago_may_try_again_and_nobody_is_alarmed()
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        var uid = await gateway.RunAsync("sbx-1");
        await RefusedAsync(gateway, gateway.TokenOf("sbx-1"), 503, "pod_not_recorded");
        await gateway.RecordAsync(uid, "sbx-1", (await gateway.Host.AskAsync()).Sandbox);
        Assert.Equal(HttpStatusCode.OK, (await gateway.SendAsync(gateway.TokenOf("sbx-1"), "POST", Protocol.HelloPath, Encoding.UTF8.GetBytes(TestSandbox.Hello()))).Status);
        Assert.Empty(await gateway.AlertsAsync());
    }

    [Fact]
    public async Task A_pod_whose_investigation_is_over_or_that_the_bot_let_go_of_gets_nothing()
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        var (stopped, gone) = (await gateway.OpenCagedAsync("sbx-1"), await gateway.OpenCagedAsync("sbx-2"));
        await gateway.Host.Investigations.EndAsync(stopped.Investigation, InvestigationState.Stopped, "ann@acme.example", null, null, Ct);
        await gateway.Pods.GoneAsync(gone.Uid, unclaimedOnly: false, Ct);

        foreach (var (method, path) in new[] { ("GET", Protocol.TaskPath), ("GET", Protocol.ToolsPath), ("POST", Protocol.HelloPath), ("POST", "/tools/list_nodes"), ("GET", "/i/kubernetes/api/v1/nodes") })
        {
            await RefusedAsync(gateway, stopped.Token, 403, "session_over", method: method, path: path);
            await RefusedAsync(gateway, gone.Token, 403, "pod_ending", method: method, path: path);
        }
    }

    [Fact]
    public async Task The_token_goes_no_further_than_the_door()
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        var pod = await gateway.OpenCagedAsync();
        var answer = await gateway.SendAsync(pod.Token, "GET", "/i/kubernetes/api/v1/nodes");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        var sent = Assert.Single(gateway.Host.Sender.Sent).Request;
        Assert.DoesNotContain(sent.Headers, h => h.Value.Contains(pod.Token, StringComparison.Ordinal));
        Assert.DoesNotContain(pod.Token, sent.PathAndQuery, StringComparison.Ordinal);
        Assert.All(await gateway.Host.AuditAsync(), e => Assert.DoesNotContain(pod.Token, $"{e.Parameters} {e.Details}", StringComparison.Ordinal));
    }

    private static async Task RefusedAsync(PodGateway gateway, string token, int status, string code, IPAddress? from = null, string method = "GET", string path = Protocol.TaskPath)
    {
        var answer = await gateway.SendAsync(token, method, path, method == "POST" ? Encoding.UTF8.GetBytes(TestSandbox.Hello()) : null, from);
        Assert.Equal((status, code), ((int)answer.Status, (string?)answer.Body?["code"]));
        Assert.Equal(["code", "correlation_id", "message", "type", "v"], answer.Body!.AsObject().Select(m => m.Key).Order());
        Assert.Empty(gateway.Host.Sender.Sent);
    }

    private static async Task<IReadOnlyList<AuditEvent>> AlertsAsync(PodGateway gateway, int count)
    {
        var alerts = await gateway.AlertsAsync();
        Assert.Equal(count, alerts.Count);
        Assert.All(alerts, a => Assert.Equal(("denied", SecurityAlertKinds.StolenIdentity), (a.Status, (string?)a.Details!["kind"])));
        return alerts;
    }
}
