using System.Text;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Tests.Sending;
using Xunit;

namespace IncidentFox.Gateway.Tests.Injection;

public sealed class CertificateTests : IAsyncLifetime
{
    private readonly SenderFixture _fixture = new();
    private readonly TestAuthority _servers = new();
    private readonly TestAuthority _clients = new();
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;
    private TestServer _target = null!;

    public async ValueTask InitializeAsync()
    {
        File.WriteAllText(CaFile, _servers.Pem);
        _target = await TestServer.StartAsync(
            seen => new Reply(200, $"hello {seen.ClientCertificate} {seen.Header("Authorization")}", "text/plain"), _servers.Server("cluster.example"), _clients.Certificate);
    }

    public async ValueTask DisposeAsync()
    {
        _fixture.Dispose();
        _servers.Dispose();
        _clients.Dispose();
        await _target.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_certificate_is_shown_to_a_target_that_insists_on_one(bool write)
    {
        var client = Use(_clients.Client("incidentfox"));
        var (status, body) = await _fixture.AnswerAsync(write ? SenderFixture.Delete(Mtls(), "{}") : SenderFixture.Get(Mtls()));
        Assert.Equal((200, $"hello {client} "), (status, body));
    }

    [Fact]
    public async Task Without_the_right_one_there_is_no_answer()
    {
        using var another = new TestAuthority();
        Use(another.Client("incidentfox"));
        var failed = await _fixture.FailureAsync(SenderFixture.Get(Mtls()));
        Assert.Contains(failed.Code, new[] { "upstream_untrusted", "upstream_unreachable" });   // TLS 1.3 tells the client after its handshake
        Assert.Empty(_target.Requests);
    }

    [Fact]
    public async Task A_renewed_certificate_gets_a_connection_of_its_own()
    {
        var first = Use(_clients.Client("incidentfox"));
        Assert.Equal($"hello {first} ", (await _fixture.AnswerAsync(SenderFixture.Get(Mtls()))).Body);
        Assert.Equal($"hello {first} ", (await _fixture.AnswerAsync(SenderFixture.Get(Mtls()))).Body);
        var second = Use(_clients.Client("incidentfox"));
        _fixture.Time.Advance(TimeSpan.FromHours(1));
        Assert.Equal($"hello {second} ", (await _fixture.AnswerAsync(SenderFixture.Get(Mtls()))).Body);
        var connections = _target.Requests.Select(r => r.Connection).ToArray();
        Assert.Equal(connections[0], connections[1]);
        Assert.NotEqual(connections[1], connections[2]);
    }

    [Fact]
    public async Task A_private_key_that_the_target_holds_too_does_not_come_back()
    {
        Use(_clients.Client("incidentfox"));
        _target.Answer = _ => Task.FromResult(new Reply(200, $"mounted: {_fixture.Vault["key"]}", "text/plain"));
        Assert.DoesNotContain("PRIVATE KEY", (await _fixture.AnswerAsync(SenderFixture.Get(Mtls()))).Body);
    }

    [Fact]
    public async Task A_client_certificate_over_plain_http_is_refused()
    {
        Use(_clients.Client("incidentfox"));
        Assert.Equal("credential_unavailable", (await _fixture.FailureAsync(SenderFixture.Get(Mtls() with { BaseUrl = new Uri($"http://cluster.example:{_target.Port}") }))).Code);
    }

    [Theory]
    [InlineData("expired")]
    [InlineData("another key")]
    [InlineData("no certificate")]
    [InlineData("no key")]
    [InlineData("encrypted")]
    [InlineData("certificate as key")]
    public async Task A_certificate_that_cannot_be_used_is_said_and_not_quoted(string kind)
    {
        var good = _clients.Client("incidentfox");
        Use(kind switch
        {
            "expired" => _clients.Client("incidentfox", new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero)),
            "another key" => good with { Key = _clients.Client("b").Key },
            "no certificate" => good with { Certificate = "canary" },
            "no key" => good with { Key = "canary" },
            "encrypted" => good with { Key = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nY2FuYXJ5\n-----END ENCRYPTED PRIVATE KEY-----" },
            _ => good with { Key = good.Certificate },
        });
        Assert.Equal("credential_unavailable", (await _fixture.FailureAsync(SenderFixture.Get(Mtls()))).Code);
        Assert.Empty(_target.Requests);
        Assert.Contains("client certificate", Assert.Single(_fixture.Logged));
        Assert.DoesNotContain("canary", Assert.Single(_fixture.Logged));
    }

    [Fact]
    public async Task A_kubeconfigs_certificate_and_authority_are_used()
    {
        var client = _clients.Client("incidentfox");
        _fixture.Vault["read"] = Kubeconfig(user: $"client-certificate-data: {Base64(client.Certificate)}\n    client-key-data: {Base64(client.Key)}");
        var (status, body) = await _fixture.AnswerAsync(SenderFixture.Get(Kube()));
        Assert.Equal((200, $"hello {client.Thumbprint} "), (status, body));
    }

    [Fact]
    public async Task A_kubeconfigs_token_is_used_and_does_not_come_back()
    {
        await using var target = await TestServer.StartAsync(seen => new Reply(200, $"hello {seen.Header("Authorization")}", "text/plain"), _servers.Server("cluster.example"));
        _fixture.Vault["read"] = Kubeconfig(port: target.Port);
        var (status, body) = await _fixture.AnswerAsync(SenderFixture.Get(Kube(target.Port)));
        Assert.Equal((200, "hello Bearer [redacted]"), (status, body));
        Assert.Equal("Bearer canary-kube-token", Assert.Single(target.Requests).Header("Authorization"));
    }

    [Fact]
    public async Task The_integrations_own_authority_file_comes_before_the_kubeconfigs()
    {
        File.WriteAllText(CaFile, _clients.Pem);
        _fixture.Vault["read"] = Kubeconfig();
        var integration = Kube();
        Assert.Equal("upstream_untrusted", (await _fixture.FailureAsync(SenderFixture.Get(integration with { Network = integration.Network with { CaFile = CaFile } }))).Code);
        Assert.Empty(_target.Requests);
    }

    [Fact]
    public async Task A_context_can_be_named()
    {
        await using var target = await TestServer.StartAsync(seen => new Reply(200, seen.Header("Authorization"), "text/plain"), _servers.Server("cluster.example"));
        _fixture.Vault["read"] = Kubeconfig(port: target.Port).Replace("current-context: prod", "current-context: other", StringComparison.Ordinal);
        Assert.Equal("credential_unavailable", (await _fixture.FailureAsync(SenderFixture.Get(Kube(target.Port)))).Code);
        var named = Kube(target.Port);
        Assert.Equal(200, (await _fixture.AnswerAsync(SenderFixture.Get(named with { Auth = named.Auth with { Options = new Dictionary<string, string> { ["context"] = "prod" } } }))).Status);
    }

    [Theory]
    [InlineData("token: canary-kube-token", "exec: {command: aws, args: [eks, get-token]}", "exec, which is refused: it runs a program")]
    [InlineData("token: canary-kube-token", "auth-provider: {name: gcp}", "auth-provider, which is refused")]
    [InlineData("token: canary-kube-token", "tokenFile: /var/run/canary", "tokenFile, which is refused")]
    [InlineData("token: canary-kube-token", "client-certificate: /etc/canary\n    client-key: /etc/canary", "it names a file")]
    [InlineData("token: canary-kube-token", "username: admin\n    password: canary", "basic authentication")]
    [InlineData("token: canary-kube-token", "token: canary-kube-token\n    as: system:admin", "impersonation")]
    [InlineData("token: canary-kube-token", "token: canary-kube-token\n    surprise: canary", "not known")]
    [InlineData("token: canary-kube-token", "token: {a: canary}", "no text")]
    [InlineData("token: canary-kube-token", "token: ''", "neither a token nor")]
    [InlineData("token: canary-kube-token", "client-key-data: Y2FuYXJ5", "both are needed")]
    [InlineData("token: canary-kube-token", "client-key-data: Y2FuYXJ5\n    client-certificate-data: Y2FuYXJ5", "client certificate")]
    [InlineData("token: canary-kube-token", "client-key-data: '%%%'\n    client-certificate-data: Y2FuYXJ5", "no base64")]
    [InlineData("    server:", "    insecure-skip-tls-verify: true\n    server:", "skips the check")]
    [InlineData("    server:", "    proxy-url: http://evil.example\n    server:", "proxy-url")]
    [InlineData("    server:", "    tls-server-name: evil.example\n    server:", "tls-server-name")]
    [InlineData("    server:", "    certificate-authority: /etc/passwd\n    server:", "names a file")]
    [InlineData("https://cluster.example", "https://evil.example", "not the integration's base_url")]
    [InlineData("https://cluster.example", "http://cluster.example", "not the integration's base_url")]
    [InlineData("https://cluster.example", "https://canary@cluster.example", "no server that is an address")]
    [InlineData("current-context: prod", "current-context: gone", "no context")]
    [InlineData("current-context: prod", "", "no current-context")]
    [InlineData("- name: prod-user", "- name: prod-users", "no user")]
    [InlineData("users:", "users:\n- name: prod-user\n  user: {token: canary-other}", "more than one")]
    [InlineData("apiVersion: v1", "apiVersion: &a v1", "plain YAML")]
    [InlineData("apiVersion: v1", "apiVersion: *canary", "plain YAML")]
    [InlineData("apiVersion: v1", "apiVersion: !!canary v1", "plain YAML")]
    [InlineData("apiVersion: v1", "canary: [", "plain YAML")]
    [InlineData("apiVersion: v1", "- canary", "plain YAML")]
    [InlineData("apiVersion: v1", "apiVersion: v1\napiVersion: canary", "plain YAML")]
    public async Task A_kubeconfig_that_does_more_than_hold_a_credential_is_refused_with_the_reason(string good, string bad, string reason)
    {
        var text = Kubeconfig().Replace(good, bad, StringComparison.Ordinal);
        Assert.NotEqual(Kubeconfig(), text);
        _fixture.Vault["read"] = text;
        Assert.Equal("credential_unavailable", (await _fixture.FailureAsync(SenderFixture.Get(Kube()))).Code);
        Assert.Empty(_target.Requests);
        var log = Assert.Single(_fixture.Logged);
        Assert.Contains(reason, log);
        Assert.DoesNotContain("canary", log);
    }

    [Fact]
    public async Task Garbage_in_a_kubeconfig_never_throws_and_reaches_nobody()
    {
        var random = new Random(7);
        for (var i = 0; i < 200; i++)
        {
            var text = Kubeconfig().ToCharArray();
            for (var n = 0; n < 3; n++)
                text[random.Next(text.Length)] = (char)random.Next(1, 0x2000);
            // Read directly: the sender's caches would have to be waited for.
            var access = IncidentFox.Gateway.Injection.Certificates.KubeconfigFile.Read(new string(text), null, _fixture.Time.GetUtcNow());
            Assert.DoesNotContain("canary", access.ToString());
        }
        _fixture.Vault["read"] = new string('[', 60_000);
        Assert.Equal("credential_unavailable", (await _fixture.FailureAsync(SenderFixture.Get(Kube()))).Code);
    }

    private string CaFile => Path.Combine(_folder, "ca.pem");

    private string Use((string Certificate, string Key, string Thumbprint) client)
    {
        (_fixture.Vault["certificate"], _fixture.Vault["key"]) = (client.Certificate, client.Key);
        return client.Thumbprint;
    }

    private Integration Mtls() => SenderFixture.Target(_target.Port, host: "cluster.example", transport: "https", caFile: CaFile) with
    {
        Auth = new AuthSettings
        {
            Scheme = AuthScheme.Mtls,
            Read = [new("certificate", "keyvault://acme/certificate"), new("private_key", "keyvault://acme/key")],
            Write = [new("certificate", "keyvault://acme/certificate"), new("private_key", "keyvault://acme/key")],
        },
    };

    private Integration Kube(int? port = null) => SenderFixture.Target(port ?? _target.Port, host: "cluster.example", transport: "https") with
    {
        Auth = new AuthSettings { Scheme = AuthScheme.Kubeconfig, Read = [new("kubeconfig", "keyvault://acme/read")] },
    };

    private string Kubeconfig(string user = "token: canary-kube-token", int? port = null) => $"""
        apiVersion: v1
        kind: Config
        preferences: {"{}"}
        current-context: prod
        contexts:
        - name: prod
          context: {"{cluster: prod-cluster, user: prod-user, namespace: shop}"}
        - name: other
          context: {"{cluster: gone, user: gone}"}
        clusters:
        - name: prod-cluster
          cluster:
            certificate-authority-data: {Base64(_servers.Pem)}
            server: https://cluster.example:{port ?? _target.Port}
        users:
        - name: prod-user
          user:
            {user}
        """;

    private static string Base64(string text) => Convert.ToBase64String(Encoding.ASCII.GetBytes(text));
}
