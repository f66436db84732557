using IncidentFox.Gateway.Rules;
using IncidentFox.Secrets;
using Xunit;

namespace IncidentFox.Gateway.Tests.Rules;

public sealed class SecretChecksTests
{
    private static readonly SecretsOptions Secrets = new()
    {
        Scopes =
        [
            new SecretScope { Prefix = "keyvault://payments-prod/", Teams = ["payments"] },
            new SecretScope { Prefix = "keyvault://installation/", Teams = [] },
        ],
    };

    [Theory]
    [InlineData("payments", "keyvault://payments-prod/prometheus", null)]
    [InlineData("search", "keyvault://payments-prod/prometheus", "by team search")]
    [InlineData(null, "keyvault://payments-prod/prometheus", "for all teams")]
    [InlineData("payments", "keyvault://Installation/Database-Owner", "the installation's own configuration")]
    [InlineData("search", "keyvault://search-prod/prometheus", null)]
    [InlineData("search", "vault://secret/app#token", "Secrets:Vault:Address")]
    [InlineData("search", "env://TOKEN", "Secrets:AllowEnvironment")]
    public void A_reference_that_the_integrations_team_may_not_use_is_refused_at_load_for_reads_and_for_writes(string? team, string reference, string? hint)
    {
        foreach (var slot in new[] { "read", "write" })
        {
            var auth = slot == "read" ? $"read: {reference}" : $"read: keyvault://shared/prometheus\n  write: {reference}";
            var load = IntegrationLoader.Parse([("p.yaml", $"integration: metrics\nextends: prometheus\n{(team is null ? "" : $"team: {team}\n")}base_url: https://prometheus.example\nauth:\n  scheme: bearer\n  {auth}\n")], Secrets);
            if (hint is null)
            {
                Assert.Empty(load.Errors);
                continue;
            }
            var error = Assert.Single(load.Errors);
            Assert.StartsWith($"p.yaml:1: auth.{slot}: ", error);
            Assert.Contains(hint, error);
            Assert.Null(load.Catalog);
        }
    }
}
