using System.Reflection;
using IncidentFox.Gateway.Rules.Files;

namespace IncidentFox.Gateway.Rules;

// The rules that come with the product, built into the assembly so that they can't be swapped on disk.
internal static class ShippedIntegrations
{
    private const string Prefix = "integrations/";

    public static IReadOnlyDictionary<string, IntegrationFile> Read(List<string> errors)
    {
        var shipped = new Dictionary<string, IntegrationFile>();
        var assembly = Assembly.GetExecutingAssembly();
        foreach (var name in assembly.GetManifestResourceNames().Where(n => n.StartsWith(Prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            var problems = new Problems(name);
            var file = IntegrationFile.Parse(name, reader.ReadToEnd(), problems);
            errors.AddRange(problems.All);
            if (file is not null && problems.All.Count == 0)
                shipped[file.Name] = file;
        }
        return shipped;
    }
}
