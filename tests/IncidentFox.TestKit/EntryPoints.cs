using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace IncidentFox.TestKit;

/// <summary>
/// <c>docs/entry-points.txt</c>: every way into the product with what it asks for, a section for each kind. The tests of each part compare its section with
/// what the code has; <c>UPDATE_GOLDEN=1</c> writes the section instead.
/// </summary>
public static class EntryPoints
{
    /// <summary>What the sections are called, in the file's order.</summary>
    public static readonly IReadOnlyList<string> Sections = ["slack", "bot over http", "gateway's health over http", "gateway", "command line"];

    /// <summary>The whole file.</summary>
    public static string Text([CallerFilePath] string here = "") => File.ReadAllText(PathFrom(here));

    /// <summary>The section as it is on file.</summary>
    /// <param name="section">One of <see cref="Sections"/>.</param>
    /// <param name="lines">What the code has; they are put in order.</param>
    /// <param name="here">Left out by callers.</param>
    public static string OnFile(string section, IEnumerable<string> lines, [CallerFilePath] string here = "")
    {
        var path = PathFrom(here);
        var text = File.ReadAllText(path);
#pragma warning disable RS0030 // a switch for the person who runs the tests, not configuration
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
#pragma warning restore RS0030
        {
            text = Section(section).Replace(text, m => $"{m.Groups[1].Value}{Of(lines)}");
            File.WriteAllText(path, text);
        }
        return Section(section).Match(text).Groups[2].Value;
    }

    /// <summary>Lines as a section holds them.</summary>
    public static string Of(IEnumerable<string> lines) => string.Concat(lines.Order(StringComparer.Ordinal).Select(l => l + "\n"));

    private static string PathFrom(string here) => Path.Combine(Root(here), "docs", "entry-points.txt");

    private static string Root(string here)
    {
        var folder = new DirectoryInfo(Path.GetDirectoryName(here)!);
        while (!File.Exists(Path.Combine(folder.FullName, "IncidentFox.Bot.sln")))
            folder = folder.Parent ?? throw new InvalidOperationException("not in a clone of the repository");
        return folder.FullName;
    }

    private static Regex Section(string name) => new($@"(^## {Regex.Escape(name)}\n(?:#[^\n]*\n)*)((?:[^#\n][^\n]*\n)*)", RegexOptions.Multiline);
}
