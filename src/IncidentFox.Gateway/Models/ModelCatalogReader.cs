using System.Net;
using System.Text.RegularExpressions;
using IncidentFox.Core;
using IncidentFox.Gateway.Rules;
using IncidentFox.Secrets;

namespace IncidentFox.Gateway.Models;

/// <summary>Checks the section <c>Models</c>; every mistake is named, with how to mend it.</summary>
public static partial class ModelCatalogReader
{
    private const string Section = ModelOptions.SectionName;
    private const long AnswerBytes = 2 * 1024 * 1024;

    private static readonly Dictionary<string, ModelKind> Kinds = new()
    {
        ["anthropic"] = ModelKind.Anthropic, ["openai"] = ModelKind.OpenAI, ["openai_compatible"] = ModelKind.OpenAICompatible, ["azure_openai"] = ModelKind.AzureOpenAI,
    };

    /// <summary>The models, or what is wrong.</summary>
    /// <param name="options">As configured.</param>
    /// <param name="secrets">Judges references; null: when they are fetched only.</param>
    public static (ModelCatalog? Catalog, IReadOnlyList<string> Errors) Read(ModelOptions options, SecretsOptions? secrets)
    {
        var errors = new List<string>();
        var offers = new List<ModelOffer>();
        foreach (var (provider, i) in options.Providers.Select((p, i) => (p, i)))
            offers.AddRange(Offers(provider, $"{Section}:{nameof(options.Providers)}:{i}", secrets, errors));
        if (options.Providers.GroupBy(p => p.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Skip(1).Any()) is { } twice)
            errors.Add($"{Section}:{nameof(options.Providers)} has the name '{twice.Key}' twice: give each provider its own.");
        foreach (var (offer, other) in offers.SelectMany((o, i) => offers.Skip(i + 1).Where(p => p.Name == o.Name && Meet(p, o)).Select(p => (o, p))))
            errors.Add($"{Section}: the model name '{offer.Name}' is in {offer.Provider.Name} and in {other.Provider.Name}, and a team may use both: give one of them another Name.");
        CheckBudgets(options.Budgets, offers, errors);
        return errors.Count > 0 ? (null, errors) : (new ModelCatalog(offers, options.Budgets), []);
    }

    private static IEnumerable<ModelOffer> Offers(ModelProviderOptions options, string at, SecretsOptions? secrets, List<string> errors)
    {
        var before = errors.Count;
        if (!IsName().IsMatch(options.Name))
            errors.Add($"{at}:{nameof(options.Name)} is '{options.Name}': give 1 to 40 of a-z, 0-9, _ and -.");
        if (!Kinds.TryGetValue(options.Kind, out var kind))
            errors.Add($"{at}:{nameof(options.Kind)} is '{options.Kind}': give one of {string.Join(", ", Kinds.Keys)}.");
        if (options.TimeoutSeconds is < 5 or > 900)
            errors.Add($"{at}:{nameof(options.TimeoutSeconds)} is {options.TimeoutSeconds}: set it from 5 to 900.");
        if (options.Teams.Any(t => !IsName().IsMatch(t)))
            errors.Add($"{at}:{nameof(options.Teams)} has a name that is no team's id: write ids as under Organization:Teams, or leave the list empty for every team.");
        var url = Address(options, kind, at, errors);
        var ranges = new List<IPNetwork>();
        foreach (var range in options.AllowRanges)
        {
            if (IPNetwork.TryParse(range, out var network))
                ranges.Add(network);
            else
                errors.Add($"{at}:{nameof(options.AllowRanges)} has '{range}': write a network as 10.0.0.0/8 or fd00::/8.");
        }
        if (options.CaFile is { } ca && !Path.IsPathFullyQualified(ca))
            errors.Add($"{at}:{nameof(options.CaFile)} is not an absolute path.");
        var auth = Auth(options, kind, at, secrets, errors);
        if (options.Models.Count == 0)
            errors.Add($"{at}:{nameof(options.Models)} is empty: list the models that may be asked, each with its Id.");
        foreach (var (model, i) in options.Models.Select((m, i) => (m, i)))
            Check(model, $"{at}:{nameof(options.Models)}:{i}", errors);
        if (errors.Count > before)
            return [];
        var provider = new ModelProvider(options.Name, kind, new Integration
        {
            Name = $"models/{options.Name}", Description = "A model.", BaseUrl = url!, Auth = auth!, Rules = [],
            Network = new NetworkSettings { AllowedRanges = ranges, CaFile = options.CaFile },
            Limits = new LimitSettings { ResponseBytes = AnswerBytes, Timeout = TimeSpan.FromSeconds(options.TimeoutSeconds) },
        }, [.. options.Teams.Select(t => new TeamId(t))]);
        return options.Models.Select(m => new ModelOffer(provider, m.Id, m.Name ?? m.Id, m.MaxOutputTokens, m.InputPrice, m.OutputPrice));
    }

