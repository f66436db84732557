using System.Collections.Concurrent;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;
using IncidentFox.Secrets;
using IncidentFox.TestKit.Vault;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace IncidentFox.Gateway.Tests.Sending;

/// <summary>
/// A secret changes in the vault while 1,000 requests run through the real sender and the real store, ten at a time, over ten minutes of
/// a clock that the test moves. The target notes which secret came when.
/// </summary>
public sealed class SecretRotationTests
{
    private const string Old = "canary-old-secret-1";
    private const string New = "canary-new-secret-2";
    private const int Steps = 100, AtOnce = 10, RotatedAt = 30;

    private static readonly TimeSpan Step = TimeSpan.FromSeconds(6);
    private static readonly SecretsOptions Defaults = new();

    private readonly ConcurrentQueue<(DateTimeOffset At, string Secret)> _seen = new();
    private readonly ConcurrentQueue<(DateTimeOffset At, string Code)> _failures = new();
    private FakeTimeProvider _time = null!;
    private DateTimeOffset _rotated;
    private int _answered;
    private int _fetched;

    [Fact]
    public async Task When_the_target_knows_only_the_new_secret_from_then_on_no_request_fails()
    {
        await RunAsync(lag: TimeSpan.Zero, targetTakesBoth: false);
        Assert.Equal(Steps * AtOnce, _answered);
        Assert.Empty(_failures);
        // Those on their way at that moment may have been sent with the old one; the next ten were not.
        Assert.DoesNotContain(_seen, s => s.Secret == Old && s.At > _rotated);
        Assert.InRange(_fetched, 2, 6);   // what was cached, one forced refresh, then one every 200 seconds
    }

    [Fact]
    public async Task When_the_vault_shows_the_new_secret_late_only_requests_in_that_time_fail_and_nothing_else_goes_wrong()
    {
        var lag = TimeSpan.FromSeconds(60);
        await RunAsync(lag, targetTakesBoth: false);
        var bound = _rotated + lag + Defaults.ForcedRefreshInterval;
        Assert.NotEmpty(_failures);
        Assert.All(_failures, f => Assert.Equal("credential_refused", f.Code));
        Assert.All(_failures, f => Assert.InRange(f.At, _rotated, bound));
        Assert.Equal(Steps * AtOnce, _answered + _failures.Count);
        Assert.DoesNotContain(_seen, s => s.Secret == Old && s.At > bound);
        Assert.InRange(_fetched, 4, 12);   // a target that refuses everything does not make us flood the vault
    }

    [Fact]
    public async Task When_the_target_takes_both_the_old_secret_is_not_used_beyond_its_time_in_memory()
    {
        await RunAsync(lag: TimeSpan.Zero, targetTakesBoth: true);
        Assert.Empty(_failures);
        Assert.Equal(Steps * AtOnce, _answered);
        Assert.DoesNotContain(_seen, s => s.Secret == Old && s.At > _rotated + Defaults.CacheFor);
        Assert.Contains(_seen, s => s.Secret == New);
    }

    private async Task RunAsync(TimeSpan lag, bool targetTakesBoth)
    {
        VaultDouble vault = null!;
        ServiceProvider provider = null!;
        using var fixture = new SenderFixture(time =>
        {
            _time = time;
            vault = VaultDouble.StartAsync(time, TestContext.Current.CancellationToken).GetAwaiter().GetResult();
            provider = new ServiceCollection().AddSingleton<TimeProvider>(time).AddSecrets(new SecretsOptions
            {
                Vault = new VaultOptions { Address = vault.Address, CaFile = vault.CaFile, Auth = new VaultAuthOptions { Method = "approle", RoleId = "role-1" } },
            }).BuildServiceProvider();
            return provider.GetRequiredService<SecretStore>();
        });
        await using var stopVault = vault;
        await using var stopStore = provider;
        vault.Tokens.AppRole = ("role-1", null);
        vault.Contents.Set("secret/prometheus", "token", Old);
        _time.Advance(TimeSpan.FromMinutes(1));   // seen by every reader of the vault
        vault.Contents.Lag = lag;
        var accepted = targetTakesBoth ? [Old, New] : new[] { Old };
        await using var server = new WireServer(async r =>
        {
            var secret = r.Text.Contains($"Bearer {New}\r\n", StringComparison.Ordinal) ? New : r.Text.Contains($"Bearer {Old}\r\n", StringComparison.Ordinal) ? Old : "?";
            _seen.Enqueue((_time.GetUtcNow(), secret));
            await r.SendAsync(Volatile.Read(ref accepted).Contains(secret) ? WireServer.Ok($"fine {secret}") : WireServer.Ok("who?", status: "401 Unauthorized"));
        });
        var target = SenderFixture.Target(server.Port) with
        {
            Auth = new AuthSettings { Scheme = AuthScheme.Bearer, Read = [new SlotReference("token", "vault://secret/prometheus#token")] },
        };
        for (var step = 0; step < Steps; step++)
        {
            var requests = Enumerable.Range(0, AtOnce).Select(_ => Task.Run(() => SendAsync(fixture, target))).ToArray();
            if (step == RotatedAt)
            {
                _rotated = _time.GetUtcNow();
                vault.Contents.Set("secret/prometheus", "token", New);
                if (!targetTakesBoth)
                    Volatile.Write(ref accepted, [New]);
            }
            await Task.WhenAll(requests);
            _time.Advance(Step);
        }
        _fetched = vault.Count("/data/");
        Assert.Equal(1, vault.Tokens.SignIns);
        Assert.DoesNotContain(_seen, s => s.Secret == "?");
    }

    private async Task SendAsync(SenderFixture fixture, Integration target)
    {
        var result = await fixture.SendAsync(SenderFixture.Get(target));
        if (result is UpstreamResult.Failed failed)
        {
            Assert.False(failed.MayHaveRun);
            _failures.Enqueue((_time.GetUtcNow(), failed.Code));
            return;
        }
        await using var response = Assert.IsType<UpstreamResult.Response>(result);
        Assert.Equal("fine [redacted]", await SenderFixture.TextAsync(response));
        Interlocked.Increment(ref _answered);
    }
}
