using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;

namespace IncidentFox.Mutation;

/// <summary>Compiles a project as the build does, with one file changed. Source generators run once: no mutant changes what they look at.</summary>
internal sealed class Compiler
{
    private readonly CSharpCommandLineArguments _arguments;
    private readonly CSharpCompilation _original;
    private readonly Dictionary<string, SyntaxTree> _trees;

    private Compiler(CSharpCommandLineArguments arguments, CSharpCompilation original) =>
        (_arguments, _original, _trees) = (arguments, original, original.SyntaxTrees.Where(t => t.FilePath.Length > 0).ToDictionary(t => t.FilePath));

    /// <summary>A file of the project.</summary>
    public SyntaxTree Tree(string file) => _trees[file];

    /// <summary>Asks the build how it compiles the project.</summary>
    public static Compiler Of(string project, string configuration)
    {
        // A file that does not exist keeps the build from thinking that there is nothing to do.
        using var build = Process.Start(new ProcessStartInfo("dotnet",
            ["msbuild", project, "-t:Compile", $"-p:Configuration={configuration}", "-p:ProvideCommandLineArgs=true", "-p:SkipCompilerExecution=true", "-p:NonExistentFile=none/none", "-getItem:CscCommandLineArgs"])
        {
            UseShellExecute = false, RedirectStandardOutput = true,
        })!;
        using var said = JsonDocument.Parse(build.StandardOutput.ReadToEnd());
        build.WaitForExit();
        var lines = said.RootElement.GetProperty("Items").GetProperty("CscCommandLineArgs").EnumerateArray().Select(i => i.GetProperty("Identity").GetString()!).ToArray();
        var arguments = CSharpCommandLineParser.Default.Parse(lines, Path.GetDirectoryName(Path.GetFullPath(project))!, sdkDirectory: null);
        var trees = arguments.SourceFiles.Select(f => CSharpSyntaxTree.ParseText(SourceText.From(File.ReadAllText(f.Path), System.Text.Encoding.UTF8), arguments.ParseOptions, f.Path));
        // What a warning says is not asked here.
        var options = arguments.CompilationOptions.WithGeneralDiagnosticOption(ReportDiagnostic.Default).WithSpecificDiagnosticOptions([]).WithWarningLevel(0);
        var compilation = CSharpCompilation.Create(arguments.CompilationName, trees, arguments.MetadataReferences.Select(r => MetadataReference.CreateFromFile(r.Reference)), options);
        var generators = arguments.AnalyzerReferences.Where(a => a.FilePath.Contains("Microsoft.NETCore.App.Ref", StringComparison.Ordinal)
            || Path.GetFileName(a.FilePath).Contains("Generat", StringComparison.Ordinal))
            .SelectMany(a => new AnalyzerFileReference(a.FilePath, new Loader()).GetGenerators(LanguageNames.CSharp));
        CSharpGeneratorDriver.Create(generators, parseOptions: arguments.ParseOptions).RunGeneratorsAndUpdateCompilation(compilation, out var whole, out _);
        return new Compiler(arguments, (CSharpCompilation)whole);
    }

    /// <summary>Writes the assembly with this change (null: without one). False when it does not compile.</summary>
    public bool TryEmit(Mutant? mutant, string path, out string? error)
    {
        var compilation = _original;
        if (mutant is not null)
        {
            var old = _trees[mutant.File];
            compilation = compilation.ReplaceSyntaxTree(old, old.WithChangedText(old.GetText().WithChanges(new TextChange(mutant.Span, mutant.Replacement))));
        }
        using var file = File.Create(path);
        var result = compilation.Emit(file, manifestResources: _arguments.ManifestResources);
        error = result.Diagnostics.FirstOrDefault(d => d.Severity == DiagnosticSeverity.Error)?.ToString();
        return result.Success;
    }

    private sealed class Loader : IAnalyzerAssemblyLoader
    {
        public void AddDependencyLocation(string fullPath)
        {
            // They need nothing but the framework and the compiler.
        }

        public Assembly LoadFromPath(string fullPath) => Assembly.LoadFrom(fullPath);
    }
}
