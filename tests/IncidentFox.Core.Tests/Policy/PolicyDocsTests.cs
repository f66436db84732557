using System.Text.RegularExpressions;

namespace IncidentFox.Core.Tests.Policy;

public sealed partial class PolicyDocsTests
{
    [Fact]
    public void Every_policy_in_the_documentation_is_one()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "IncidentFox.Bot.sln")))
            folder = folder.Parent;
        var blocks = Block().Matches(File.ReadAllText(Path.Combine(folder.FullName, "docs", "policy.md"))).Select(m => m.Groups["json"].Value).ToList();
        Assert.True(blocks.Count >= 2);
        Assert.All(blocks, b => Assert.Empty(ToolPolicyParser.Parse(b).Errors));
    }

    [GeneratedRegex("```json\n(?<json>.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex Block();
}
