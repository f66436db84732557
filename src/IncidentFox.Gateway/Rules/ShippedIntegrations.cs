using System.Reflection;
using IncidentFox.Gateway.Rules.Files;

namespace IncidentFox.Gateway.Rules;

// A file that comes with the product, as text: what its settings stand for differs from one installation to the next.
internal sealed record ShippedFile(string File, string Name, string Text, IReadOnlyList<SettingDeclaration> Settings)
{
    // As it stands with these values.
    public IntegrationFile Read(IReadOnlyDictionary<string, string> settings)
    {
        var problems = new Problems(File) { Settings = settings };
        return IntegrationFile.From(File, YamlFile.Read(Text, problems)!);
    }
}

// The rules that come with the product, built into the assembly so that they can't be swapped on disk.
internal static class ShippedIntegrations
{
    private const string Prefix = "integrations/";

    // They are part of the program: read and checked once.
    private static readonly Lazy<(IReadOnlyDictionary<string, ShippedFile> Files, IReadOnlyList<string> Errors)> All = new(ReadAll);

    public static IReadOnlyDictionary<string, ShippedFile> Read(List<string> errors)
    {
        errors.AddRange(All.Value.Errors);
        return All.Value.Files;
    }

    private static (IReadOnlyDictionary<string, ShippedFile> Files, IReadOnlyList<string> Errors) ReadAll()
    {
        var errors = new List<string>();
        var shipped = new Dictionary<string, ShippedFile>(StringComparer.Ordinal);
        var assembly = Assembly.GetExecutingAssembly();
        foreach (var name in assembly.GetManifestResourceNames().Where(n => n.StartsWith(Prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            if (Read(name, reader.ReadToEnd(), errors) is { } file)
                shipped[file.Name] = file;
        }
        return (shipped, errors);
    }

    // Checked once with its examples, so that a mistake in it is its own and not that of whoever extends it.
    private static ShippedFile? Read(string name, string text, List<string> errors)
    {
        var problems = new Problems(name);
        ShippedFile? shipped = null;
        if (YamlFile.Read(text, problems) is { } root)
        {
            var settings = FileSettings.Read(root);
            problems.Settings = settings.Values([], withExamples: true, root);
            var file = IntegrationFile.From(name, root);
            shipped = new(name, file.Name, text, settings.Declared);
        }
        errors.AddRange(problems.All);
        return problems.All.Count == 0 ? shipped : null;
    }
}
