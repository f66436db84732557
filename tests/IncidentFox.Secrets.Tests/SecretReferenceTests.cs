using CsCheck;
using Xunit;

namespace IncidentFox.Secrets.Tests;

public sealed class SecretReferenceTests
{
    private const string Version = "0123456789abcdef0123456789abcdef";

    [Fact]
    public void A_key_vault_reference_is_taken_apart()
    {
        var reference = Parse($"keyvault://acme-prod/prometheus-password/{Version}");

        Assert.Equal(SecretScheme.KeyVault, reference.Scheme);
        Assert.Equal("acme-prod", reference.Place);
        Assert.Equal("prometheus-password", reference.Name);
        Assert.Equal(Version, reference.Version);
        Assert.False(reference.IsEmpty);
    }

    [Fact]
    public void Two_spellings_of_one_key_vault_secret_are_equal() =>
        Assert.Equal(Parse("keyvault://acme-prod/prometheus-password"), Parse("KeyVault://Acme-Prod/Prometheus-Password"));

    [Fact]
    public void A_file_keeps_its_case_and_its_spaces()
    {
        var reference = Parse("file:///run/secrets/My Token");

        Assert.Equal(SecretScheme.File, reference.Scheme);
        Assert.Equal("/run/secrets/My Token", reference.Name);
        Assert.Equal("file:///run/secrets/My Token", reference.ToString());
    }

    [Fact]
    public void A_variable_is_named() => Assert.Equal("GRAFANA_TOKEN", Parse("env://GRAFANA_TOKEN").Name);

    [Theory]
    [InlineData("keyvault://acme-prod")]
    [InlineData("keyvault://acme-prod/")]
    [InlineData("keyvault:///name")]
    [InlineData("keyvault://acme-prod/name/short")]
    [InlineData("keyvault://acme-prod/name/0123456789abcdef0123456789abcdef/more")]
    [InlineData("keyvault://acme--prod/name")]
    [InlineData("keyvault://acme-prod-/name")]
    [InlineData("keyvault://1acme/name")]
    [InlineData("keyvault://evil.example.com/name")]
    [InlineData("keyvault://user@acme/name")]
    [InlineData("keyvault://acme:443/name")]
    [InlineData("keyvault://acme-prod/na%2Fme")]
    [InlineData("keyvault://acme-prod/name?api-version=1")]
    [InlineData("keyvault://acme-prod/name#x")]
    [InlineData("keyvault://acme-prod/nаme")]   // a Cyrillic letter
    [InlineData("file://etc/passwd")]
    [InlineData("file://")]
    [InlineData("file:///")]
    [InlineData("file:///a/../b")]
    [InlineData("file:///a/./b")]
    [InlineData("file:///a//b")]
    [InlineData("file:///a/b/")]
    [InlineData("file:///a%2e%2e/b")]
    [InlineData("file:///a\0b")]
    [InlineData("file:///a\nb")]
    [InlineData("file:///a#b")]
    [InlineData("file:///a\u2028b")]
    [InlineData("file:///a\u202eb")]   // turns the reading order
    [InlineData("env://")]
    [InlineData("env://1A")]
    [InlineData("env://A-B")]
    [InlineData("env://A/B")]
    [InlineData(" keyvault://acme-prod/name")]
    [InlineData("keyvault://acme-prod/name ")]
    [InlineData("https://acme-prod.vault.azure.net/secrets/name")]
    [InlineData("")]
    [InlineData(null)]
    public void What_is_not_exactly_a_reference_is_refused(string? text)
    {
        Assert.False(SecretReference.TryParse(text, out var reference, out var reason));
        Assert.True(reference.IsEmpty);
        Assert.NotEmpty(reason);
    }

