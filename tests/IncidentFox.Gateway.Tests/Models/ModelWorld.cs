using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using IncidentFox.Contracts;
using IncidentFox.Core.Audit;
using IncidentFox.Gateway.Models;
using IncidentFox.Gateway.Sending;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.Gateway.Tests.Injection;
using IncidentFox.Secrets;
using IncidentFox.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Xunit;

namespace IncidentFox.Gateway.Tests.Models;

/// <summary>A whole gateway with one provider, which is a double on loopback; the key is in a file.</summary>
internal sealed class ModelWorld : IAsyncDisposable, ILoggerProvider, ILogger
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("ifm");
    private GatewayHost? _host;
    private TestServer? _provider;

    public GatewayHost Host => _host!;

    public TestServer Provider => _provider!;

    public ConcurrentQueue<string> Logged { get; } = new();

    private string KeyFile => Path.Combine(_directory.FullName, "key");

    public static async Task<ModelWorld> StartAsync(
        TestPostgres postgres, string kind = "anthropic", ModelBudgetOptions? budgets = null, string policy = "{}", string[]? teams = null, string range = "127.0.0.0/8", TimeSpan? timeout = null)
    {
        var world = new ModelWorld();
        world._provider = await TestServer.StartAsync(seen => ModelDouble.Answer(kind, seen));
        world.PutKey(ModelDouble.Key);
        var (catalog, errors) = ModelCatalogReader.Read(new ModelOptions
        {
            Providers =
            [
                new()
                {
                    Name = "main", Kind = kind, Key = $"file://{world.KeyFile}", AllowRanges = [range], Teams = teams ?? [],
                    BaseUrl = $"http://127.0.0.1:{world._provider.Port}{kind switch { "anthropic" => "", "azure_openai" => "/openai/v1", _ => "/v1" }}",
                    Models = [new() { Id = "the-model", Name = "clever", MaxOutputTokens = 1_000, InputPrice = 3, OutputPrice = 15 }],
                },
            ],
            Budgets = budgets ?? new(),
        }, null);
        Assert.Empty(errors);
        if (timeout is { } limit)
        {
            catalog = new ModelCatalog([.. catalog!.All.Select(o => o with
            {
                Provider = o.Provider with { Target = o.Provider.Target with { Limits = o.Provider.Target.Limits with { Timeout = limit } } },
            })], catalog.Budgets);
        }
        world._host = await GatewayHost.StartAsync(postgres, policy, more: services =>
        {
            services.AddLogging(l => l.AddProvider(world));
            services.AddSingleton(catalog!);
            services.AddSecrets(new SecretsOptions { File = new FileSecretsOptions { Directories = [world._directory.FullName] } });
            services.RemoveAll<IUpstreamSender>();
            services.AddSending();
        });
        return world;
    }

    public static string Turn(string more = "", int maxTokens = 500, string text = "canary-question", string? tools = """["list_pods"]""") =>
        $$"""{"v":1,"type":"model_turn","messages":[{"role":"user","text":"{{text}}"}],"max_tokens":{{maxTokens}}{{(tools is null ? "" : $",\"tools\":{tools}")}}{{more}}}""";

    public static Task<Answer> AskAsync(TestSandbox sandbox, string? turn = null) => sandbox.SendAsync("POST", Protocol.ModelPath, turn ?? Turn());

    public void PutKey(string key)
    {
        var next = KeyFile + ".next";
        File.WriteAllText(next, key);
        File.SetUnixFileMode(next, UnixFileMode.UserRead);
        File.Move(next, KeyFile, overwrite: true);
    }

    /// <summary>What was counted, oldest first.</summary>
    public Task<IReadOnlyList<Counted>> CountedAsync() => Host.Database.QueryAsync<Counted>(
        "select state, tokens, cost_micros as CostMicros, input_tokens as InputTokens, output_tokens as OutputTokens from app.model_turns order by id");

    /// <summary>The end's row is written after the answer.</summary>
    public async Task<AuditEvent> EndAsync(TestSandbox sandbox)
    {
        for (var i = 0; i < 200; i++)
        {
            if ((await Host.AuditAsync(sandbox.Investigation, AuditEventTypes.ModelAnswered)).LastOrDefault() is { } row)
                return row;
            await Task.Delay(25, TestContext.Current.CancellationToken);
        }
        throw new TimeoutException("No audit row model_answered appeared.");
    }

    /// <summary>Neither key nor prompt nor answer is anywhere but where it belongs.</summary>
    public async Task AssertNothingLeakedAsync(params string[] answers)
    {
        var rows = string.Join('\n', (await Host.AuditAsync()).Select(r => AuditJson.Format(r).ToJsonString()).Concat(Logged));
        foreach (var canary in new[] { "canary", "sk-canary", Convert.ToBase64String("sk-canary-0123"u8)[..16], "provider's own words" })
            Assert.DoesNotContain(canary, rows, StringComparison.Ordinal);
        Assert.All(answers, a => Assert.DoesNotContain("sk-canary", a, StringComparison.Ordinal));
        Assert.All(answers, a => Assert.DoesNotContain("provider's own words", a, StringComparison.Ordinal));
    }

    ILogger ILoggerProvider.CreateLogger(string categoryName) => this;

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => true;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Logged.Enqueue($"{logLevel}: {formatter(state, exception)} {exception}");

    void IDisposable.Dispose()
    {
        // The host disposes of its loggers; there is nothing to end.
    }

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
            await _host.DisposeAsync();
        if (_provider is not null)
            await _provider.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    public sealed record Counted
    {
        public string State { get; init; } = "";
        public long Tokens { get; init; }
        public long CostMicros { get; init; }
        public long? InputTokens { get; init; }
        public long? OutputTokens { get; init; }
    }
}
