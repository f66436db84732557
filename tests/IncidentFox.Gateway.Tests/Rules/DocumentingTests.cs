using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using IncidentFox.Core;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Rules.Documenting;
using IncidentFox.Gateway.Rules.Parsing;
using Xunit;

namespace IncidentFox.Gateway.Tests.Rules;

// What others rely on, as files of the repository. UPDATE_GOLDEN=1 writes them.
public sealed class DocumentingTests
{
    private static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", ".."));

    [Fact]
    public void The_page_of_integrations_is_what_the_shipped_files_say() => Matches("docs/integrations.md", IntegrationDocs.Markdown());

    [Fact]
    public void The_schema_is_what_the_loader_knows() => Matches("integrations/schema.json", IntegrationSchema.Text());

    [Fact]
    public void The_tools_that_agents_are_offered_are_these()
    {
        var text = new StringBuilder();
        foreach (var integration in ShippedIntegration.All)
        {
            foreach (var rule in integration.Rules.Where(r => r.Listed))
                text.Append(integration.Name).Append(' ').Append(rule.Effect.ToString().ToLowerInvariant()).Append(' ').Append(rule.Tool).Append(' ').Append(ToolSchema.Of(rule).GetRawText()).Append('\n');
        }
        Matches("tests/IncidentFox.Gateway.Tests/Rules/Golden/tools.txt", text.ToString());
    }

    [Fact]
    public void The_example_of_the_docs_has_under_ten_lines_and_is_all_that_a_call_needs()
    {
        var example = Blocks().First();
        Assert.InRange(example.TrimEnd().Split('\n').Length, 1, 9);
        var catalog = Sample.Load(("runbooks.yaml", example));
        var trip = RoundTrip.OfTool(catalog, new TeamId("sre"), "search_runbooks", JsonDocument.Parse("""{"words":"checkout 5xx"}""").RootElement);
        Assert.Equal(("GET", "/api/search?q=checkout%205xx", false), (trip.Outgoing!.Method, trip.Outgoing.PathAndQuery, trip.Outgoing.UseWriteCredential));
        Assert.True(trip.Holds());
        Assert.Equal("https://runbooks.acme.example", catalog.All[0].Origin);
    }

    [Fact]
    public void Every_shipped_integration_loads_as_the_docs_show_it_and_all_of_them_at_once()
    {
        var samples = Blocks().Skip(1).ToList();
        Assert.Equal(ShippedIntegration.All.Count, samples.Count);
        Assert.All(samples, s => Assert.Empty(Sample.Errors(("one.yaml", s))));
        Assert.Equal(ShippedIntegration.All.Select(i => i.Name), samples.SelectMany(s => Sample.Load(("one.yaml", s)).All).Select(i => i.Name));
    }

    [Fact]
    public void Every_shipped_integration_says_where_its_facts_are_from_which_credential_it_needs_and_how_to_try_it()
    {
        Assert.NotEmpty(ShippedIntegration.All);
        Assert.All(ShippedIntegration.All, i =>
        {
            Assert.True(i.Sources.Count > 0, $"{i.Name} has no source");
            Assert.True(i.Credential?.Length > 20 || i.Slots.Count == 0, $"{i.Name} does not say which credential to create");
            Assert.NotNull(Sample.Load(("one.yaml", IntegrationDocs.Sample(i))).All[0].Probe);
        });
    }

    [Fact]
    public void What_the_schema_calls_wrong_the_loader_calls_wrong_too()
    {
        var schema = IntegrationSchema.Json();
        var known = schema["properties"]!.AsObject().Select(p => p.Key).ToList();
        // Every key that the schema knows is one that the loader knows: none of them may be called unknown.
        var text = string.Join('\n', known.Where(k => k != "integration").Select(k => $"{k}: 0").Prepend("integration: a"));
        Assert.DoesNotContain(Sample.Errors(("a.yaml", text)), e => e.Contains("is not known here", StringComparison.Ordinal));
        Assert.Contains(Sample.Errors(("a.yaml", text + "\nother: 0")), e => e.Contains($"'other' is not known here; known are {string.Join(", ", known.Order(StringComparer.Ordinal))}", StringComparison.Ordinal));
        var tool = Sample.Errors(("a.yaml", "integration: a\ntools:\n  t: {other: 0}")).Single(e => e.Contains("'other' is not known here", StringComparison.Ordinal));
        var keys = schema["properties"]!["tools"]!["additionalProperties"]!["properties"]!.AsObject().Select(p => p.Key).Order(StringComparer.Ordinal);
        Assert.Contains($"known are {string.Join(", ", keys)}", tool, StringComparison.Ordinal);
    }

    private static List<string> Blocks() => [.. Regex.Matches(IntegrationDocs.Markdown(), "```yaml\n(?<yaml>.*?)```", RegexOptions.Singleline).Select(m => m.Groups["yaml"].Value)];

    private static void Matches(string path, string actual)
    {
        var file = Path.Combine(Root(), path);
#pragma warning disable RS0030 // a switch for the person who runs the tests, not configuration
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
#pragma warning restore RS0030
            File.WriteAllText(file, actual);
        Assert.True(File.Exists(file) && File.ReadAllText(file) == actual, $"{path} is not what would be generated: run these tests with UPDATE_GOLDEN=1 and look at what changed.");
    }
}
