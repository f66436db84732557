using Xunit;

namespace IncidentFox.Secrets.Tests;

/// <summary>Signing in to Vault and staying so.</summary>
public sealed class VaultSessionTests
{
    [Fact]
    public async Task A_hundred_callers_sign_in_once()
    {
        await using var it = await VaultFixture.AppRoleAsync();
        var results = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => Task.Run(() => it.FetchAsync())));
        Assert.All(results, r => Assert.Equal(VaultFixture.Canary, r.Value?.RevealForUse()));
        Assert.Equal(1, it.Vault.Tokens.SignIns);
    }

    [Fact]
    public async Task At_two_thirds_of_its_lease_the_token_is_renewed_used_or_not()
    {
        await using var it = await VaultFixture.AppRoleAsync();
        await it.FetchAsync();
        it.Time.Advance(TimeSpan.FromMinutes(39));
        Assert.Equal(0, it.Vault.Tokens.Renewals);
        for (var n = 1; n <= 5; n++)
        {
            it.Time.Advance(TimeSpan.FromMinutes(n == 1 ? 1 : 40));
            await RenewedAsync(it, n);
        }

        Assert.Equal((1, 5), (it.Vault.Tokens.SignIns, it.Vault.Tokens.Renewals));
        Assert.Equal(SecretOutcome.Found, (await it.FetchAsync()).Outcome);
    }

    [Fact]
    public async Task A_token_near_its_longest_life_is_replaced_by_signing_in_anew()
    {
        await using var it = await VaultFixture.AppRoleAsync();
        it.Vault.Tokens.LongestLife = TimeSpan.FromMinutes(50);
        await it.FetchAsync();
        it.Time.Advance(TimeSpan.FromMinutes(40));
        await StoreFixture.UntilAsync(() => it.Vault.Tokens.SignIns == 2);
        Assert.Equal(1, it.Vault.Tokens.Renewals);
        Assert.Equal(SecretOutcome.Found, (await it.FetchAsync()).Outcome);
    }

    [Fact]
    public async Task A_token_that_cannot_be_renewed_is_replaced_before_it_ends()
    {
        await using var it = await VaultFixture.AppRoleAsync();
        it.Vault.Tokens.Renewable = false;
        await it.FetchAsync();
        it.Time.Advance(TimeSpan.FromMinutes(40));
        await StoreFixture.UntilAsync(() => it.Vault.Tokens.SignIns == 2);
        Assert.Equal(0, it.Vault.Tokens.Renewals);
    }

    [Fact]
    public async Task A_revoked_token_is_replaced_once_and_the_read_repeated()
    {
        await using var it = await VaultFixture.AppRoleAsync();
        await it.FetchAsync();
        it.Vault.Tokens.RevokeAll();
        Assert.Equal(VaultFixture.Canary, (await it.FetchAsync()).Value?.RevealForUse());
        Assert.Equal(2, it.Vault.Tokens.SignIns);
    }

    [Fact]
    public async Task A_vault_that_is_away_when_the_token_should_be_renewed_is_asked_again()
    {
        await using var it = await VaultFixture.AppRoleAsync();
        await it.FetchAsync();
        it.Vault.Sealed = true;
        it.Time.Advance(TimeSpan.FromMinutes(40));
        await StoreFixture.UntilAsync(() => it.Logged.Any(l => l.Contains("could not be renewed", StringComparison.Ordinal)));
        it.Vault.Sealed = false;
        await StoreFixture.UntilAsync(async () =>
        {
            // The renewal is under way on another thread: 20 minutes of lease must not pass before it arrives.
            it.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(TimeSpan.FromMilliseconds(20));
            return it.Vault.Tokens.Renewals == 1;
        });
        Assert.Equal(1, it.Vault.Tokens.SignIns);
    }

    [Fact]
    public async Task A_secret_id_that_was_replaced_in_its_store_is_fetched_anew()
    {
        await using var it = await VaultFixture.AppRoleAsync();
        it.Vault.Tokens.AppRole = ("role-1", "secret-id-2");
        it.Key = ("secret-id-1", "secret-id-2");
        Assert.Equal(SecretOutcome.Found, (await it.FetchAsync()).Outcome);
    }

    [Fact]
    public async Task A_refused_sign_in_is_denied_with_what_to_mend_and_not_repeated_at_once()
    {
        await using var it = await VaultFixture.AppRoleAsync();
        it.Vault.Tokens.AppRole = ("role-1", "secret-id-other");
        for (var i = 0; i < 20; i++)
        {
            var result = await it.FetchAsync($"vault://secret/app{i}#password");
            Assert.Equal(SecretOutcome.Denied, result.Outcome);
            Assert.Contains("AppRole", result.Reason, StringComparison.Ordinal);
            Assert.Contains(VaultFixture.KeyReference, result.Reason, StringComparison.Ordinal);
        }

        Assert.Equal(1, it.Vault.Count("/login"));
        it.Vault.Tokens.AppRole = ("role-1", "secret-id-1");
        it.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(SecretOutcome.Found, (await it.FetchAsync()).Outcome);
    }

    [Fact]
    public async Task When_what_opens_vault_cannot_be_had_that_is_the_reason()
    {
        await using var it = await VaultFixture.AppRoleAsync();
        it.KeyProblem = SecretResult.NotFound($"There is no file {VaultFixture.KeyReference}.");
        Assert.Same(it.KeyProblem, await it.FetchAsync());
        Assert.Empty(it.Vault.Requests);
    }

    [Fact]
    public async Task A_service_account_signs_in_with_the_token_that_its_file_holds_now()
    {
        var jwt = Path.GetTempFileName();
        await using var it = await VaultFixture.StartAsync(new VaultAuthOptions { Method = "kubernetes", Role = "incidentfox", JwtFile = jwt });
        try
        {
            await File.WriteAllTextAsync(jwt, "jwt-old\n", StoreFixture.Token);
            var refused = await it.FetchAsync();
            Assert.Equal(SecretOutcome.Denied, refused.Outcome);
            Assert.Contains("bound_service_account_names", refused.Reason, StringComparison.Ordinal);

            await File.WriteAllTextAsync(jwt, "jwt-1\n", StoreFixture.Token);
            it.Time.Advance(TimeSpan.FromSeconds(5));
            Assert.Equal(VaultFixture.Canary, (await it.FetchAsync()).Value?.RevealForUse());
        }
        finally
        {
            File.Delete(jwt);
        }
    }

    [Fact]
    public async Task Without_a_service_account_the_file_is_named()
    {
        await using var it = await VaultFixture.StartAsync(new VaultAuthOptions { Method = "kubernetes", Role = "incidentfox", JwtFile = "/nowhere/token" });
        var result = await it.FetchAsync();
        Assert.Equal(SecretOutcome.Unavailable, result.Outcome);
        Assert.Contains("/nowhere/token", result.Reason, StringComparison.Ordinal);
        Assert.Empty(it.Vault.Requests);
    }

    [Fact]
    public async Task A_token_by_reference_is_renewed_even_when_nobody_uses_it()
    {
        await using var it = await VaultFixture.TokenAsync(TimeSpan.FromMinutes(30), renewable: true);
        await it.FetchAsync();
        for (var n = 1; n <= 4; n++)
        {
            it.Time.Advance(TimeSpan.FromMinutes(20));
            await RenewedAsync(it, n);
        }

        Assert.Equal(SecretOutcome.Found, (await it.FetchAsync()).Outcome);
        Assert.Equal(1, it.Vault.Count("lookup-self"));
    }

    [Fact]
    public async Task A_token_without_an_end_needs_no_renewal()
    {
        await using var it = await VaultFixture.TokenAsync(TimeSpan.Zero, renewable: false);
        await it.FetchAsync();
        it.Time.Advance(TimeSpan.FromDays(400));
        Assert.Equal(SecretOutcome.Found, (await it.FetchAsync()).Outcome);
        Assert.Equal(0, it.Vault.Tokens.Renewals);
    }

    [Fact]
    public async Task A_token_that_vault_refuses_is_fetched_anew_from_its_store()
    {
        await using var it = await VaultFixture.TokenAsync(TimeSpan.Zero, renewable: false);
        await it.FetchAsync();
        it.Vault.Tokens.RevokeAll();
        var refused = await it.FetchAsync();
        Assert.Equal(SecretOutcome.Denied, refused.Outcome);
        Assert.Contains(VaultFixture.KeyReference, refused.Reason, StringComparison.Ordinal);

        it.Key = it.Key with { Fresh = it.Vault.Tokens.Create(TimeSpan.Zero, renewable: false) };
        it.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(SecretOutcome.Found, (await it.FetchAsync()).Outcome);
    }

    [Fact]
    public async Task A_token_with_a_line_break_is_not_sent()
    {
        await using var it = await VaultFixture.TokenAsync(TimeSpan.Zero, renewable: false);
        it.Key = ("hvs.a\r\nX-Evil: b", "");
        Assert.Equal(SecretOutcome.Unavailable, (await it.FetchAsync()).Outcome);
        Assert.Empty(it.Vault.Requests);
    }

    // Logged when its answer has set the time of the next one.
    private static Task RenewedAsync(VaultFixture it, int times) =>
        StoreFixture.UntilAsync(() => it.Logged.Count(l => l.Contains("was renewed", StringComparison.Ordinal)) == times);
}
