using System.Collections.Concurrent;
using System.Net;
using System.Text;
using IncidentFox.Core;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Injection;
using IncidentFox.Gateway.Injection.Minting;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;
using IncidentFox.Secrets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace IncidentFox.Gateway.Tests.Sending;

/// <summary>A sender over a vault that the test fills, names that the test resolves, a clock that the test moves and a log that it reads.</summary>
internal sealed class SenderFixture : ISecretSource, IHostResolver, IMintObserver, ILogger<UpstreamSender>, IDisposable
{
    public const string ReadSecret = "canary-for-reads+/1=";
    public const string WriteSecret = "canary-for-writes-2";

    private readonly SecretStore _store;

    /// <summary>Over <see cref="Vault"/>, or over a store of the test's own.</summary>
    public SenderFixture(Func<FakeTimeProvider, SecretStore>? store = null)
    {
        _store = store?.Invoke(Time) ?? new SecretStore([this], [], new SecretsOptions(), Time, NullLogger<SecretStore>.Instance);
        Sender = new UpstreamSender(new CredentialSource(_store), this, this, Time, this);
        Vault["read"] = ReadSecret;
        Vault["write"] = WriteSecret;
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 3, 4, 5, 6, 7, TimeSpan.Zero));   // moving it there later would run every timer of the years between

    public UpstreamSender Sender { get; }

    /// <summary>What the vault holds now.</summary>
    public ConcurrentDictionary<string, string> Vault { get; } = new();

    public int Fetches;

    /// <summary>Every question to a token endpoint.</summary>
    public ConcurrentQueue<MintEvent> Mints { get; } = new();

    /// <summary>What recording one does.</summary>
    public Func<MintEvent, ValueTask> Record { get; set; } = _ => default;

    public ValueTask MintedAsync(MintEvent minted, CancellationToken cancellationToken)
    {
        Mints.Enqueue(minted);
        return Record(minted);
    }

    /// <summary>What names resolve to.</summary>
    public Func<string, IReadOnlyList<IPAddress>> Names { get; set; } = _ => [IPAddress.Loopback];

    public ConcurrentQueue<string> Logged { get; } = new();

    public static SendContext Context { get; } = new()
    {
        Org = new OrgId("acme"), Team = new TeamId("payments"), Investigation = InvestigationId.New(), UserId = "U1", CorrelationId = "corr-1",
    };

    /// <summary>A target called <c>prometheus</c> at this port of loopback, which it may be at.</summary>
    public static Integration Target(int port, AuthScheme scheme = AuthScheme.Bearer, string host = "127.0.0.1", string transport = "http", string? caFile = null, string allowed = "127.0.0.0/8") => new()
    {
        Name = "prometheus",
        Description = "Metrics.",
        BaseUrl = new Uri($"{transport}://{host}:{port}"),
        Auth = Auth(scheme),
        Network = new NetworkSettings { AllowedRanges = [.. allowed.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(r => IPNetwork.Parse(r))], CaFile = caFile },
        Limits = new LimitSettings { ResponseBytes = 100_000, Timeout = TimeSpan.FromSeconds(30) },
        Rules = [],
    };

    /// <summary>A scheme with one secret, <c>read</c> and <c>write</c> in the vault.</summary>
    public static AuthSettings Auth(AuthScheme scheme)
    {
        if (scheme == AuthScheme.None)
            return new AuthSettings { Scheme = scheme };
        var slot = scheme switch { AuthScheme.Basic => "password", AuthScheme.Header or AuthScheme.Query => "key", _ => "token" };
        return new AuthSettings
        {
            Scheme = scheme,
            Read = [new(slot, "keyvault://acme/read")],
            Write = [new(slot, "keyvault://acme/write")],
            Options = scheme == AuthScheme.Basic ? new Dictionary<string, string> { ["username"] = "reader" } : [],
            Fields = scheme switch
            {
                AuthScheme.Header => [new("X-Api-Key", [new(null, "key")])],
                AuthScheme.Query => [new("api_key", [new(null, "key")])],
                _ => [],
            },
        };
    }

    public static OutgoingRequest Get(Integration integration, string path = "/api/v1/query?query=up") => Request(integration, "GET", path, null, write: false);

    public static OutgoingRequest Delete(Integration integration, string? body = null) => Request(integration, "DELETE", "/pods/checkout-1", body, write: true);

    private static OutgoingRequest Request(Integration integration, string method, string path, string? body, bool write) => new()
    {
        Integration = integration,
        Method = method,
        PathAndQuery = path,
        Headers = [("Accept", "application/json")],
        ContentType = body is null ? null : "application/json",
        Body = body is null ? null : Encoding.UTF8.GetBytes(body),
        UseWriteCredential = write,
        Call = new ToolCall { Integration = integration.Name, Tool = "tool", Effect = write ? ToolEffect.Write : ToolEffect.Read, RuleVersion = "1", Parameters = [] },
    };

    public Task<UpstreamResult> SendAsync(OutgoingRequest request, CancellationToken cancellationToken = default) => Sender.SendAsync(request, Context, cancellationToken);

    public async Task<(int Status, string Body)> AnswerAsync(OutgoingRequest request)
    {
        await using var response = Assert.IsType<UpstreamResult.Response>(await SendAsync(request));
        return (response.Status, await TextAsync(response));
    }

    public async Task<UpstreamResult.Failed> FailureAsync(OutgoingRequest request) => Assert.IsType<UpstreamResult.Failed>(await SendAsync(request));

    public static async Task<string> TextAsync(UpstreamResult.Response response)
    {
        using var reader = new StreamReader(response.Body, Encoding.UTF8);
        return await reader.ReadToEndAsync();
    }

    public SecretScheme Scheme => SecretScheme.KeyVault;

    public ValueTask<SecretResult> FetchAsync(SecretReference reference, CancellationToken cancellationToken)
    {
        var n = Interlocked.Increment(ref Fetches);
        return new(Vault.TryGetValue(reference.Name, out var value)
            ? SecretResult.Found(new SecretValue(value, $"v{n}", Time.GetUtcNow()))
            : SecretResult.NotFound($"There is no secret {reference}."));
    }

    public bool IsStillCurrent(SecretReference reference, SecretValue value) => true;

    public Task<IReadOnlyList<IPAddress>> ResolveAsync(string host, CancellationToken cancellationToken) => Task.FromResult(Names(host));

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Logged.Enqueue($"{logLevel}: {formatter(state, exception)} {exception}");

    public void Dispose()
    {
        Sender.Dispose();
        _store.Dispose();
    }
}
