using IncidentFox.Core.Administration;

namespace IncidentFox.Core.Tests.Administration;

public sealed class PolicyTextTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 5, 12, 0, 0, TimeSpan.Zero);

    private static readonly ListedTool[] Tools =
    [
        new(null, "kubernetes", "get_pods", ToolEffect.Read, "Lists pods.", true), new(null, "kubernetes", "pod_restart", ToolEffect.Write, "Restarts a pod.", true),
        new(null, "docker", "docker_exec", ToolEffect.Exec, "Runs a command.", false),
    ];

    private static ToolPolicy Parsed(string json) => ToolPolicyParser.Parse(json).Policy!;

    [Fact]
    public void A_line_says_from_which_role_on_and_what_is_asked()
    {
        var lines = PolicyText.Tools(Parsed("""
            {"tools":{"docker_exec":{"allowed_roles":["admin"]},"get_pods":{"enabled":false}},"approval_workflows":{"actions":{"pod_restart":{"required_approvers":2}}}}
            """), Tools, Now);

        Assert.Equal(4, lines.Count);
        Assert.Matches("^get_pods +kubernetes +read +- +denied: .*switched off", lines[1]);
        Assert.Matches("^pod_restart +kubernetes +write +operator +asks 2 of role admin or above, within 30 min, #sre-approvals$", lines[2]);
        Assert.Matches("^docker_exec +docker +exec +admin +no credential; else asks 1 of", lines[3]);
    }

    [Fact]
    public void A_condition_is_pointed_out()
    {
        var policy = Parsed("""{"approval_workflows":{"actions":{"pod_restart":[{"required_approvers":2,"when":{"namespaces":["prod"]}}]}}}""");

        Assert.EndsWith(" *", PolicyText.Tools(policy, Tools, Now)[2], StringComparison.Ordinal);
        Assert.Contains("entries:    approval_workflows.actions.pod_restart[0] (when…)", PolicyText.Tool(policy, Tools[1], Now));
        Assert.Contains(PolicyText.Workflows(policy), l => l.StartsWith("pod_restart (when…)  2 of", StringComparison.Ordinal));
    }

    [Fact]
    public void Where_nothing_can_be_read_every_tool_is_denied_and_the_reason_is_said() =>
        Assert.All(PolicyText.Tools(ToolPolicy.DenyAll("Broken."), Tools[..2], Now).Skip(1), l => Assert.EndsWith("-          denied: Broken.", l, StringComparison.Ordinal));
}
