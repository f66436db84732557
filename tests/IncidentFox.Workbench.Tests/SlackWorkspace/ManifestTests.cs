using System.Text.RegularExpressions;
using IncidentFox.Workbench.SlackWorkspace;
using Xunit;

namespace IncidentFox.Workbench.Tests.SlackWorkspace;

public sealed class ManifestTests
{
    /// <summary>Otherwise something would work here and not in a real workspace.</summary>
    [Fact]
    public void The_workspace_registers_what_the_apps_manifest_asks_for_and_nothing_else()
    {
        var manifest = File.ReadAllText(Path.Combine(Root(), "slack-app-manifest.yml"));
        var options = new SlackDoubleOptions();
        Assert.Equal(Values(manifest, @"^ *- command: (\S+)"), options.Commands.Select(c => c.Name).Order());
        Assert.Equal(Values(Regex.Match(manifest, @"^ *bot_events:\n(?: +- .+\n)+", RegexOptions.Multiline).Value, @"^ *- (\S+)"), options.Events.Order());
        Assert.Equal(Values(manifest, @"^ *callback_id: (\S+)"), options.Shortcuts.Select(s => s.CallbackId).Order());
        Assert.Equal(options.Commands.Count, Regex.Count(manifest, "should_escape: true"));
    }

    private static IEnumerable<string> Values(string text, string pattern) => Regex.Matches(text, pattern, RegexOptions.Multiline).Select(m => m.Groups[1].Value).Order();

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "IncidentFox.Bot.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("The test does not run inside the repository.");
    }
}
