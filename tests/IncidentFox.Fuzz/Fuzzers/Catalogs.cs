using IncidentFox.Core;
using IncidentFox.Gateway.Rules;

namespace IncidentFox.Fuzz.Fuzzers;

/// <summary>What the fuzzers' team may use: shipped integrations as they are, and one of every shape that a rule can have.</summary>
internal static class Catalogs
{
    public static readonly TeamId Team = new("sre");

    public static IntegrationCatalog All { get; } = Load(Corpus.Files("integrations"));

    private static IntegrationCatalog Load(IReadOnlyList<string> files)
    {
        var load = IntegrationLoader.Parse([.. files.Select((f, i) => ($"{i}.yaml", f))]);
        return load.Catalog ?? throw new InvalidOperationException(string.Join('\n', load.Errors));
    }
}
