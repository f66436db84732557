using IncidentFox.Secrets.Kubernetes;
using IncidentFox.TestKit.Kubernetes;
using IncidentFox.TestKit.Tls;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace IncidentFox.Secrets.Tests;

public sealed class KubernetesSourceTests : IAsyncLifetime
{
    private const string Canary = "k8s-canary-value";

    private readonly string _folder = Directory.CreateTempSubdirectory("k8s-").FullName;
    private SecretApiDouble _api = null!;
    private KubernetesSource _source = null!;

    public async ValueTask InitializeAsync()
    {
        _api = await SecretApiDouble.StartAsync(StoreFixture.Token);
        _api.Set("sre", "grafana", "token", Canary);
        await WriteAsync("token", _api.Token + "\n");
        _source = new KubernetesSource(InCluster(), TimeProvider.System);
    }

    [Fact]
    public async Task A_key_of_a_secret_is_read_with_its_resource_version()
    {
        var first = (await FetchAsync()).Value;
        Assert.Equal(Canary, first?.RevealForUse());
        _api.Set("sre", "grafana", "token", "newer");
        var second = (await FetchAsync()).Value;
        Assert.Equal("newer", second?.RevealForUse());
        Assert.NotEqual(first?.Version, second?.Version);
        Assert.All(_api.Requests, r => Assert.Equal("GET /api/v1/namespaces/sre/secrets/grafana token", r));
    }

    [Theory]
    [InlineData("abc\n", "abc")]
    [InlineData("abc\r\n", "abc")]
    [InlineData("abc\n\n", "abc\n")]
    [InlineData(" pässword ", " pässword ")]
    public async Task One_newline_at_the_end_is_not_part_of_the_secret_as_with_files(string stored, string expected)
    {
        _api.Set("sre", "grafana", "token", stored);
        Assert.Equal(expected, (await FetchAsync()).Value?.RevealForUse());
    }

    [Fact]
    public async Task What_is_missing_forbidden_or_no_text_is_told_apart()
    {
        await ExpectAsync(SecretOutcome.NotFound, "no Secret nothing", "k8s://sre/nothing#token");
        await ExpectAsync(SecretOutcome.NotFound, "no key user", "k8s://sre/grafana#user");
        _api.Forbidden.Add("sre/grafana");
        await ExpectAsync(SecretOutcome.Denied, "resourceNames [\"grafana\"]");
        _api.Forbidden.Clear();
        _api.Set("sre", "grafana", "token", [0xff, 0xfe]);
        await ExpectAsync(SecretOutcome.Denied, "not UTF-8");
        _api.Set("sre", "grafana", "token", "\n");
        await ExpectAsync(SecretOutcome.Denied, "empty");
        _api.Set("sre", "grafana", "token", new string('x', 65_537));
        await ExpectAsync(SecretOutcome.Denied, "64 KiB");
    }

    [Fact]
    public async Task A_service_account_token_that_is_renewed_is_read_anew_and_a_refused_one_denied()
    {
        _api.Token = "sa-token-2";
        await ExpectAsync(SecretOutcome.Denied, "service account");
        await WriteAsync("token", "sa-token-2");
        Assert.Equal(SecretOutcome.Found, (await FetchAsync()).Outcome);
        await WriteAsync("token", "");
        await ExpectAsync(SecretOutcome.Unavailable, "is empty");
        File.Delete(Path.Combine(_folder, "token"));
        await ExpectAsync(SecretOutcome.Unavailable, "can't be read");
    }

    [Theory]
    [InlineData(429, "7", SecretOutcome.Throttled, 7)]
    [InlineData(429, null, SecretOutcome.Throttled, 10)]
    [InlineData(503, "2", SecretOutcome.Throttled, 2)]
    [InlineData(503, null, SecretOutcome.Unavailable, null)]
    [InlineData(500, null, SecretOutcome.Unavailable, null)]
    [InlineData(302, null, SecretOutcome.Unavailable, null)]
    public async Task Trouble_is_transient_and_throttling_says_how_long(int status, string? retryAfter, SecretOutcome outcome, int? seconds)
    {
        _api.Fail(context =>
        {
            context.Response.Headers.RetryAfter = retryAfter;
            context.Response.Headers.Location = _api.Address + "/elsewhere";
            return SecretApiDouble.StatusAsync(context, status, "etcd at 10.0.0.1: " + Canary);
        });
        var result = await FetchAsync();
        Assert.Equal((outcome, seconds), (result.Outcome, (int?)result.RetryAfter?.TotalSeconds));
        Assert.DoesNotContain("10.0.0.1", result.Reason, StringComparison.Ordinal);
        Assert.Single(_api.Requests);
    }

