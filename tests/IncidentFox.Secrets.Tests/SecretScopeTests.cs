using Xunit;

namespace IncidentFox.Secrets.Tests;

public sealed class SecretScopeTests : IDisposable
{
    private static readonly SecretsOptions Options = new()
    {
        Vault = new VaultOptions { Address = "https://vault.example" },
        Scopes =
        [
            new SecretScope { Prefix = "keyvault://Acme-Prod/", Teams = [] },
            new SecretScope { Prefix = "keyvault://acme-prod/password", Teams = ["payments", "sre"] },
            new SecretScope { Prefix = "vault://secret/teams/payments/", Teams = ["payments"] },
            new SecretScope { Prefix = "vault://secret/teams/payments/shared/", Teams = ["payments", "sre"] },
            new SecretScope { Prefix = "k8s://payments/", Teams = ["payments"] },
            new SecretScope { Prefix = "file:///etc/incidentfox/secrets/payments/", Teams = ["payments"] },
        ],
    };

    private readonly StoreFixture _it = new(Options);

    [Theory]
    [InlineData("vault://secret/teams/payments/db#password", "payments", true)]
    [InlineData("vault://secret/teams/payments/db#password", "sre", false)]
    [InlineData("vault://secret/teams/payments/db#password", "payment", false)]
    [InlineData("vault://secret/teams/payments/db#password", null, false)]
    [InlineData("vault://secret/teams/payments/shared/db#password", "sre", true)]     // the longest prefix decides
    [InlineData("vault://secret/teams/payments-old/db#password", "sre", true)]        // another folder
    [InlineData("vault://secret/teams/other#password", null, true)]
    [InlineData("k8s://payments/db#password", "sre", false)]
    [InlineData("k8s://payments-2/db#password", "sre", true)]
    [InlineData("file:///etc/incidentfox/secrets/payments/db", "sre", false)]
    [InlineData("file:///etc/incidentfox/secrets/payments", "sre", true)]
    [InlineData("keyvault://acme-prod/database-owner", "sre", false)]                  // nobody's but the installation's
    [InlineData("KeyVault://ACME-prod/Database-Owner", "sre", false)]                  // in any spelling
    [InlineData("keyvault://acme-prod/password", "sre", true)]
    [InlineData("keyvault://acme-prod/password/0123456789abcdef0123456789abcdef", "sre", true)]
    [InlineData("keyvault://acme-prod/password2", "sre", false)]
    public void A_reserved_part_of_a_store_is_for_its_teams_alone(string reference, string? team, bool allowed)
    {
        var refusal = Options.Refusal(SecretReferenceTests.Parse(reference), team);
        Assert.Equal(allowed, refusal is null);
        if (!allowed)
        {
            Assert.Contains("Secrets:Scopes", refusal, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_reserved_secret_is_denied_at_every_use_though_it_is_cached_and_the_attempt_is_recorded()
    {
        Assert.Equal(SecretOutcome.Found, (await GetAsync("payments")).Outcome);
        Assert.Equal(SecretOutcome.Denied, (await GetAsync("search")).Outcome);
        Assert.Equal(SecretOutcome.Denied, (await _it.Store.GetFreshAsync(StoreFixture.Password, For("search"), StoreFixture.Token)).Outcome);
        Assert.Equal(SecretOutcome.Denied, (await _it.Store.GetAsync(StoreFixture.Password, StoreFixture.Token)).Outcome);   // nobody said for whom
        Assert.Equal(SecretOutcome.Found, (await GetAsync("sre")).Outcome);                                                 // the refusals were not cached
        Assert.Equal(1, _it.Fetches);
        Assert.Equal(["payments", "search", "search", null], _it.Observed.Select(o => o.Purpose?.Team));
        Assert.All(_it.Observed.Skip(1), o => Assert.Equal((SecretFetchCause.Reserved, SecretOutcome.Denied), (o.Cause, o.Outcome)));
    }

    [Fact]
    public async Task The_installations_own_configuration_is_not_kept_out() =>
        Assert.Equal(SecretOutcome.Found, (await _it.Store.GetAsync(SecretReferenceTests.Parse("keyvault://acme-prod/database-owner"), SecretPurpose.Installation, StoreFixture.Token)).Outcome);

    [Fact]
    public async Task A_purpose_that_looks_like_the_installations_is_not_it() =>
        Assert.Equal(SecretOutcome.Denied, (await _it.Store.GetAsync(StoreFixture.Password, new SecretPurpose(), StoreFixture.Token)).Outcome);

    [Fact]
    public async Task A_fetch_says_on_whose_behalf_it_was_made()
    {
        var purpose = For("payments") with { Org = "acme", Integration = "prometheus", Investigation = Guid.NewGuid(), User = "ada", CorrelationId = "c1" };
        await _it.Store.GetAsync(StoreFixture.Password, purpose, StoreFixture.Token);
        Assert.Equal(purpose, Assert.Single(_it.Observed).Purpose);
    }

    [Theory]
    [InlineData("vault://secret/../sys/")]
    [InlineData("keyvault://acme prod/")]
    [InlineData("hunter2-and-more")]
    [InlineData("")]
    public void A_scope_that_covers_nothing_is_a_mistake(string prefix)
    {
        var errors = new SecretsOptions { Scopes = [new SecretScope { Prefix = prefix, Teams = ["payments"] }] }.Validate();
        Assert.Contains("Secrets:Scopes:0:Prefix", Assert.Single(errors), StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", errors[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("vault://")]
    [InlineData("vault://secret/")]
    [InlineData("k8s://")]
    [InlineData("keyvault://")]
    [InlineData("env://")]
    [InlineData("file:///")]
    [InlineData("file:///etc/x")]
    [InlineData("k8s://prod/app")]
    [InlineData("k8s://prod/app#key")]
    [InlineData("vault://secret/teams")]   // whatever field
    public void A_scope_may_be_a_scheme_a_folder_a_secret_or_one_field(string prefix) =>
        Assert.Empty(new SecretsOptions { Scopes = [new SecretScope { Prefix = prefix, Teams = ["payments"] }] }.Validate());

    [Fact]
    public void The_same_prefix_twice_and_a_team_without_a_name_are_mistakes()
    {
        var errors = new SecretsOptions
        {
            Scopes = [new SecretScope { Prefix = "keyvault://acme/", Teams = ["a"] }, new SecretScope { Prefix = "KEYVAULT://Acme/", Teams = [" "] }],
        }.Validate();
        Assert.Contains(errors, e => e.Contains("Scopes:1:Prefix", StringComparison.Ordinal) && e.Contains("twice", StringComparison.Ordinal));
        Assert.Contains(errors, e => e.Contains("Scopes:1:Teams", StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_not_set_up_is_told_without_asking_a_store()
    {
        var plain = new SecretsOptions();
        Assert.Contains("Secrets:Vault:Address", plain.Refusal(SecretReferenceTests.Parse("vault://secret/app#x"), "sre"), StringComparison.Ordinal);
        Assert.Contains("Secrets:AllowEnvironment", plain.Refusal(SecretReferenceTests.Parse("env://TOKEN"), "sre"), StringComparison.Ordinal);
        Assert.Null(new SecretsOptions { AllowEnvironment = true }.Refusal(SecretReferenceTests.Parse("env://TOKEN"), "sre"));
        Assert.Null(plain.Refusal(SecretReferenceTests.Parse("keyvault://acme/x"), null));
    }

    private static SecretPurpose For(string team) => new() { Team = team };

    private async Task<SecretResult> GetAsync(string team) => await _it.Store.GetAsync(StoreFixture.Password, For(team), StoreFixture.Token);

    public void Dispose() => _it.Dispose();
}