    private static Uri? Address(ModelProviderOptions options, ModelKind kind, string at, List<string> errors)
    {
        var text = options.BaseUrl ?? (kind switch { ModelKind.Anthropic => "https://api.anthropic.com", ModelKind.OpenAI => "https://api.openai.com/v1", _ => null });
        // Plain http is for addresses that the installation declares; the connector refuses it elsewhere.
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "https" or "http" && url.UserInfo.Length == 0 && url.Query.Length == 0 && url.Fragment.Length == 0
            && IsPath().IsMatch(url.AbsolutePath) && (url.Scheme == "https" || options.AllowRanges.Count > 0))
            return url;
        errors.Add($"{at}:{nameof(options.BaseUrl)} is '{(text?.Contains('@', StringComparison.Ordinal) == true ? "(not shown)" : text)}': give the API's address as https://host/path, "
            + "without key, query or slash at the end; http only together with AllowRanges.");
        return null;
    }

    private static AuthSettings? Auth(ModelProviderOptions options, ModelKind kind, string at, SecretsOptions? secrets, List<string> errors)
    {
        if (string.IsNullOrEmpty(options.Key))
        {
            if (kind == ModelKind.OpenAICompatible)
                return new AuthSettings { Scheme = AuthScheme.None };
            errors.Add($"{at}:{nameof(options.Key)} is empty: give a secret reference to the API key, such as vault://secret/models#key.");
            return null;
        }
        // Never what stands there: it may be the key itself.
        if (!SecretReference.TryParse(options.Key, out var reference, out _))
        {
            errors.Add($"{at}:{nameof(options.Key)} is not a secret reference: put the key into a secret store and write where it is, such as vault://secret/models#key or keyvault://vault/name.");
            return null;
        }
        foreach (var team in options.Teams.Count == 0 ? [null] : options.Teams.Cast<string?>())
        {
            if (secrets?.Refusal(reference, team) is { } refusal)
                errors.Add($"{at}:{nameof(options.Key)}: {refusal}");
        }
        var header = kind switch { ModelKind.Anthropic => "x-api-key", ModelKind.AzureOpenAI => "api-key", _ => null };
        return header is null
            ? new AuthSettings { Scheme = AuthScheme.Bearer, Read = [new("token", reference.ToString())] }
            : new AuthSettings { Scheme = AuthScheme.Header, Read = [new("value", reference.ToString())], Fields = [new(header, [new(null, "value")])] };
    }

    private static void Check(ModelEntryOptions model, string at, List<string> errors)
    {
        if (!IsModel().IsMatch(model.Id))
            errors.Add($"{at}:{nameof(model.Id)} is '{model.Id}': give the model's id as its provider writes it.");
        if (model.Name is not null && !IsModel().IsMatch(model.Name))
            errors.Add($"{at}:{nameof(model.Name)} is '{model.Name}': give up to 100 letters, digits and . _ : / -, or leave it out.");
        if (model.MaxOutputTokens is < 16 or > 200_000)
            errors.Add($"{at}:{nameof(model.MaxOutputTokens)} is {model.MaxOutputTokens}: set it from 16 to 200000.");
        if (model.InputPrice is < 0 or > 100_000 || model.OutputPrice is < 0 or > 100_000 || model.InputPrice is null != model.OutputPrice is null)
            errors.Add($"{at}: give {nameof(model.InputPrice)} and {nameof(model.OutputPrice)} both, as the price of a million tokens, or none of them.");
    }

    private static void CheckBudgets(ModelBudgetOptions budgets, List<ModelOffer> offers, List<string> errors)
    {
        var at = $"{Section}:{nameof(ModelOptions.Budgets)}";
        if (budgets.InvestigationTokens is < 1_000 or > 1_000_000_000_000 || budgets.TeamTokensPerDay is < 1_000 or > 1_000_000_000_000)
            errors.Add($"{at}: {nameof(budgets.InvestigationTokens)} and {nameof(budgets.TeamTokensPerDay)} are from 1000 to 1000000000000.");
        if (budgets.InvestigationCost is <= 0 or > 1_000_000_000 || budgets.TeamCostPerDay is <= 0 or > 1_000_000_000)
            errors.Add($"{at}: {nameof(budgets.InvestigationCost)} and {nameof(budgets.TeamCostPerDay)} are above 0, or left out for no limit.");
        if ((budgets.InvestigationCost ?? budgets.TeamCostPerDay) is not null && offers.Find(o => o.InputPrice is null) is { } free)
            errors.Add($"{at} limits cost, but the model '{free.Name}' has no prices: give its InputPrice and OutputPrice (0 for one that costs nothing).");
    }

    private static bool Meet(ModelOffer one, ModelOffer other) =>
        one.Provider.Teams.Count == 0 || other.Provider.Teams.Count == 0 || one.Provider.Teams.Intersect(other.Provider.Teams).Any();

    [GeneratedRegex(@"^[a-z0-9_-]{1,40}\z", RegexOptions.NonBacktracking)]
    private static partial Regex IsName();

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}\z", RegexOptions.NonBacktracking)]
    private static partial Regex IsModel();

    [GeneratedRegex(@"^(/|(/[A-Za-z0-9._~-]+)+)\z", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex IsPath();
}
