using System.Security.Cryptography;
using Azure.Identity;
using IncidentFox.Secrets.KeyVault;
using IncidentFox.TestKit.KeyVault;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace IncidentFox.Secrets.Tests;

/// <summary>The real client against the double, over TLS and with its checks on.</summary>
public sealed class KeyVaultSourceTests : IAsyncLifetime
{
    private const string Canary = "kv-canary-value";

    // A name of its own for each test: the client remembers a vault's challenge for the whole process.
    private readonly string _name = "kv" + RandomNumberGenerator.GetHexString(12, lowercase: true);

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(56));
    private KeyVaultDouble _vault = null!;
    private KeyVaultSource _source = null!;

    public async ValueTask InitializeAsync()
    {
        _vault = await KeyVaultDouble.StartAsync(_name, StoreFixture.Token);
        _source = new KeyVaultSource(new KeyVaultOptions(), _vault.Connection, _time);
    }

    [Fact]
    public async Task The_newest_version_is_read_after_answering_the_challenge()
    {
        _vault.Contents.Set("password", "older");
        var version = _vault.Contents.Set("password", Canary);

        var value = (await FetchAsync()).Value;
        Assert.Equal(Canary, value?.RevealForUse());
        Assert.Equal(version, value?.Version);
        Assert.Equal(_time.GetUtcNow(), value?.FetchedAt);
        Assert.False(_vault.Requests[0].HadToken);   // the first round is the challenge
        Assert.True(_vault.Requests[1].Authenticated);
        Assert.Equal(["https://vault.azure.net/.default"], _vault.Identity.ScopesAskedFor);

        await FetchAsync();
        Assert.Equal(3, _vault.Requests.Count);      // the token is kept
    }

    [Fact]
    public async Task A_pinned_version_is_read_and_an_unknown_one_not_found()
    {
        var version = _vault.Contents.Set("password", "older");
        _vault.Contents.Set("password", "newer");

        Assert.Equal("older", (await FetchAsync($"keyvault://{_name}/password/{version}")).Value?.RevealForUse());
        Assert.Equal(SecretOutcome.NotFound, (await FetchAsync($"keyvault://{_name}/password/00000000000000000000000000000000")).Outcome);
    }

    [Fact]
    public async Task A_missing_secret_and_a_deleted_one_are_not_found_until_recovered()
    {
        Assert.Equal(SecretOutcome.NotFound, (await FetchAsync()).Outcome);
        _vault.Contents.Set("password", Canary);
        _vault.Contents.Delete("password");
        Assert.Equal(SecretOutcome.NotFound, (await FetchAsync()).Outcome);
        _vault.Contents.Recover("password");
        Assert.Equal(SecretOutcome.Found, (await FetchAsync()).Outcome);
    }

    [Fact]
    public async Task A_pinned_version_goes_with_its_secret_and_does_not_care_about_newer_ones()
    {
        var version = _vault.Contents.Set("password", Canary);
        _vault.Contents.Set("password", "newer", new KeyVaultAttributes { Enabled = false });
        var pinned = $"keyvault://{_name}/password/{version}";
        Assert.Equal(Canary, (await FetchAsync(pinned)).Value?.RevealForUse());
        Assert.Equal(SecretOutcome.Disabled, (await FetchAsync()).Outcome);
        _vault.Contents.Delete("password");
        Assert.Equal(SecretOutcome.NotFound, (await FetchAsync(pinned)).Outcome);
    }

    [Fact]
    public async Task A_busy_vault_that_says_when_to_come_back_is_left_alone_until_then()
    {
        _vault.Fail(KeyVaultFault.Busy("21"), times: 3);
        var result = await FetchAsync();
        Assert.Equal((SecretOutcome.Throttled, TimeSpan.FromSeconds(21)), (result.Outcome, result.RetryAfter));
        Assert.Equal(1, _vault.Reads);
    }

    [Fact]
    public async Task A_disabled_secret_is_told_from_a_forbidden_one()
    {
        _vault.Contents.Set("password", Canary, new KeyVaultAttributes { Enabled = false });
        Assert.Equal(SecretOutcome.Disabled, (await FetchAsync()).Outcome);
        _vault.GrantsGet = false;
        Assert.Equal(SecretOutcome.Denied, (await FetchAsync()).Outcome);
    }

    [Fact]
    public async Task An_expired_and_a_not_yet_valid_secret_are_refused_though_the_service_gives_them()
    {
        var now = _time.GetUtcNow();
        _vault.Contents.Set("password", Canary, new KeyVaultAttributes { Expires = now });
        Assert.Equal(SecretOutcome.Expired, (await FetchAsync()).Outcome);

        _vault.Contents.Update("password", new KeyVaultAttributes { NotBefore = now.AddSeconds(1) });
        Assert.Equal(SecretOutcome.NotYetValid, (await FetchAsync()).Outcome);

        _vault.Contents.Update("password", new KeyVaultAttributes { NotBefore = now, Expires = now.AddSeconds(1) });
        Assert.Equal(now.AddSeconds(1), (await FetchAsync()).Value?.ExpiresAt);
    }

    [Fact]
    public async Task Denials_say_what_to_mend_and_keep_the_services_words_to_themselves()
    {
        foreach (var (fault, hint) in new[] { (KeyVaultFault.ForbiddenByRbac, "Key Vault Secrets User"), (KeyVaultFault.ForbiddenByFirewall, "firewall") })
        {
            _vault.Fail(fault);
            var result = await FetchAsync();
            Assert.Equal(SecretOutcome.Denied, result.Outcome);
            Assert.Contains(hint, result.Reason, StringComparison.Ordinal);
            Assert.DoesNotContain("203.0.113.7", result.Reason, StringComparison.Ordinal);
            Assert.DoesNotContain("oid", result.Reason, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_token_that_stays_refused_is_denied_after_one_more_try()
    {
        _vault.Contents.Set("password", Canary);
        _vault.Fail(KeyVaultFault.Unauthorized, times: 10);
        Assert.Equal(SecretOutcome.Denied, (await FetchAsync()).Outcome);
        Assert.InRange(_vault.Reads, 1, 2);
    }

    [Theory]
    [InlineData("17", 17)]
    [InlineData(null, 10)]
    [InlineData("soon", 10)]
    [InlineData("-5", 10)]
    public async Task Throttling_is_passed_on_with_its_time_and_not_retried(string? header, int seconds)
    {
        _vault.Fail(KeyVaultFault.Throttled(header), times: 5);
        var result = await FetchAsync();
        Assert.Equal((SecretOutcome.Throttled, TimeSpan.FromSeconds(seconds)), (result.Outcome, result.RetryAfter));
        Assert.Equal(1, _vault.Reads);
    }

    [Fact]
    public async Task A_throttling_date_is_understood()
    {
        _vault.Fail(KeyVaultFault.Throttled(_time.GetUtcNow().AddSeconds(42).ToString("r")));
        Assert.Equal(TimeSpan.FromSeconds(42), (await FetchAsync()).RetryAfter);
    }

    [Fact]
    public async Task A_passing_error_is_retried_and_a_lasting_one_given_up_on()
    {
        _vault.Contents.Set("password", Canary);
        _vault.Fail(KeyVaultFault.InternalError);
        Assert.Equal(SecretOutcome.Found, (await FetchAsync()).Outcome);

        _vault.Fail(KeyVaultFault.InternalError, times: 3);
        var before = _vault.Reads;
        Assert.Equal(SecretOutcome.Unavailable, (await FetchAsync()).Outcome);
        Assert.Equal(3, _vault.Reads - before);
    }

    [Fact]
    public async Task A_cut_connection_and_an_answer_that_makes_no_sense_are_unavailable()
    {
        _vault.Fail(KeyVaultFault.Abort, times: 3);
        Assert.Equal(SecretOutcome.Unavailable, (await FetchAsync()).Outcome);

        foreach (var fault in new[] { KeyVaultFault.Garbage, KeyVaultFault.WrongShape })
        {
            _vault.Fail(fault);
            using var it = new StoreFixture();
            using var store = new SecretStore([_source], [], it.Options, it.Time, it);
            Assert.Equal(SecretOutcome.Unavailable, (await store.GetAsync(Reference, StoreFixture.Token)).Outcome);
        }
    }

    [Fact]
    public async Task A_vault_that_hangs_is_left_when_the_caller_says_so()
    {
        _vault.Fail(KeyVaultFault.Hang);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(StoreFixture.Token);
        var waiting = _source.FetchAsync(Reference, limit.Token).AsTask();
        await StoreFixture.UntilAsync(() => _vault.Reads > 0);
        await limit.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    [Fact]
    public async Task A_challenge_for_another_resource_gets_no_token()
    {
        _vault.ChallengeResource = "https://graph.microsoft.com";
        Assert.Equal(SecretOutcome.Denied, (await FetchAsync()).Outcome);
        Assert.Empty(_vault.Identity.ScopesAskedFor);
        Assert.DoesNotContain(_vault.Requests, r => r.HadToken);
    }

    [Fact]
    public async Task Without_an_identity_the_reason_says_what_to_set_up()
    {
        _vault.Identity.Failure = new CredentialUnavailableException("no managed identity endpoint at 169.254.169.254");
        var result = await FetchAsync();
        Assert.Equal(SecretOutcome.Unavailable, result.Outcome);
        Assert.Contains("managed identity", result.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("169.254", result.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_vault_that_is_not_there_is_unavailable() =>
        Assert.Equal(SecretOutcome.Unavailable, (await FetchAsync("keyvault://other-vault/password")).Outcome);

    [Fact]
    public async Task A_certificate_of_somebody_else_is_not_trusted()
    {
        await using var impostor = await KeyVaultDouble.StartAsync(_name, StoreFixture.Token);
        impostor.Contents.Set("password", Canary);
        using var source = new KeyVaultSource(
            new KeyVaultOptions { Vaults = new Dictionary<string, string>(StringComparer.Ordinal) { [_name] = $"https://localhost:{impostor.Port}" } },
            new KeyVaultConnection { Credential = impostor.Identity },   // the product's own handler
            _time);
        var result = await source.FetchAsync(Reference, StoreFixture.Token);
        Assert.Equal(SecretOutcome.Unavailable, result.Outcome);
        Assert.Empty(impostor.Requests);
    }

    [Fact]
    public async Task Ordinary_use_and_failure_write_no_secret_to_the_clients_diagnostics()
    {
        var events = new List<string>();
        using var listener = new Azure.Core.Diagnostics.AzureEventSourceListener((_, message) => { lock (events) { events.Add(message); } }, System.Diagnostics.Tracing.EventLevel.LogAlways);
        _vault.Contents.Set("password", Canary);
        await FetchAsync();
        lock (events)
        {
            Assert.NotEmpty(events);
            Assert.DoesNotContain(events, e => e.Contains(Canary, StringComparison.Ordinal) || e.Contains("kv-token-", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_rotation_in_the_vault_is_seen_by_a_forced_refresh()
    {
        using var it = new StoreFixture();
        using var store = new SecretStore([_source], [it], it.Options, it.Time, it);
        _vault.Contents.Set("password", "old");
        Assert.Equal("old", (await store.GetAsync(Reference, StoreFixture.Token)).Value?.RevealForUse());
        var version = _vault.Contents.Set("password", "new");
        Assert.Equal("old", (await store.GetAsync(Reference, StoreFixture.Token)).Value?.RevealForUse());
        Assert.Equal("new", (await store.GetFreshAsync(Reference, StoreFixture.Token)).Value?.RevealForUse());
        Assert.Equal("new", (await store.GetAsync(Reference, StoreFixture.Token)).Value?.RevealForUse());
        Assert.Equal(version, it.Observed.Last().Version);
    }

    private SecretReference Reference => SecretReferenceTests.Parse($"keyvault://{_name}/password");

    private async Task<SecretResult> FetchAsync(string? reference = null)
    {
        var result = await _source.FetchAsync(reference is null ? Reference : SecretReferenceTests.Parse(reference), StoreFixture.Token);
        Assert.DoesNotContain(Canary, result.ToString(), StringComparison.Ordinal);
        return result;
    }

    public async ValueTask DisposeAsync()
    {
        _source.Dispose();
        await _vault.DisposeAsync();
    }
}
