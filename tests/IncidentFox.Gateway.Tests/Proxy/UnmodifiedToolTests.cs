using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Core.Audit;
using IncidentFox.Gateway.Execution;
using IncidentFox.Gateway.Sending;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.Secrets;
using IncidentFox.TestKit;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Xunit;

namespace IncidentFox.Gateway.Tests.Proxy;

/// <summary>
/// curl, git and kubectl as they come, with nothing but a proxy and a certificate authority. They hold no credential; the target asks for one, and gets the gateway's.
/// </summary>
public sealed class UnmodifiedToolTests(TestPostgres postgres) : IHostResolver, IDisposable
{
    private const string Secret = "canary-behind-the-proxy";

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("ift");

    [Theory]
    [InlineData("--http1.1", "1.1")]
    [InlineData("--http2", "2")]
    public async Task Curl_asks_Kubernetes(string flag, string version)
    {
        await using var target = await TargetServer.StartAsync("kube.test", "Bearer " + Secret, Kubernetes);
        await using var world = await StartAsync(target, "kubernetes", "kube.test", "");
        var sandbox = await world.Host.OpenCagedAsync();
        await using var relay = new TestRelay(sandbox);
        var url = $"https://kube.test:{target.Port}/api/v1/namespaces/shop/pods";
        var (code, output, error) = await RunAsync("curl", ["-sS", flag, "-x", relay.Url, "--cacert", ProxyWorld.CaFile(sandbox), "-w", "\n%{http_version} %{http_code}", url]);
        Assert.True(code == 0, error);
        Assert.EndsWith($"\n{version} 200", output, StringComparison.Ordinal);
        Assert.Contains("checkout-1", output, StringComparison.Ordinal);
        // The target reflects the credential; it does not come back.
        Assert.DoesNotContain(Secret, output, StringComparison.Ordinal);
        Assert.Contains("[redacted", output, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(target.Refused);

        var (refused, _, why) = await RunAsync("curl", ["-sSv", "-x", relay.Url, "--cacert", ProxyWorld.CaFile(sandbox), "https://example.com/"]);
        Assert.Equal(56, refused);   // CURLE_RECV_ERROR: the proxy refused
        Assert.Contains("403 No integration of this team is at example.com:443", why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Kubectl_lists_pods_reads_logs_and_can_not_read_secrets()
    {
        await using var target = await TargetServer.StartAsync("kube.test", "Bearer " + Secret, Kubernetes);
        await using var world = await StartAsync(target, "kubernetes", "kube.test", "");
        var sandbox = await world.Host.OpenCagedAsync();
        await using var relay = new TestRelay(sandbox);
        var config = Path.Combine(_directory.FullName, "config");
        // Over https kubectl does not start without somebody to be: a certificate that nobody asks it for.
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var nobody = new CertificateRequest("CN=nobody", key, HashAlgorithmName.SHA256).CreateSelfSigned(TimeProvider.System.GetUtcNow(), TimeProvider.System.GetUtcNow().AddDays(1));
        string Data(string pem) => Convert.ToBase64String(Encoding.ASCII.GetBytes(pem));
        await File.WriteAllTextAsync(config, $$"""
            apiVersion: v1
            kind: Config
            current-context: c
            contexts: [{name: c, context: {cluster: k, namespace: shop, user: nobody} }]
            users: [{name: nobody, user: {client-certificate-data: "{{Data(nobody.ExportCertificatePem())}}", client-key-data: "{{Data(key.ExportPkcs8PrivateKeyPem())}}"} }]
            clusters:
              - name: k
                cluster: {server: "https://kube.test:{{target.Port}}", proxy-url: "{{relay.Url}}", certificate-authority: "{{ProxyWorld.CaFile(sandbox)}}"}
            """, TestContext.Current.CancellationToken);

        var (code, output, error) = await RunAsync("kubectl", ["--kubeconfig", config, "get", "pods", "-o", "name"]);
        Assert.True(code == 0, $"{output} {error} {string.Join("; ", target.Asked)}");
        Assert.Equal("pod/checkout-1", output.Trim());
        (code, output, error) = await RunAsync("kubectl", ["--kubeconfig", config, "logs", "checkout-1", "--tail=5"]);
        Assert.True(code == 0, error);
        Assert.Equal("panic: no connection", output.Trim());
        (code, output, error) = await RunAsync("kubectl", ["--kubeconfig", config, "get", "secrets"]);
        Assert.NotEqual(0, code);
        Assert.DoesNotContain(Secret, output + error, StringComparison.Ordinal);
        Assert.DoesNotContain(target.Asked, a => a.Contains("secrets", StringComparison.Ordinal));
        Assert.Empty(target.Refused);
        var tools = (await world.Host.AuditAsync(sandbox.Investigation, AuditEventTypes.ToolRequested)).Select(r => r.Tool).ToList();
        Assert.Contains("list_pods", tools);
        Assert.Contains("get_pod_logs", tools);
    }

    [Theory]
    [InlineData("HTTP/1.1")]
    [InlineData("HTTP/2")]
    public async Task Git_clones_and_fetches_and_can_not_push(string version)
    {
        var repositories = _directory.CreateSubdirectory("repositories");
        var work = Path.Combine(_directory.FullName, "work");
        await GitAsync(null, "init", "-q", "--bare", "-b", "main", Path.Combine(repositories.FullName, "acme", "shop.git"));
        await GitAsync(null, "init", "-q", "-b", "main", work);
        await File.WriteAllBytesAsync(Path.Combine(work, "data"), RandomNumberGenerator.GetBytes(300_000), TestContext.Current.CancellationToken);
        await CommitAsync(work, "first");
        // Many branches make a question of more than a kilobyte, which git then compresses.
        for (var i = 0; i < 60; i++)
        {
            await CommitAsync(work, $"b{i}");
            await GitAsync(work, "branch", $"b{i}");
        }
        await GitAsync(work, "push", "-q", "--all", Path.Combine(repositories.FullName, "acme", "shop.git"));

        await using var target = await TargetServer.StartAsync("git.test", "Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes("x-access-token:" + Secret)),
            http => TargetServer.GitAsync(http, repositories.FullName));
        await using var world = await StartAsync(target, "git", "git.test", "username: x-access-token, ");
        var sandbox = await world.Host.OpenCagedAsync();
        await using var relay = new TestRelay(sandbox);
        var url = $"https://git.test:{target.Port}/acme/shop.git";
        var clone = Path.Combine(_directory.FullName, "clone-" + version.Replace("/", "", StringComparison.Ordinal));
        string[] settings = ["-c", $"http.proxy={relay.Url}", "-c", $"http.sslCAInfo={ProxyWorld.CaFile(sandbox)}", "-c", $"http.version={version}"];

        var (code, output, error) = await RunAsync("git", [.. settings, "clone", "-q", url, clone]);
        Assert.True(code == 0, $"{output} {error} {string.Join("; ", target.Asked)}");
        Assert.Equal(await File.ReadAllBytesAsync(Path.Combine(work, "data"), TestContext.Current.CancellationToken), await File.ReadAllBytesAsync(Path.Combine(clone, "data"), TestContext.Current.CancellationToken));

        await CommitAsync(work, "second");
        await GitAsync(work, "push", "-q", Path.Combine(repositories.FullName, "acme", "shop.git"), "main");
        (code, _, error) = await RunAsync("git", [.. settings, "-C", clone, "fetch", "-q"]);
        Assert.True(code == 0, error);
        Assert.Equal((await GitAsync(work, "rev-parse", "main")).Trim(), (await GitAsync(clone, "rev-parse", "origin/main")).Trim());

        await CommitAsync(clone, "mine");
        (code, _, error) = await RunAsync("git", [.. settings, "-C", clone, "push", "-q", "origin", "HEAD"]);
        Assert.NotEqual(0, code);
        Assert.DoesNotContain(target.Asked, a => a.Contains("receive-pack", StringComparison.Ordinal));
        Assert.Empty(target.Refused);

        var rows = await world.Host.AuditAsync(sandbox.Investigation, AuditEventTypes.ToolRequested);
        var fetches = rows.Where(r => r.Tool == "git_fetch").ToList();
        Assert.NotEmpty(fetches);
        Assert.All(fetches, r => Assert.Matches("^[0-9a-f]{64}$", (string)r.Parameters!["body_sha256"]!));
        Assert.Contains(fetches, r => (int)r.Parameters!["body_bytes"]! > 1_024);
        Assert.All(rows, r => Assert.Equal("acme/shop.git", (string)r.Parameters!["repository"]!));
        Assert.DoesNotContain(Secret, string.Join('\n', (await world.Host.AuditAsync()).Select(r => AuditJson.Format(r).ToJsonString())), StringComparison.Ordinal);
    }

    public Task<IReadOnlyList<IPAddress>> ResolveAsync(string host, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<IPAddress>>([IPAddress.Loopback]);

    public void Dispose() => _directory.Delete(recursive: true);

    private async Task<ProxyWorld> StartAsync(TargetServer target, string name, string host, string options)
    {
        var secret = Path.Combine(_directory.FullName, "secret");
        var authority = Path.Combine(_directory.FullName, "target.pem");
        await File.WriteAllTextAsync(authority, target.AuthorityPem, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(secret, Secret, TestContext.Current.CancellationToken);
        File.SetUnixFileMode(secret, UnixFileMode.UserRead);
        var file = $$"""
            integration: {{name}}
            extends: {{name}}
            base_url: https://{{host}}:{{target.Port}}
            auth: { {{options}}read: "file://{{secret}}"}
            network: {allow: ["127.0.0.0/8"], ca_file: "{{authority}}"}
            """;
        return await ProxyWorld.StartAsync(postgres, files: [file], more: services =>
        {
            services.AddSecrets(new SecretsOptions { File = new FileSecretsOptions { Directories = [_directory.FullName] } });
            services.RemoveAll<IUpstreamSender>();
            services.AddSingleton<IHostResolver>(this);
            services.AddSending();
            services.AddSingleton<AuditedSend>();
        });
    }

    private static async Task Kubernetes(HttpContext http)
    {
        var pod = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Pod", ["metadata"] = new JsonObject { ["name"] = "checkout-1", ["namespace"] = "shop" }, ["spec"] = new JsonObject { ["containers"] = new JsonArray(new JsonObject { ["name"] = "app" }) } };
        JsonNode? body = http.Request.Path.Value switch
        {
            "/api" => JsonNode.Parse("""{"kind":"APIVersions","versions":["v1"]}"""),
            "/apis" => JsonNode.Parse("""{"kind":"APIGroupList","apiVersion":"v1","groups":[]}"""),
            "/api/v1" => JsonNode.Parse("""{"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["get","list"],"shortNames":["po"]},{"name":"secrets","singularName":"secret","namespaced":true,"kind":"Secret","verbs":["get","list"]}]}"""),
            "/api/v1/namespaces/shop/pods" => new JsonObject { ["kind"] = "PodList", ["apiVersion"] = "v1", ["metadata"] = new JsonObject { ["note"] = http.Request.Headers.Authorization.ToString() }, ["items"] = new JsonArray(pod) },
            "/api/v1/namespaces/shop/pods/checkout-1" => pod,
            "/api/v1/namespaces/shop/pods/checkout-1/log" => null,
            _ => JsonNode.Parse("""{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}"""),
        };
        if (body is null)
        {
            http.Response.ContentType = "text/plain";
            await http.Response.WriteAsync("panic: no connection\n");
            return;
        }
        http.Response.StatusCode = (string?)body["status"] == "Failure" ? 404 : 200;
        http.Response.ContentType = "application/json";
        await http.Response.WriteAsync(body.ToJsonString());
    }

    private static async Task CommitAsync(string folder, string message)
    {
        await GitAsync(folder, "add", "-A");
        await GitAsync(folder, "-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "-q", "--allow-empty", "-m", message);
    }

    private static async Task<string> GitAsync(string? folder, params string[] arguments)
    {
        var (code, output, error) = await RunAsync("git", folder is null ? arguments : ["-C", folder, .. arguments]);
        Assert.True(code == 0, $"git {string.Join(' ', arguments)}: {error}");
        return output;
    }

    // As in a sandbox: no configuration, no credentials, nobody to ask; only what a sandbox is told.
    private static async Task<(int Code, string Output, string Error)> RunAsync(string program, IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.Environment.Clear();
        start.Environment["PATH"] = "/usr/local/bin:/usr/bin:/bin";
        start.Environment["HOME"] = "/nonexistent";
        start.Environment["GIT_CONFIG_NOSYSTEM"] = "1";
        start.Environment["GIT_TERMINAL_PROMPT"] = "0";
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken), process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromMinutes(2));
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
        return (process.ExitCode, await output, await error);
    }
}