    [Theory]
    [InlineData("<html>captive portal</html>")]
    [InlineData("""{"kind":"Pod","metadata":{"name":"grafana","resourceVersion":"1"},"data":{"token":"YQ=="}}""")]
    [InlineData("""{"kind":"Secret","metadata":{"name":"other","resourceVersion":"1"},"data":{"token":"YQ=="}}""")]
    [InlineData("""{"kind":"Secret","metadata":{"name":"grafana"},"data":{"token":"YQ=="}}""")]
    [InlineData("")]
    public async Task What_does_not_answer_like_kubernetes_is_unavailable(string body)
    {
        _api.Fail(context => context.Response.WriteAsync(body));
        await ExpectAsync(SecretOutcome.Unavailable, "does not answer like it");
    }

    [Fact]
    public async Task A_value_that_is_not_base64_is_denied_without_quoting_it()
    {
        _api.Fail(context => context.Response.WriteAsync("""{"kind":"Secret","metadata":{"name":"grafana","resourceVersion":"1"},"data":{"token":"k8s-canary-value!"}}"""));
        await ExpectAsync(SecretOutcome.Denied, "not UTF-8");
    }

    [Fact]
    public async Task Another_authority_gets_neither_request_nor_token()
    {
        using var stranger = new TestAuthority();
        using var source = new KubernetesSource(new KubernetesOptions { ApiServer = _api.Address, CaFile = stranger.CaFile, TokenFile = Path.Combine(_folder, "token") }, TimeProvider.System);
        var result = await source.FetchAsync(Reference("k8s://sre/grafana#token"), StoreFixture.Token);
        Assert.Equal(SecretOutcome.Unavailable, result.Outcome);
        Assert.Empty(_api.Requests);
    }

