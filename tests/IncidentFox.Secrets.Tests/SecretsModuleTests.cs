using IncidentFox.Secrets.KeyVault;
using IncidentFox.Secrets.Sources;
using IncidentFox.TestKit.KeyVault;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
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
    public void The_options_are_bound_from_configuration()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["Secrets:CacheFor"] = "00:02:00",
            ["Secrets:File:Directories:0"] = "/srv/secrets",
            ["Secrets:KeyVault:Vaults:acme-prod"] = "https://vault.example",
        }).Build();
        var options = configuration.GetSection(SecretsOptions.SectionName).Get<SecretsOptions>()!;

        Assert.Empty(options.Validate());
        Assert.Equal(TimeSpan.FromMinutes(2), options.CacheFor);
        Assert.Equal(["/srv/secrets"], options.File.Directories);
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
