using System.Text;
using IncidentFox.Fuzz.Generators;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Rules.Parsing;

namespace IncidentFox.Fuzz.Fuzzers;

/// <summary>Integration files: garbage is named, never thrown at anybody, and never quoted where it may be a secret; what loads behaves.</summary>
internal sealed class RuleFuzzer : IFuzzer
{
    private const string Pasted = "hunter2-pasted-secret";
    private static readonly IReadOnlyList<string> Files = Corpus.Files("integrations");
    private static readonly IReadOnlyList<string> Garbage = Corpus.Files("yaml");

    private static readonly string[] Lines =
    [
        "team: other", "extends: kubernetes", "extends: nothing", "tools: []", "tools: {}", "unknown: 1", "? [a]", ": x", "- a", "&a *a", "<<: *x", "!!python/object:x y", "%YAML 1.3", "---", "...", "\t", "{", "]", "\"",
        "base_url: file:///etc/passwd", "base_url: http://user:pass@x", "base_url: https://169.254.169.254", "auth: {scheme: bearer, read: \"env://HOME\"}", "limits: {response_bytes: -1}", "network: {allow: [0.0.0.0/0]}",
        "    request: GET /a/../b", "    request: CONNECT /x", "    request: GET /{x}/{x}", "    effect: delete", "    effect: read", "    query: {a: \"{b}\"}", "    headers: {Host: x}", "    headers: {Authorization: x}",
        "    parameters: {a: {type: string, description: d, pattern: \"(a+)+$\"}}", "    parameters: {a: {type: string, description: d, pattern: \"[\"}}", "    body: {a: \"{b}\"}", "    rows: /a/~2",
    ];

    private int _loaded;

    public string Name => "rules";
    public double Share => 2;
    public string LastInput { get; private set; } = "";
    public string Summary => $"{_loaded:N0} sets loaded";

    public Task<string?> TryAsync(Dice dice)
    {
        var made = dice.OneIn(3);
        var text = made ? RuleSets.Make(dice) : Spoil(dice, dice.OneIn(5) ? dice.Of(Garbage) : dice.Of(Files));
        LastInput = text;
        var load = IntegrationLoader.Parse([("own.yaml", text)]);
        if (load.Catalog is null && load.Errors.Count == 0)
            return Task.FromResult<string?>("it did not load and nobody says why");
        if (load.Catalog is not null && load.Errors.Count > 0)
            return Task.FromResult<string?>("it loaded in spite of errors");
        foreach (var error in load.Errors)
        {
            if (error.Contains(Pasted, StringComparison.Ordinal))
                return Task.FromResult<string?>($"a pasted secret is repeated: {error}");
            if (error.Contains('\n', StringComparison.Ordinal) || !error.StartsWith("own.yaml:", StringComparison.Ordinal))
                return Task.FromResult<string?>($"an error does not say where, or is more than a line: {error}");
        }
        if (load.Catalog is not { } catalog)
            return Task.FromResult(made && !RuleSets.MayBeRefused(load.Errors) ? $"a made set was refused: {load.Errors[0]}" : null);
        _loaded++;
        return Task.FromResult(Enumerable.Range(0, 8).Select(_ => Request(dice, catalog)).FirstOrDefault(p => p is not null));
    }

    public Task<string?> FinishAsync() => Task.FromResult(_loaded == 0 ? "no set loaded: this tests nothing" : null);

    private static string? Request(Dice dice, IntegrationCatalog catalog)
    {
        if (catalog.All is not [var integration])
            return "not one integration";
        var team = integration.Team ?? Catalogs.Team;
        var rule = dice.Of(integration.Rules);
        var target = dice.OneIn(2) ? Targets.Of(dice, rule) : Targets.Any(dice, integration.Rules);
        var body = rule.IsBound() ? Encoding.UTF8.GetBytes(Json.Arguments(dice, rule)) : [];
        return BaseUrlDoor.Parse(catalog, team, integration.Name, rule.Method, target, body) switch
        {
            ParsedCall.Call call => RoundTrip.Problem(call, catalog),
            ParsedCall.Refused refused => RoundTrip.Problem(refused),
            _ => "neither refused nor a call",
        };
    }

    private static string Spoil(Dice dice, string text)
    {
        var lines = text.Split('\n').ToList();
        for (var changes = 1 + dice.Below(4); changes > 0; changes--)
        {
            var at = dice.Below(lines.Count);
            switch (dice.Below(7))
            {
                case 0: lines.Insert(at, dice.Of(Lines)); break;
                case 1: lines.RemoveAt(at); break;
                case 2: lines.Insert(at, lines[at]); break;
                case 3: lines[at] = "  " + lines[at]; break;
                case 4: lines[at] = Targets.Spoil(dice, lines[at]); break;
                case 5: lines[at] = lines[at].Replace("file://", Pasted, StringComparison.Ordinal); break;
                default: lines[at] = lines[at].TrimStart(); break;
            }
            if (lines.Count == 0)
                lines.Add("");
        }
        return string.Join('\n', lines);
    }
}
