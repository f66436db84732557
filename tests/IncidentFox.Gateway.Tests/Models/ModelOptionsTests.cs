using IncidentFox.Core;
using IncidentFox.Gateway.Models;
using IncidentFox.Secrets;
using Xunit;

namespace IncidentFox.Gateway.Tests.Models;

public sealed class ModelOptionsTests
{
    private static readonly ModelEntryOptions Entry = new() { Id = "m" };

    [Fact]
    public void Without_providers_there_is_no_model_and_no_mistake()
    {
        var (catalog, errors) = ModelCatalogReader.Read(new ModelOptions(), null);
        Assert.Empty(errors);
        Assert.Empty(catalog!.All);
    }

    [Fact]
    public void Every_mistake_is_named_at_once_and_no_key_that_was_written_in_by_mistake()
    {
        var (catalog, errors) = ModelCatalogReader.Read(new ModelOptions
        {
            Providers =
            [
                new() { Name = "A b", Kind = "bard", Key = "sk-canary-literal", BaseUrl = "https://user:sk-canary@host", TimeoutSeconds = 0, Teams = ["T!"], AllowRanges = ["10.0.0.0/99"], CaFile = "ca.pem" },
                new() { Name = "anthropic", Kind = "anthropic", Models = [new() { Id = "", MaxOutputTokens = 1, InputPrice = 1 }] },
                new() { Name = "anthropic", Kind = "azure_openai", Key = "vault://secret/m#k", BaseUrl = "http://host/v1/", Models = [Entry] },
            ],
            Budgets = new() { InvestigationTokens = 1, InvestigationCost = -1 },
        }, null);
        Assert.Null(catalog);
        var all = string.Join('\n', errors);
        foreach (var part in new[]
        {
            "0:Name", "0:Kind", "0:Key is not a secret reference", "0:BaseUrl", "0:TimeoutSeconds", "0:Teams", "0:AllowRanges", "0:CaFile", "0:Models is empty",
            "1:Key is empty", "Models:0:Id", "Models:0:MaxOutputTokens", "InputPrice and OutputPrice both", "2:BaseUrl", "'anthropic' twice", "InvestigationTokens and", "InvestigationCost and",
        })
            Assert.Contains(part, all, StringComparison.Ordinal);
        Assert.DoesNotContain("canary", all, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_two_models_of_a_team_have_is_a_mistake_and_one_of_two_teams_is_not()
    {
        static ModelProviderOptions Of(string name, params string[] teams) => new() { Name = name, Kind = "anthropic", Key = "vault://secret/m#k", Teams = teams, Models = [Entry] };
        Assert.Contains("'m' is in", Assert.Single(ModelCatalogReader.Read(new ModelOptions { Providers = [Of("a"), Of("b", "web")] }, null).Errors), StringComparison.Ordinal);
        var (catalog, errors) = ModelCatalogReader.Read(new ModelOptions { Providers = [Of("a", "sre"), Of("b", "web")] }, null);
        Assert.Empty(errors);
        Assert.Equal("b", catalog!.Find(new TeamId("web"), null)!.Provider.Name);
        Assert.Null(catalog.Find(new TeamId("other"), "m"));
    }

    [Fact]
    public void A_key_reserved_for_another_team_and_a_budget_of_cost_without_prices_are_mistakes()
    {
        var secrets = new SecretsOptions { Vault = new() { Address = "https://vault.internal" }, Scopes = [new() { Prefix = "vault://secret/teams/web/", Teams = ["web"] }] };
        var (_, errors) = ModelCatalogReader.Read(new ModelOptions
        {
            Providers = [new() { Name = "a", Kind = "openai", Key = "vault://secret/teams/web/m#k", Teams = ["sre"], Models = [Entry] }],
        }, secrets);
        Assert.Contains("reserved for team web", Assert.Single(errors), StringComparison.Ordinal);
        (_, errors) = ModelCatalogReader.Read(new ModelOptions
        {
            Providers = [new() { Name = "a", Kind = "openai_compatible", BaseUrl = "http://10.0.0.7:8000/v1", AllowRanges = ["10.0.0.7/32"], Models = [Entry] }],
            Budgets = new() { TeamCostPerDay = 10 },
        }, secrets);
        Assert.Contains("has no prices", Assert.Single(errors), StringComparison.Ordinal);
    }
}
