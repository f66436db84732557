using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;
using Xunit;

namespace IncidentFox.Host.Tests.Architecture;

[Trait("kind", "check")]
public sealed class ReferenceTests
{
    private static readonly string Source = Path.Combine(Repository(), "src");

    [Fact]
    public void Projects_reference_only_what_the_table_allows() => Assert.Empty(ReferenceRules.Violations(Projects()));

    [Theory]
    [InlineData("IncidentFox.Agent", "ProjectReference", "../IncidentFox.Core/IncidentFox.Core.csproj", "IncidentFox.Agent references IncidentFox.Core")]
    [InlineData("IncidentFox.Gateway", "ProjectReference", "../IncidentFox.Slack/IncidentFox.Slack.csproj", "IncidentFox.Gateway references IncidentFox.Slack")]
    [InlineData("IncidentFox.Bot", "ProjectReference", "../IncidentFox.Secrets/IncidentFox.Secrets.csproj", "IncidentFox.Bot references IncidentFox.Secrets")]
    [InlineData("IncidentFox.Bot", "PackageReference", "Azure.Identity", "IncidentFox.Bot has the package Azure.Identity")]
    [InlineData("IncidentFox.Contracts", "PackageReference", "Dapper", "IncidentFox.Contracts has the package Dapper")]
    public void A_planted_violation_is_found(string project, string element, string include, string expected)
    {
        var planted = Projects().Select(p =>
        {
            var copy = new XDocument(p.Project);
            if (p.Name == project)
                copy.Root!.Add(new XElement("ItemGroup", new XElement(element, new XAttribute("Include", include))));
            return (p.Name, copy);
        });

        Assert.Contains(ReferenceRules.Violations(planted), v => v.StartsWith(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void A_project_that_the_table_does_not_know_is_found() =>
        Assert.Contains(ReferenceRules.Violations([.. Projects(), ("IncidentFox.Backdoor", new XDocument(new XElement("Project")))]),
            v => v.Contains("IncidentFox.Backdoor", StringComparison.Ordinal));

    [Theory]
    [InlineData("IncidentFox.Slack", "IncidentFox.Slack.Inbound", "SlackSignature")]
    public void The_workbench_does_not_use_the_products_own_validators(string assembly, string ns, string type)
    {
        var used = TypesUsedBy(Path.Combine(Source, "IncidentFox.Workbench", "bin", Configuration, "net10.0", "incidentfox-workbench.dll"));

        Assert.DoesNotContain((assembly, ns, type), used);
        Assert.DoesNotContain(used, u => u.Assembly == assembly && u.Type.Contains("Limit", StringComparison.Ordinal));
    }

    [Fact]
    public void The_agents_published_dependencies_are_the_committed_list()
    {
        var golden = Path.Combine(Repository(), "tests", "IncidentFox.Host.Tests", "Architecture", "agent-dependencies.golden.txt");
        var assets = Path.Combine(Source, "IncidentFox.Agent", "obj", "project.assets.json");
        using var json = System.Text.Json.JsonDocument.Parse(File.ReadAllText(assets));
        var libraries = json.RootElement.GetProperty("libraries").EnumerateObject()
            .Select(l => l.Name.Split('/')[0])
            .Where(n => !BuildOnly(n))
            .Order(StringComparer.Ordinal);

        Assert.Equal(File.ReadAllLines(golden), libraries);
    }

    // Analyzers and the compiler, which brings the runtime: what every Native AOT program has.
    private static bool BuildOnly(string name) =>
        name is "Meziantou.Analyzer" or "Microsoft.CodeAnalysis.BannedApiAnalyzers" or "Microsoft.NET.ILLink.Tasks"
        || name.EndsWith("Microsoft.DotNet.ILCompiler", StringComparison.Ordinal);

    private static IEnumerable<(string Name, XDocument Project)> Projects() =>
        Directory.EnumerateFiles(Source, "*.csproj", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(f => (Path.GetFileNameWithoutExtension(f), XDocument.Load(f)));

    private static HashSet<(string Assembly, string Namespace, string Type)> TypesUsedBy(string path)
    {
        using var pe = new PEReader(File.OpenRead(path));
        var metadata = pe.GetMetadataReader();
        var used = new HashSet<(string, string, string)>();
        foreach (var handle in metadata.TypeReferences)
        {
            var type = metadata.GetTypeReference(handle);
            if (type.ResolutionScope.Kind == HandleKind.AssemblyReference)
            {
                var assembly = metadata.GetAssemblyReference((AssemblyReferenceHandle)type.ResolutionScope);
                used.Add((metadata.GetString(assembly.Name), metadata.GetString(type.Namespace), metadata.GetString(type.Name)));
            }
        }
        return used;
    }

    private static string Configuration => typeof(ReferenceTests).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;

    private static string Repository()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "IncidentFox.Bot.sln")))
                return folder.FullName;
        }
        throw new InvalidOperationException("The tests run from a clone of the repository.");
    }
}
