using System.Text.RegularExpressions;
using IncidentFox.Bot.Sandboxes.Conformance;
using IncidentFox.Host.Tests.Kit;
using IncidentFox.Host.Tests.Manifests;
using Xunit;

namespace IncidentFox.Host.Tests.Cli.Sandboxes;

/// <summary><c>incidentfox sandbox check --local</c>, as a process of its own.</summary>
public sealed class SandboxCheckLocalTests
{
    private static readonly string Agent = Path.Combine(Rendered.Repository, "artifacts", "agent", "incidentfox-agent");

    [Fact]
    public async Task It_prints_a_line_for_each_check_and_leaves_nothing()
    {
        using var here = new Installation();
        var temporary = Directory.CreateTempSubdirectory("ifxh").FullName;
        File.SetUnixFileMode(temporary, File.GetUnixFileMode(temporary) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        here.Environment["TMPDIR"] = temporary;
        var (exitCode, output, error) = await here.RunAsync("sandbox", "check", "--local", "--driver", "bubblewrap", "--agent", Agent);
        Assert.True(exitCode == 0, output + error);
        Assert.StartsWith("Checking this machine, bubblewrap\n", output, StringComparison.Ordinal);
        foreach (var (name, _) in ConformanceSuite.Checks)
            Assert.Matches($"(?m)^  (ok|not possible here) +{Regex.Escape(name)} +[^ ]", output);
        Assert.Matches(@"(?m)^1[12] ok, 0 failed, 0 simulated, [01] not possible here$", output);
        Assert.Empty(Directory.GetDirectories(temporary, "ifxcheck*"));
        Directory.Delete(temporary, recursive: true);
    }

    [Fact]
    public async Task What_can_not_be_run_is_said_in_a_sentence()
    {
        using var here = new Installation();
        var (exitCode, output, error) = await here.RunAsync("sandbox", "check", "--local", "--agent", "/nowhere/agent");
        Assert.Equal((2, ""), (exitCode, output));
        Assert.Contains("there is no file /nowhere/agent", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }
}
