using IncidentFox.Host.Tests.Kit;
using IncidentFox.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Host.Tests.Cli;

public sealed class IntegrationsCommandTests(TestPostgres postgres) : IDisposable
{
    private readonly Installation _here = new();

    private string Folder => (string)_here["Gateway"]["IntegrationsPaths"]![0]!;

    [Fact]
    public async Task List_and_explain_need_no_database_and_show_no_secret()
    {
        Write("prometheus.yaml", "http://127.0.0.1:9090", _here.Secret("prom", "hunter2-hunter2-hunter2"));
        var (code, output, error) = await _here.RunAsync("integrations", "list");
        Assert.True(code == 0, error);
        Assert.Contains("http://127.0.0.1:9090/", output, StringComparison.Ordinal);
        Assert.Contains("basic", output, StringComparison.Ordinal);

        (code, output, error) = await _here.RunAsync("integrations", "list", "prometheus");
        Assert.True(code == 0, error);
        Assert.Contains("GET /api/v1/query_range", output, StringComparison.Ordinal);

        (code, output, error) = await _here.RunAsync("integrations", "explain", "GET", "http://127.0.0.1:9090/api/v1/query?query=up");
        Assert.True(code == 0, error + output);
        Assert.Contains("query_metrics (read)", output, StringComparison.Ordinal);
        Assert.Contains("allowed", output, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", output + error, StringComparison.Ordinal);

        (code, output, _) = await _here.RunAsync("integrations", "explain", "GET", "http://127.0.0.1:9090/api/v1/targets");
        Assert.Equal(1, code);
        Assert.Contains("the nearest is", output, StringComparison.Ordinal);
        Assert.Contains("request: \"GET /api/v1/targets\"", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lint_names_every_mistake_with_file_and_line_and_ends_with_1()
    {
        Write("prometheus.yaml", "http://127.0.0.1:9090", _here.Secret("prom", "hunter2-hunter2-hunter2"));
        var (code, output, _) = await _here.RunAsync("integrations", "lint");
        Assert.Equal(0, code);
        Assert.Contains("No mistake: 1 integration(s)", output, StringComparison.Ordinal);
        Assert.Contains("note: prometheus sends its credential over http", output, StringComparison.Ordinal);

        var bad = Path.Combine(Folder, "bad.yaml");
        await File.WriteAllTextAsync(bad, "integration: Bad!\nwhat: 1\n", TestContext.Current.CancellationToken);
        (code, _, var error) = await _here.RunAsync("integrations", "lint", bad);
        Assert.Equal(1, code);
        Assert.Contains($"{bad}:1: integration", error, StringComparison.Ordinal);
        Assert.Contains($"{bad}:2: 'what' is not known here", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Test_asks_one_harmless_read_with_the_real_credential_and_is_audited()
    {
        await using var database = await postgres.CreateAsync(TestContext.Current.CancellationToken);
        _here.Use(database);
        var secret = _here.Secret("prom", "right-password-of-this-test");
        await using var target = await TargetAsync("right-password-of-this-test");
        Write("prometheus.yaml", Address(target), secret);

        var (code, output, error) = await _here.RunAsync("integrations", "test", "prometheus");
        Assert.True(code == 0, error + output);
        Assert.Contains("200, 1 rows", output, StringComparison.Ordinal);

        _here.Secret("prom", "wrong-password-of-this-test");
        (code, output, error) = await _here.RunAsync("integrations", "test", "prometheus");
        Assert.Equal(1, code);
        Assert.Contains("credential_refused", output, StringComparison.Ordinal);
        Assert.DoesNotContain("password-of-this-test", output + error, StringComparison.Ordinal);

        (_, output, _) = await _here.RunAsync("audit", "tail", "--json");
        var lines = output.Split('\n').Where(l => l.Contains("\"purpose\":\"test\"", StringComparison.Ordinal)).ToList();
        Assert.Equal(["tool_requested", "tool_executed", "tool_requested", "tool_executed"], lines.Select(l => (string)System.Text.Json.Nodes.JsonNode.Parse(l)!["event_type"]!));
        Assert.DoesNotContain("password-of-this-test", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Test_without_a_database_sends_nothing()
    {
        var asked = 0;
        await using var target = await TargetAsync("x", () => asked++);
        Write("prometheus.yaml", Address(target), _here.Secret("prom", "right-password-of-this-test"));
        var (code, _, error) = await _here.RunAsync("integrations", "test", "prometheus");
        Assert.Equal(2, code);
        Assert.Contains("database", error, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(0, asked);
    }

    public void Dispose() => _here.Dispose();

    private void Write(string name, string address, string secret) => File.WriteAllText(Path.Combine(Folder, name), $$"""
        integration: prometheus
        extends: prometheus
        base_url: {{address}}
        auth: {read: "{{secret}}", username: incidentfox}
        network: {allow: ["127.0.0.0/8"]}
        """);

    private static string Address(WebApplication app) => app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    private static async Task<WebApplication> TargetAsync(string password, Action? asked = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.Run(async http =>
        {
            asked?.Invoke();
            var expected = "Basic " + Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes("incidentfox:" + password));
            if (http.Request.Headers.Authorization != expected || http.Request.Path != "/api/v1/query" || http.Request.Query["query"] != "vector(1)")
                http.Response.StatusCode = 401;
            else
                await http.Response.WriteAsJsonAsync(new { status = "success", data = new { resultType = "vector", result = new[] { new { value = 1 } } } });
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return app;
    }
}
