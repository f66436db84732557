using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using IncidentFox.Core;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Rules.Files;
using IncidentFox.Secrets;

namespace IncidentFox.Gateway.Rules;

/// <summary>What loading gave: the integrations, or every reason why not. Nothing is loaded by halves.</summary>
public readonly record struct IntegrationLoad(IntegrationCatalog? Catalog, IReadOnlyList<string> Errors);

/// <summary>
/// Loads the installation's integration files, each on top of the shipped one it extends. Unknown keys, duplicate keys, wrong types, literal
/// secrets, overlapping origins and doubled tools are errors; all are reported at once with file and line.
/// </summary>
public static class IntegrationLoader
{
    private static readonly JsonSerializerOptions Canonical = new() { Converters = { new JsonStringEnumConverter() } };

    /// <summary>Loads every <c>*.yaml</c> of the paths (files or folders).</summary>
    /// <param name="paths">Where they are.</param>
    /// <param name="secrets">Judges the references that integrations name; null: when they are fetched only.</param>
    public static IntegrationLoad Load(IReadOnlyList<string> paths, SecretsOptions? secrets = null)
    {
        var (files, errors) = Read(paths);
        var load = Parse(files, secrets);
        return errors.Count == 0 ? load : new(null, [.. errors, .. load.Errors]);
    }

    /// <summary>Reads them; what can't be read is an error.</summary>
    internal static (IReadOnlyList<(string File, string Text)> Files, IReadOnlyList<string> Errors) Read(IReadOnlyList<string> paths)
    {
        var errors = new List<string>();
        var files = new List<(string File, string Text)>();
        foreach (var path in paths)
        {
            try
            {
                var found = Directory.Exists(path) ? Directory.EnumerateFiles(path, "*.yaml").Order(StringComparer.Ordinal) : Enumerable.Repeat(path, 1);
                files.AddRange(found.Select(f => (f, File.ReadAllText(f))));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                errors.Add($"{path}: can't be read ({e.GetType().Name}): name a folder of *.yaml files, or a file, that the gateway may read");
            }
        }
        return (files, errors);
    }