    [Fact]
    public async Task Outside_a_cluster_the_reason_names_the_file_that_is_not_there()
    {
        using var source = new KubernetesSource(new KubernetesOptions(), TimeProvider.System);
        var result = await source.FetchAsync(Reference("k8s://sre/grafana#token"), StoreFixture.Token);
        Assert.Equal(SecretOutcome.Unavailable, result.Outcome);
        Assert.Contains("ca.crt", result.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_kubeconfig_opens_the_api_server_by_token_token_file_or_client_certificate()
    {
        var (certificate, key) = _api.Authority.IssueClient("fox");
        await WriteAsync("client.pem", certificate);
        await WriteAsync("client.key", key);
        foreach (var (user, shown) in new[]
        {
            ("token: sa-token-1", "token"),
            ("tokenFile: token", "token"),
            ("client-certificate: client.pem, client-key: client.key", "certificate"),
            ($"client-certificate-data: {Base64(certificate)}, client-key-data: {Base64(key)}", "certificate"),
        })
        {
            var path = await KubeconfigAsync(user);
            Assert.Empty(new SecretsOptions { Kubernetes = new KubernetesOptions { Kubeconfig = path } }.Validate());
            using var source = new KubernetesSource(new KubernetesOptions { Kubeconfig = path }, TimeProvider.System);
            Assert.Equal(Canary, (await source.FetchAsync(Reference("k8s://sre/grafana#token"), StoreFixture.Token)).Value?.RevealForUse());
            Assert.EndsWith(shown, _api.Requests[^1], StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_kubeconfig_that_is_replaced_is_read_anew()
    {
        var path = await KubeconfigAsync("token: sa-token-old");
        using var source = new KubernetesSource(new KubernetesOptions { Kubeconfig = path }, TimeProvider.System);
        Assert.Equal(SecretOutcome.Denied, (await source.FetchAsync(Reference("k8s://sre/grafana#token"), StoreFixture.Token)).Outcome);
        await KubeconfigAsync("token: sa-token-1");
        File.SetLastWriteTimeUtc(path, File.GetLastWriteTimeUtc(path).AddSeconds(1));
        Assert.Equal(SecretOutcome.Found, (await source.FetchAsync(Reference("k8s://sre/grafana#token"), StoreFixture.Token)).Outcome);
    }

    [Theory]
    [InlineData("exec: {command: /bin/sh}, token: k8s-canary-value", "", "'exec'")]
    [InlineData("auth-provider: {name: gcp}", "", "'auth-provider'")]
    [InlineData("username: admin, password: k8s-canary-value", "", "'username'")]
    [InlineData("token: k8s-canary-value, as: system:admin", "", "'as'")]
    [InlineData("token: k8s-canary-value", "insecure-skip-tls-verify: true", "insecure-skip-tls-verify")]
    [InlineData("token: k8s-canary-value", "proxy-url: http://proxy", "'proxy-url'")]
    [InlineData("token: k8s-canary-value", "tls-server-name: other", "'tls-server-name'")]
    [InlineData("client-certificate-data: YQ==", "", "client certificate with its key")]
    [InlineData("{}", "", "neither a token")]
    [InlineData("client-certificate-data: '!', client-key-data: '!'", "", "FormatException")]
    public async Task A_kubeconfig_that_would_run_or_skip_something_is_refused_at_start_and_in_use(string user, string cluster, string hint)
    {
        var path = await KubeconfigAsync(user == "{}" ? "" : user, cluster);
        var error = Assert.Single(new SecretsOptions { Kubernetes = new KubernetesOptions { Kubeconfig = path } }.Validate());
        Assert.Contains("Secrets:Kubernetes:Kubeconfig", error, StringComparison.Ordinal);
        Assert.Contains(hint, error, StringComparison.Ordinal);
        Assert.DoesNotContain(Canary, error, StringComparison.Ordinal);

        using var source = new KubernetesSource(new KubernetesOptions { Kubeconfig = path }, TimeProvider.System);
        Assert.Equal(SecretOutcome.Unavailable, (await source.FetchAsync(Reference("k8s://sre/grafana#token"), StoreFixture.Token)).Outcome);
        Assert.Empty(_api.Requests);
    }

    [Theory]
    [InlineData("k8s-canary-value")]
    [InlineData("{")]
    [InlineData("- a")]
    [InlineData("current-context: x")]
    [InlineData("")]
    public async Task What_is_no_kubeconfig_is_refused_without_quoting_it(string text)
    {
        await WriteAsync("config", text);
        var error = Assert.Single(new SecretsOptions { Kubernetes = new KubernetesOptions { Kubeconfig = Path.Combine(_folder, "config") } }.Validate());
        Assert.DoesNotContain(Canary, error, StringComparison.Ordinal);
    }

    private KubernetesOptions InCluster() => new() { ApiServer = _api.Address, CaFile = _api.Authority.CaFile, TokenFile = Path.Combine(_folder, "token") };

    private async Task<string> KubeconfigAsync(string user, string cluster = "")
    {
        await WriteAsync("config", $"""
            apiVersion: v1
            kind: Config
            current-context: here
            contexts:
            - name: here
              context: ({"cluster: c, user: u"})
            - name: other
              context: ({"cluster: none, user: u"})
            clusters:
            - name: c
              cluster: ({$"server: {_api.Address}, certificate-authority-data: {Base64(_api.Authority.CaPem)}{(cluster.Length > 0 ? ", " + cluster : "")}"})
            users:
            - name: u
              user: ({user})
            """.Replace('(', '{').Replace(')', '}'));
        return Path.Combine(_folder, "config");
    }

    private static string Base64(string text) => Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(text));

    private Task WriteAsync(string name, string text) => File.WriteAllTextAsync(Path.Combine(_folder, name), text, StoreFixture.Token);

    private static SecretReference Reference(string text) => SecretReferenceTests.Parse(text);

    private async Task ExpectAsync(SecretOutcome outcome, string hint, string reference = "k8s://sre/grafana#token")
    {
        var result = await FetchAsync(reference);
        Assert.Equal(outcome, result.Outcome);
        Assert.Contains(hint, result.Reason, StringComparison.Ordinal);
    }

    private async Task<SecretResult> FetchAsync(string reference = "k8s://sre/grafana#token")
    {
        var result = await _source.FetchAsync(Reference(reference), StoreFixture.Token);
        Assert.DoesNotContain(Canary, result.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("sa-token", result.ToString(), StringComparison.Ordinal);
        return result;
    }

    public async ValueTask DisposeAsync()
    {
        _source.Dispose();
        await _api.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
