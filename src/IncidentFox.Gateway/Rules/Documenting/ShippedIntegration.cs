using IncidentFox.Gateway.Rules.Files;

namespace IncidentFox.Gateway.Rules.Documenting;

/// <summary>An integration that comes with the product, as an installation can extend it.</summary>
public sealed record ShippedIntegration
{
    /// <summary>What <c>extends</c> says.</summary>
    public required string Name { get; init; }

    /// <summary>What it is.</summary>
    public required string Description { get; init; }

    /// <summary>Its address as the file writes it; null: the installation's.</summary>
    public string? Address { get; init; }

    /// <summary>How a credential is added.</summary>
    public required AuthSchemeInfo? SchemeInfo { get; init; }

    /// <summary>The scheme's name.</summary>
    public string Scheme => SchemeInfo?.Name ?? "";

    /// <summary>Which secrets it needs.</summary>
    public required IReadOnlyList<string> Slots { get; init; }

    /// <summary>Options of the scheme that the installation must state.</summary>
    public required IReadOnlyList<AuthOption> MissingOptions { get; init; }

    /// <summary>What an installation must or may say of itself.</summary>
    public required IReadOnlyList<SettingDeclaration> Settings { get; init; }

    /// <summary>Which credential to create.</summary>
    public string? Credential { get; init; }

    /// <summary>Where the vendor describes it.</summary>
    public required IReadOnlyList<string> Sources { get; init; }

    /// <summary>Its rules, settings at their examples.</summary>
    public required IReadOnlyList<ToolRule> Rules { get; init; }

    /// <summary>All that are shipped, by name.</summary>
    public static IReadOnlyList<ShippedIntegration> All { get; } = [.. ShippedIntegrations.Read([]).Values.Select(Of).OrderBy(i => i.Name, StringComparer.Ordinal)];

    private static ShippedIntegration Of(ShippedFile shipped)
    {
        var file = shipped.Read(shipped.Settings.ToDictionary(s => s.Name, s => s.Default ?? s.Example!, StringComparer.Ordinal));
        var scheme = file.Auth.Scheme;
        return new()
        {
            Name = shipped.Name,
            Description = file.Description ?? shipped.Name,
            Address = shipped.Text.Split('\n').FirstOrDefault(l => l.StartsWith("base_url:", StringComparison.Ordinal))?["base_url:".Length..].Split(" #")[0].Trim(' ', '"', '\r'),
            SchemeInfo = scheme,
            Slots = SlotsOf(file.Auth),
            MissingOptions = [.. (scheme?.Options ?? []).Where(o => o is { Required: true, Default: null } && file.Auth.Options.All(have => have.Name != o.Name))],
            Settings = shipped.Settings,
            Credential = file.Credential,
            Sources = file.Sources,
            Rules = file.Rules,
        };
    }

    private static IReadOnlyList<string> SlotsOf(AuthFile auth)
    {
        var fields = (auth.Headers ?? []).Concat(auth.Query ?? []).ToList();
        if (fields.Count > 0)
            return [.. fields.SelectMany(f => CredentialText.Parse(f.Value) ?? []).Select(p => p.Slot).OfType<string>().Distinct()];
        return auth.Scheme switch
        {
            null or { Scheme: AuthScheme.None } => [],
            { Scheme: AuthScheme.Header or AuthScheme.Query } => ["value"],
            { } scheme => [.. scheme.Slots.Where(s => s.Need == AuthNeed.Required).Concat(scheme.Slots.Where(s => s.Need == AuthNeed.OneOf).Take(1)).Select(s => s.Name)],
        };
    }
}
