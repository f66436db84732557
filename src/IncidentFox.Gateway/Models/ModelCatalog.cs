using IncidentFox.Core;
using IncidentFox.Gateway.Rules;

namespace IncidentFox.Gateway.Models;

/// <summary>How a provider is spoken to.</summary>
public enum ModelKind
{
    /// <summary>The Messages API of Anthropic.</summary>
    Anthropic,

    /// <summary>Chat Completions of OpenAI.</summary>
    OpenAI,

    /// <summary>Chat Completions as other servers have it.</summary>
    OpenAICompatible,

    /// <summary>Chat Completions of Azure OpenAI (its v1 API).</summary>
    AzureOpenAI,
}

/// <summary>Who is asked. Its target is sent to as integrations are: same address policy, credential and limits; its name can't be an integration's.</summary>
/// <param name="Name">In audit rows.</param>
/// <param name="Kind">How.</param>
/// <param name="Target">Where.</param>
/// <param name="Teams">Who may; empty: every team.</param>
public sealed record ModelProvider(string Name, ModelKind Kind, Integration Target, IReadOnlyList<TeamId> Teams);

/// <summary>A model that may be asked.</summary>
/// <param name="Provider">Who answers.</param>
/// <param name="Id">As the provider calls it.</param>
/// <param name="Name">As agents call it.</param>
/// <param name="MaxOutputTokens">Most tokens of one answer.</param>
/// <param name="InputPrice">Of a million tokens; null: not stated.</param>
/// <param name="OutputPrice">Of a million tokens; null: not stated.</param>
public sealed record ModelOffer(ModelProvider Provider, string Id, string Name, int MaxOutputTokens, decimal? InputPrice, decimal? OutputPrice)
{
    /// <summary>In millionths of the currency, rounded up: a price per million tokens is millionths per token.</summary>
    public long CostMicros(long inputTokens, long outputTokens) =>
        (long)Math.Ceiling((inputTokens * (InputPrice ?? 0)) + (outputTokens * (OutputPrice ?? 0)));
}

/// <summary>All models of this installation, checked.</summary>
public sealed class ModelCatalog(IReadOnlyList<ModelOffer> offers, ModelBudgetOptions budgets)
{
    /// <summary>No model at all.</summary>
    public static ModelCatalog None { get; } = new([], new ModelBudgetOptions());

    /// <summary>How much may be used.</summary>
    public ModelBudgetOptions Budgets { get; } = budgets;

    /// <summary>Every model, in the order of the configuration.</summary>
    public IReadOnlyList<ModelOffer> All { get; } = offers;

    /// <summary>What a team may ask.</summary>
    public IEnumerable<ModelOffer> Of(TeamId team) => All.Where(o => o.Provider.Teams.Count == 0 || o.Provider.Teams.Contains(team));

    /// <summary>The model of that name, or the team's first when none is named; null: the team has none such.</summary>
    public ModelOffer? Find(TeamId team, string? name) => Of(team).FirstOrDefault(o => name is null || o.Name == name);
}
