namespace IncidentFox.Gateway.Models;

/// <summary>Which models there are and how much of them may be used, section <c>Models</c>. Without providers there is none, and nothing else changes.</summary>
public sealed class ModelOptions
{
    /// <summary>Where they stand in the configuration.</summary>
    public const string SectionName = "Models";

    /// <summary>Who is asked. Of the models that a team may use, the first is asked when an agent names none.</summary>
    public IReadOnlyList<ModelProviderOptions> Providers { get; init; } = [];

    /// <summary>How much may be used.</summary>
    public ModelBudgetOptions Budgets { get; init; } = new();
}

/// <summary>One provider: an address, a key and its models.</summary>
public sealed class ModelProviderOptions
{
    /// <summary>Its name in audit rows and logs: 1 to 40 of <c>a-z 0-9 _ -</c>.</summary>
    public string Name { get; init; } = "";

    /// <summary><c>anthropic</c>, <c>openai</c>, <c>openai_compatible</c> (vLLM, Ollama, llama.cpp) or <c>azure_openai</c>.</summary>
    public string Kind { get; init; } = "";

    /// <summary>
    /// Default <c>https://api.anthropic.com</c> or <c>https://api.openai.com/v1</c>. For Azure <c>https://{resource}.openai.azure.com/openai/v1</c>, for
    /// compatible servers their address up to and including <c>/v1</c>.
    /// </summary>
    public string? BaseUrl { get; init; }

    /// <summary>Reference to the key. Compatible servers may have none.</summary>
    public string? Key { get; init; }

    /// <summary>Networks (CIDR) that its address may be in although they are not public.</summary>
    public IReadOnlyList<string> AllowRanges { get; init; } = [];

    /// <summary>PEM file with the certificate authorities to trust instead of the system's.</summary>
    public string? CaFile { get; init; }

    /// <summary>The teams that may use it. Empty: every team.</summary>
    public IReadOnlyList<string> Teams { get; init; } = [];

    /// <summary>Longest turn in seconds. Default 180.</summary>
    public int TimeoutSeconds { get; init; } = 180;

    /// <summary>The models that may be asked.</summary>
    public IReadOnlyList<ModelEntryOptions> Models { get; init; } = [];
}

/// <summary>One model.</summary>
public sealed class ModelEntryOptions
{
    /// <summary>As the provider calls it; with Azure the name of the deployment.</summary>
    public string Id { get; init; } = "";

    /// <summary>As agents call it. Default: <see cref="Id"/>.</summary>
    public string? Name { get; init; }

    /// <summary>Most tokens of one answer. Default 8,192.</summary>
    public int MaxOutputTokens { get; init; } = 8_192;

    /// <summary>Price of a million tokens in.</summary>
    public decimal? InputPrice { get; init; }

    /// <summary>Price of a million tokens out.</summary>
    public decimal? OutputPrice { get; init; }
}

/// <summary>How much may be used. A turn that could go beyond is refused before it is asked.</summary>
public sealed class ModelBudgetOptions
{
    /// <summary>Tokens, in and out, of one investigation. Default 1,000,000.</summary>
    public long InvestigationTokens { get; init; } = 1_000_000;

    /// <summary>Tokens, in and out, of one team's investigations in a day (UTC). Default 20,000,000.</summary>
    public long TeamTokensPerDay { get; init; } = 20_000_000;

    /// <summary>Cost of one investigation, in the currency of the prices. Default: no limit.</summary>
    public decimal? InvestigationCost { get; init; }

    /// <summary>Cost of one team's investigations in a day (UTC). Default: no limit.</summary>
    public decimal? TeamCostPerDay { get; init; }
}