    [Theory]
    [InlineData("hunter2-and-more")]
    [InlineData("Host=db;Password=hunter2-and-more")]
    [InlineData("postgres://user:hunter2-and-more@db/app")]
    [InlineData("keyvault://acme-prod/hunter2-and-more!")]
    [InlineData("keyvault://hunter2-and-more!/name")]
    [InlineData("file:///x/../hunter2-and-more")]
    [InlineData("env://hunter2-and-more")]
    [InlineData("vault://secret/hunter2-and-more")]
    [InlineData("vault://secret/app#hunter2-and-more!")]
    [InlineData("k8s://hunter2-and-more/name")]
    [InlineData("k8s://prod/hunter2-and-more!#key")]
    public void A_refusal_never_repeats_what_was_written(string text)
    {
        Assert.False(SecretReference.TryParse(text, out _, out var reason));
        Assert.DoesNotContain("hunter2", reason, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void A_vault_reference_is_taken_apart_and_keeps_its_case()
    {
        var reference = Parse("vault://kv-prod/teams/Payments/db#Password");
        Assert.Equal((SecretScheme.Vault, "kv-prod", "teams/Payments/db", "Password"), (reference.Scheme, reference.Place, reference.Name, reference.Field));
        Assert.NotEqual(reference, Parse("vault://kv-prod/teams/payments/db#Password"));
    }

    [Fact]
    public void A_kubernetes_reference_is_taken_apart()
    {
        var reference = Parse("k8s://sre/grafana.prod#api_token.txt");
        Assert.Equal((SecretScheme.Kubernetes, "sre", "grafana.prod", "api_token.txt"), (reference.Scheme, reference.Place, reference.Name, reference.Field));
    }

    [Theory]
    [InlineData("vault://secret#field")]
    [InlineData("vault://secret/#field")]
    [InlineData("vault:///app#field")]
    [InlineData("vault://secret/app")]
    [InlineData("vault://secret/app#")]
    [InlineData("vault://secret/app#a#b")]
    [InlineData("vault://secret//app#field")]
    [InlineData("vault://secret/../sys/raw#field")]
    [InlineData("vault://secret/./app#field")]
    [InlineData("vault://secret/a%2fb#field")]
    [InlineData("vault://secret/app?version=1#field")]
    [InlineData("vault://secret/a\\b#field")]
    [InlineData("vault://secret/app#fi eld")]
    [InlineData("vault://secret/аpp#field")]   // a Cyrillic letter
    [InlineData("k8s://prod/app")]
    [InlineData("k8s://prod/app#")]
    [InlineData("k8s://Prod/app#key")]
    [InlineData("k8s://-prod/app#key")]
    [InlineData("k8s://pr.od/app#key")]
    [InlineData("k8s://prod/app/more#key")]
    [InlineData("k8s://prod/App#key")]
    [InlineData("k8s://prod/a..b#key")]
    [InlineData("k8s://prod/..#key")]
    [InlineData("k8s://prod/app#a/b")]
    [InlineData("k8s:///app#key")]
    public void What_is_not_exactly_a_reference_to_vault_or_kubernetes_is_refused(string text)
    {
        Assert.False(SecretReference.TryParse(text, out var reference, out var reason));
        Assert.True(reference.IsEmpty);
        Assert.NotEmpty(reason);
    }

    [Fact]
    public void A_reference_of_more_than_1024_characters_is_refused()
    {
        Assert.True(SecretReference.TryParse("file:///" + new string('a', 1016), out _, out _));
        Assert.False(SecretReference.TryParse("file:///" + new string('a', 1017), out _, out _));
    }

    [Fact]
    public void Garbage_never_throws_is_never_repeated_and_what_parses_is_canonical()
    {
        string[] starts = ["", "keyvault://", "keyvault://acme/", "file:///", "env://", "vault://", "vault://secret/", "k8s://", "k8s://a/", "KEYVAULT://", "://", "file://"];
        var scheme = Gen.Int[0, starts.Length - 1].Select(i => starts[i]);
        var tail = Gen.OneOf(Gen.String, Gen.String[Gen.Char["aZ0-/._%#?:@\\ \n\u2028é"], 0, 60]);
        Gen.Select(scheme, tail).Sample((start, rest) =>
        {
            if (SecretReference.TryParse(start + rest, out var reference, out var reason))
            {
                Assert.True(SecretReference.TryParse(reference.ToString(), out var again, out _));
                Assert.Equal(reference, again);
                Assert.Equal(reference.ToString(), again.ToString());
                Assert.DoesNotContain(reference.ToString(), char.IsControl);
                Assert.DoesNotContain("/../", reference.ToString() + "/", StringComparison.Ordinal);
            }
            else
            {
                Assert.True(reference.IsEmpty);
                Assert.NotEmpty(reason);
                Assert.False(SecretReference.TryParse(start + Canary + "\0" + rest, out _, out var withCanary));
                Assert.DoesNotContain(Canary, withCanary, StringComparison.Ordinal);
            }
        }, iter: 20_000);
    }

    private const string Canary = "Zq7CanaryZq7";

    internal static SecretReference Parse(string text) =>
        SecretReference.TryParse(text, out var reference, out var reason) ? reference : throw new ArgumentException(reason, nameof(text));
}
