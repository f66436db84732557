using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace IncidentFox.Secrets.Tests;

/// <summary>A store over a scripted source, a fake clock, a recording observer and a recording log.</summary>
internal sealed class StoreFixture : ISecretSource, ISecretObserver, ILogger<SecretStore>, IDisposable
{
    public static readonly SecretReference Password = SecretReferenceTests.Parse("keyvault://acme-prod/password");

    private int _fetches;

    public static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    public StoreFixture(SecretsOptions? options = null)
    {
        Options = options ?? new SecretsOptions();
        Script = (_, n) => Task.FromResult(Found($"{n}"));
        Store = new SecretStore([this], [this], Options, Time, this);
    }

    public FakeTimeProvider Time { get; } = new(DateTimeOffset.UnixEpoch.AddYears(50));

    public SecretsOptions Options { get; }

    public SecretStore Store { get; }

    /// <summary>Gives the answer to the n-th fetch, counted from 1.</summary>
    public Func<CancellationToken, int, Task<SecretResult>> Script { get; set; }

    public Func<SecretValue, bool> Current { get; set; } = static _ => true;

    public Func<SecretFetch, CancellationToken, ValueTask> Observe { get; set; } = static (_, _) => ValueTask.CompletedTask;

    public ConcurrentQueue<SecretFetch> Observed { get; } = new();

    public ConcurrentQueue<string> Logged { get; } = new();

    public int Fetches => Volatile.Read(ref _fetches);

    public SecretScheme Scheme => SecretScheme.KeyVault;

    public SecretResult Found(string version, DateTimeOffset? expires = null) =>
        SecretResult.Found(new SecretValue("canary-" + version, version, Time.GetUtcNow(), expires));

    public async Task<string> VersionAsync(SecretReference? reference = null)
    {
        var result = await Store.GetAsync(reference ?? Password, Token);
        return result.Value?.Version ?? result.Outcome.ToString();
    }

    /// <summary>Gets until the background has done its work.</summary>
    public Task UntilVersionAsync(string version) => UntilAsync(async () => await VersionAsync() == version);

    /// <summary>Waits for what other threads are about to do; the limit only makes a failure end.</summary>
    public static Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    /// <inheritdoc cref="UntilAsync(Func{bool})"/>
    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        while (!await condition())
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    public async ValueTask<SecretResult> FetchAsync(SecretReference reference, CancellationToken cancellationToken) =>
        await Script(cancellationToken, Interlocked.Increment(ref _fetches));

    public bool IsStillCurrent(SecretReference reference, SecretValue value) => Current(value);

    public async ValueTask FetchedAsync(SecretFetch fetch, CancellationToken cancellationToken)
    {
        await Observe(fetch, cancellationToken);
        Observed.Enqueue(fetch);
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Logged.Enqueue(formatter(state, exception) + exception);

    public void Dispose() => Store.Dispose();
}
