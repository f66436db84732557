using System.Collections.Concurrent;
using IncidentFox.Secrets.Vault;
using IncidentFox.TestKit.Vault;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace IncidentFox.Secrets.Tests;

/// <summary>The Vault source against the double over TLS, what opens Vault in a store that the test fills, a clock that it moves and a log that it reads.</summary>
internal sealed class VaultFixture : ILogger<VaultSource>, IAsyncDisposable
{
    public const string Canary = "vault-canary-value";
    public const string KeyReference = "file:///etc/incidentfox/secrets/vault";

    private VaultFixture(VaultDouble vault, FakeTimeProvider time) => (Vault, Time) = (vault, time);

    public VaultDouble Vault { get; }

    public FakeTimeProvider Time { get; }

    /// <summary>What the other store holds under <see cref="KeyReference"/>: as cached, and as fetched anew.</summary>
    public (string Cached, string Fresh) Key { get; set; }

    public SecretResult? KeyProblem { get; set; }

    public ConcurrentQueue<string> Logged { get; } = new();

    public VaultSource Source { get; private set; } = null!;

    public static async Task<VaultFixture> StartAsync(VaultAuthOptions auth, Func<VaultDouble, VaultOptions>? options = null)
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56));
        var vault = await VaultDouble.StartAsync(time, StoreFixture.Token);
        var fixture = new VaultFixture(vault, time);
        fixture.Source = new VaultSource(options?.Invoke(vault) ?? new VaultOptions { Address = vault.Address, CaFile = vault.CaFile, Auth = auth }, fixture.LookUpAsync, time, fixture);
        vault.Contents.Set("secret/app", "password", Canary);
        return fixture;
    }

    public static Task<VaultFixture> AppRoleAsync()
    {
        return WithKeyAsync(StartAsync(new VaultAuthOptions { Method = "approle", RoleId = "role-1", SecretId = KeyReference }), "secret-id-1");

        static async Task<VaultFixture> WithKeyAsync(Task<VaultFixture> starting, string key)
        {
            var fixture = await starting;
            fixture.Key = (key, key);
            return fixture;
        }
    }

    public static async Task<VaultFixture> TokenAsync(TimeSpan lease, bool renewable)
    {
        var fixture = await StartAsync(new VaultAuthOptions { Method = "token", Token = KeyReference });
        var token = fixture.Vault.Tokens.Create(lease, renewable);
        fixture.Key = (token, token);
        return fixture;
    }

    public async Task<SecretResult> FetchAsync(string reference = "vault://secret/app#password")
    {
        var result = await Source.FetchAsync(SecretReferenceTests.Parse(reference), StoreFixture.Token);
        foreach (var secret in (string[])[Canary, "secret-id-", "jwt-", "hvs."])
        {
            Xunit.Assert.DoesNotContain(secret, result.ToString() + string.Concat(Logged), StringComparison.Ordinal);
        }

        return result;
    }

    private ValueTask<SecretResult> LookUpAsync(SecretReference reference, bool fresh, CancellationToken cancellationToken)
    {
        Xunit.Assert.Equal(KeyReference, reference.ToString());
        return new(KeyProblem ?? SecretResult.Found(new SecretValue(fresh ? Key.Fresh : Key.Cached, "1", Time.GetUtcNow())));
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Logged.Enqueue(formatter(state, exception) + exception);

    public async ValueTask DisposeAsync()
    {
        Source.Dispose();
        await Vault.DisposeAsync();
    }
}
