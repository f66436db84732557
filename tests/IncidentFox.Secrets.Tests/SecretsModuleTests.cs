using IncidentFox.Secrets.KeyVault;
using IncidentFox.Secrets.Sources;
using IncidentFox.TestKit.KeyVault;
using IncidentFox.TestKit.Vault;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace IncidentFox.Secrets.Tests;

public sealed class SecretsModuleTests
{
    [Fact]
    public void The_defaults_are_valid() => Assert.Empty(new SecretsOptions().Validate());

    [Fact]
    public void Every_mistake_is_reported_at_once_with_its_setting_and_how_to_mend_it()
    {
        var options = new SecretsOptions
        {
            CacheFor = TimeSpan.Zero,
            CacheFailuresFor = TimeSpan.FromHours(1),
            StaleFor = TimeSpan.FromSeconds(-1),
            ForcedRefreshInterval = TimeSpan.Zero,
            FetchTimeout = TimeSpan.FromHours(1),
            MaxCached = 0,
            File = new FileSecretsOptions { Directories = ["relative"], MountedDirectories = ["/a/../b"] },
            KeyVault = new KeyVaultOptions
            {
                DnsSuffix = "https://x",
                Proxy = "http://user:hunter2@proxy",
                Vaults = new Dictionary<string, string>(StringComparer.Ordinal) { ["Acme"] = "http://plain", ["acme"] = "https://ok.example", ["a"] = "https://ok.example/path" },
            },
        };

        var exception = Assert.Throws<OptionsValidationException>(() => new ServiceCollection().AddSecrets(options));
        var errors = exception.Failures.ToArray();
        foreach (var setting in (string[])["CacheFor", "CacheFailuresFor", "StaleFor", "ForcedRefreshInterval", "FetchTimeout", "MaxCached",
            "File:Directories", "File:MountedDirectories", "KeyVault:DnsSuffix", "KeyVault:Proxy", "KeyVault:Vaults:Acme", "KeyVault:Vaults:a ", "names 'a'", "twice"])
        {
            Assert.Contains(errors, e => e.Contains(setting, StringComparison.Ordinal));
        }

        Assert.All(errors, e => Assert.Matches(":.*:", e));
        Assert.DoesNotContain("hunter2", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_mistake_about_vault_and_kubernetes_is_reported_at_once_and_no_secret_repeated()
    {
        var errors = new SecretsOptions
        {
            Vault = new VaultOptions
            {
                Address = "http://vault.internal", Namespace = "a b", CaFile = "/nowhere/ca.pem",
                Auth = new VaultAuthOptions { Method = "token", Mount = "/x/", Token = "hvs.hunter2", SecretId = "vault://secret/app#id" },
            },
            Kubernetes = new KubernetesOptions { ApiServer = "http://x", TokenFile = "token", CaFile = "/nowhere/ca.pem", Context = "prod" },
        }.Validate();
        foreach (var setting in (string[])["Vault:Address", "Vault:Namespace", "Vault:CaFile", "Vault:Auth:Mount", "Vault:Auth:Token", "Vault:Auth:SecretId",
            "Kubernetes:ApiServer", "Kubernetes:TokenFile", "Kubernetes:CaFile", "Kubernetes:Context"])
        {
            Assert.Single(errors, e => e.StartsWith($"Secrets:{setting}", StringComparison.Ordinal));
        }

        Assert.Equal(10, errors.Count);
        Assert.DoesNotContain("hunter2", string.Concat(errors), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "Auth:Method")]
    [InlineData("ldap", "Auth:Method")]
    [InlineData("token", "Auth:Token")]
    [InlineData("kubernetes", "Auth:Role")]
    [InlineData("approle", "Auth:RoleId")]
    public void Each_way_into_vault_needs_its_setting(string? method, string setting)
    {
        var errors = new SecretsOptions { Vault = new VaultOptions { Address = "https://vault.internal:8200", Auth = new VaultAuthOptions { Method = method } } }.Validate();
        Assert.Contains("Vault:" + setting, Assert.Single(errors), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://user:hunter2@vault.internal", false)]
    [InlineData("https://vault.internal/v1", false)]
    [InlineData("http://10.0.0.1:8200", false)]
    [InlineData("http://127.0.0.1:8200", true)]
    [InlineData("https://vault.internal:8200", true)]
    [InlineData("https://vault.internal:8200/", true)]
    public void Vault_is_reached_over_tls_except_on_this_machine(string address, bool valid) =>
        Assert.Equal(valid, new SecretsOptions { Vault = new VaultOptions { Address = address, Auth = new VaultAuthOptions { Method = "kubernetes", Role = "x" } } }.Validate().Count == 0);

    [Fact]
    public void Settings_of_vault_without_its_address_are_a_mistake() =>
        Assert.Contains("Vault:Address is missing", Assert.Single(new SecretsOptions { Vault = new VaultOptions { Namespace = "x" } }.Validate()), StringComparison.Ordinal);

    [Fact]
    public async Task What_opens_vault_comes_from_another_store_through_the_same_cache_and_audit()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56));
        await using var keyVault = await KeyVaultDouble.StartAsync("kv-opens-vault", StoreFixture.Token);
        await using var vault = await VaultDouble.StartAsync(time, StoreFixture.Token);
        keyVault.Contents.Set("vault-secret-id", "secret-id-1");
        vault.Contents.Set("secret/app", "password", "abc");
        using var audit = new StoreFixture();
        await using var services = new ServiceCollection()
            .AddSingleton<TimeProvider>(time)
            .AddSingleton(keyVault.Connection)
            .AddSingleton<ISecretObserver>(audit)
            .AddSecrets(new SecretsOptions
            {
                Vault = new VaultOptions { Address = vault.Address, CaFile = vault.CaFile, Auth = new VaultAuthOptions { Method = "approle", RoleId = "role-1", SecretId = "keyvault://kv-opens-vault/vault-secret-id" } },
                Scopes = [new SecretScope { Prefix = "keyvault://kv-opens-vault/", Teams = [] }],
            })
            .BuildServiceProvider();
        var store = services.GetRequiredService<SecretStore>();

        var result = await store.GetAsync(SecretReferenceTests.Parse("vault://secret/app#password"), new SecretPurpose { Team = "sre" }, StoreFixture.Token);
        var direct = await store.GetAsync(SecretReferenceTests.Parse("keyvault://kv-opens-vault/vault-secret-id"), new SecretPurpose { Team = "sre" }, StoreFixture.Token);

        Assert.Equal("abc", result.Value?.RevealForUse());
        Assert.Equal(SecretOutcome.Denied, direct.Outcome);   // what opens Vault is nobody else's, cached or not
        Assert.Equal(["keyvault://kv-opens-vault/vault-secret-id", "vault://secret/app#password", "keyvault://kv-opens-vault/vault-secret-id"], audit.Observed.Select(o => o.Reference.ToString()));
        Assert.Same(SecretPurpose.Installation, audit.Observed.First().Purpose);
    }

    [Fact]
    public void The_options_are_bound_from_configuration()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["Secrets:CacheFor"] = "00:02:00",
            ["Secrets:File:Directories:0"] = "/srv/secrets",
            ["Secrets:KeyVault:Vaults:acme-prod"] = "https://vault.example",
            ["Secrets:Vault:Address"] = "https://vault.internal:8200",
            ["Secrets:Vault:Auth:Method"] = "kubernetes",
            ["Secrets:Vault:Auth:Role"] = "incidentfox",
            ["Secrets:Scopes:0:Prefix"] = "vault://secret/teams/payments/",
            ["Secrets:Scopes:0:Teams:0"] = "payments",
            ["Secrets:Scopes:1:Prefix"] = "keyvault://acme-prod/",
        }).Build();
        var options = configuration.GetSection(SecretsOptions.SectionName).Get<SecretsOptions>()!;

        Assert.Empty(options.Validate());
        Assert.Equal(TimeSpan.FromMinutes(2), options.CacheFor);
        Assert.Equal(["/srv/secrets"], options.File.Directories);
        Assert.Equal(("https://vault.internal:8200", "incidentfox"), (options.Vault.Address, options.Vault.Auth.Role));
        Assert.Equal(["payments"], options.Scopes[0].Teams);
        Assert.Empty(options.Scopes[1].Teams);
        Assert.Equal("https://vault.example", options.KeyVault.Vaults["acme-prod"]);
    }

    [Fact]
    public async Task A_host_gets_secrets_from_the_vault_audited_by_its_observers()
    {
        await using var vault = await KeyVaultDouble.StartAsync(cancellationToken: StoreFixture.Token);
        vault.Contents.Set("password", "abc");
        using var audit = new StoreFixture();
        await using var services = new ServiceCollection()
            .AddSingleton(vault.Connection)
            .AddSingleton<ISecretObserver>(audit)
            .AddSecrets(new SecretsOptions())
            .BuildServiceProvider(new ServiceProviderOptions { ValidateOnBuild = true });
        var store = services.GetRequiredService<SecretStore>();

        Task<SecretResult>[] callers;
        using (vault.Hold())
        {
            callers = [.. Enumerable.Range(0, 100).Select(_ => store.GetAsync(StoreFixture.Password, StoreFixture.Token).AsTask())];
            await StoreFixture.UntilAsync(() => vault.Requests.Count > 0);
        }

        var results = await Task.WhenAll(callers);

        Assert.All(results, r => Assert.Equal("abc", r.Value?.RevealForUse()));
        Assert.Equal(1, vault.Reads);
        Assert.Single(audit.Observed);
    }

    [Fact]
    public async Task The_environment_is_refused_unless_allowed()
    {
        var reference = SecretReferenceTests.Parse("env://GRAFANA_TOKEN");
        var refused = await new EnvironmentSource(allowed: false, _ => throw new InvalidOperationException("read anyway"), TimeProvider.System).FetchAsync(reference, StoreFixture.Token);
        Assert.Equal(SecretOutcome.Denied, refused.Outcome);
        Assert.Contains("Secrets:AllowEnvironment", refused.Reason, StringComparison.Ordinal);

        var source = new EnvironmentSource(allowed: true, name => name == "GRAFANA_TOKEN" ? "abc" : null, TimeProvider.System);
        Assert.Equal("abc", (await source.FetchAsync(reference, StoreFixture.Token)).Value?.RevealForUse());
        Assert.Equal(SecretOutcome.NotFound, (await source.FetchAsync(SecretReferenceTests.Parse("env://OTHER"), StoreFixture.Token)).Outcome);
    }
}