    /// <summary>SHA-256 (hex) of files with their names.</summary>
    internal static string Digest(IReadOnlyList<(string File, string Text)> files) =>
        Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(files.SelectMany(f => new[] { f.File, f.Text }))));

    /// <summary>Parses files that were read already.</summary>
    public static IntegrationLoad Parse(IReadOnlyList<(string File, string Text)> files, SecretsOptions? secrets = null)
    {
        var errors = new List<string>();
        var shipped = ShippedIntegrations.Read(errors);
        var integrations = new List<(string File, Integration Integration)>();
        foreach (var (name, text) in files)
        {
            if (ReadOne(name, text, shipped, errors) is { } integration)
                integrations.Add((name, integration));
        }
        errors.AddRange(CatalogChecks.Check(integrations));
        if (secrets is not null)
            errors.AddRange(SecretChecks.Check(integrations, secrets));
        return errors.Count > 0 ? new(null, errors) : new(new IntegrationCatalog([.. integrations.Select(i => i.Integration)]) { Digest = Digest(files) }, []);
    }

    // Settings first: every other text may hold one, those of the shipped file as well.
    private static Integration? ReadOne(string name, string text, IReadOnlyDictionary<string, ShippedFile> shipped, List<string> errors)
    {
        var problems = new Problems(name);
        Integration? integration = null;
        if (YamlFile.Read(text, problems) is { } root)
        {
            ShippedFile? extended = null;
            if (root.IsText("extends") && IntegrationFile.NameOf(root, "extends", required: false) is { } extends && !shipped.TryGetValue(extends, out extended))
                root.Error("extends", $"'{extends}' is not shipped; shipped are {string.Join(", ", shipped.Keys.Order(StringComparer.Ordinal))}");
            var settings = FileSettings.Read(root);
            var values = settings.Values(extended?.Settings ?? [], withExamples: false, root);
            problems.Settings = values;
            var own = IntegrationFile.From(name, root);
            if (problems.All.Count == 0)
                integration = Combine(own, extended?.Read(values), values, errors);
        }
        errors.AddRange(problems.All);
        return problems.All.Count == 0 ? integration : null;
    }

    private static Integration? Combine(IntegrationFile own, IntegrationFile? below, IReadOnlyDictionary<string, string> settings, List<string> errors)
    {
        var before = errors.Count;
        void Error(string message) => errors.Add($"{own.File}:1: {message}");
        if ((own.BaseUrl ?? below?.BaseUrl) is null)
            Error("'base_url' is missing");
        var auth = AuthReader.Read(own.File, own.Auth, below?.Auth, errors);
        foreach (var twice in own.Rules.SelectMany(r => r.Names).Intersect(below?.Rules.SelectMany(r => r.Names) ?? []))
            Error($"tool {twice} is defined by '{own.Extends}' already; shipped rules can't be replaced");
        List<ToolRule> rules = [.. below?.Rules ?? [], .. own.Rules];
        if (rules.Count == 0)
            Error("has no tools: extend a shipped integration or define 'tools'");
        errors.AddRange(RuleChecks.Check(rules).Concat(RuleOverlaps.Check(rules)).Select(p => $"{own.File}:1: tools.{p.Tool}: {p.Problem}").Where(e => errors.Count == before));
        var probe = own.Probe ?? below?.Probe;
        if (probe is not null && ProbeProblem(probe, rules) is { } problem)
            Error($"'probe' {problem}");
        var onCall = own.OnCall ?? below?.OnCall;
        foreach (var wrong in onCall is null ? [] : OnCallFile.Problems(onCall, rules))
            Error($"'on_call' {wrong}");
        if (errors.Count > before)
            return null;
        return new Integration
        {
            Name = own.Name,
            Description = own.Description ?? below?.Description ?? own.Name,
            Team = own.Team is { } team ? new TeamId(team) : null,
            BaseUrl = own.BaseUrl ?? below!.BaseUrl!,
            Auth = auth!,
            Network = own.Network,
            Limits = own.Limits.Over(below?.Limits),
            Scrub = new ScrubSettings { Foreign = own.ScrubForeign ?? below?.ScrubForeign ?? true },
            Sources = [.. below?.Sources ?? [], .. own.Sources],
            CredentialHint = own.Credential ?? below?.Credential,
            Probe = probe is null ? null : probe with { Tool = own.ToolPrefix + probe.Tool },
            OnCall = onCall is null ? null : OnCallFile.Prefixed(onCall, own.ToolPrefix),
            Settings = settings,
            Refusal = (own.Refusal ?? below?.Refusal ?? RefusalSettings.Plain) with { Signature = auth!.Scheme == AuthScheme.AwsSigV4 },
            Rules = [.. rules.Select(r => Seal(Prefixed(r, own.ToolPrefix), settings))],
        };
    }

    private static string? ProbeProblem(Probe probe, List<ToolRule> rules)
    {
        if (rules.FirstOrDefault(r => r.Tool == probe.Tool) is not { Effect: ToolEffect.Read } rule)
            return $"names {YamlMap.Shown(probe.Tool)}, which is not a read of this integration";
        var check = Parsing.Arguments.Check(rule, (JsonObject)probe.Arguments.DeepClone());
        return check.Parameters is null ? $"can't call {rule.Tool} like this: {string.Join("; ", check.Problems)}" : null;
    }

    private static ToolRule Prefixed(ToolRule rule, string prefix) => prefix.Length == 0 ? rule : rule with
    {
        Tool = prefix + rule.Tool,
        OtherNames = [.. rule.OtherNames.Select(n => prefix + n)],
        Precondition = rule.Precondition is { } p
            ? p with { Tool = prefix + p.Tool, Derivation = p.Derivation is { } d ? d with { Reads = [.. d.Reads.Select(r => prefix + r)] } : null }
            : null,
        Proof = rule.Proof is { } f ? f with { Tool = prefix + f.Tool } : null,
    };

    // All that the rule says, defaults filled in: whoever changes any of it makes another version, and frozen calls of the old one don't run.
    private static ToolRule Seal(ToolRule rule, IReadOnlyDictionary<string, string> settings)
    {
        var json = new JsonObject
        {
            ["rule"] = JsonSerializer.SerializeToNode(rule with { Version = "" }, Canonical),
            ["settings"] = JsonSerializer.SerializeToNode(settings),
        };
        return rule with { Version = Convert.ToHexStringLower(SHA256.HashData(CanonicalJson.Write(json))) };
    }
}
