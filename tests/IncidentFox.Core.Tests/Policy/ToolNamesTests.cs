using CsCheck;

namespace IncidentFox.Core.Tests.Policy;

/// <summary>A tool with two names is one tool: no name is a way around what policy says of the other.</summary>
public sealed class ToolNamesTests
{
    private static readonly Gen<Role> Roles = Gen.OneOf(Role.Viewer, Role.Operator, Role.Admin, Role.OrgAdmin);

    private static ToolFacts Exec(Role role) => new("docker_exec", ToolEffect.Exec, role) { Integration = "kubernetes", OtherNames = ["pod_exec"] };

    private static int Openness(ToolDecision decision) => decision switch { ToolDecision.Allow => 2, ToolDecision.NeedsApproval => 1, _ => 0 };

    [Theory]
    [InlineData("docker_exec")]
    [InlineData("pod_exec")]
    [InlineData("kubernetes.docker_exec")]
    [InlineData("kubernetes.pod_exec")]
    public void An_entry_for_either_name_holds(string name)
    {
        var policy = PolicyParserTests.Parsed($$"""
            {"tools": {"{{name}}": {"allowed_roles": ["admin"]} }, "approval_workflows": {"actions": {"{{name}}": {"required_approvers": 3} } } }
            """);
        Assert.IsType<ToolDecision.Deny>(ToolDecider.Decide(policy, Exec(Role.Operator)));
        Assert.Equal(3, Assert.IsType<ToolDecision.NeedsApproval>(ToolDecider.Decide(policy, Exec(Role.Admin))).Workflow.RequiredApprovers);
        Assert.Contains(PolicyExplainer.Explain(policy, Exec(Role.Admin)), l => l.Contains("tools", StringComparison.Ordinal) && l.Contains(name, StringComparison.Ordinal));
        // Another tool is not meant.
        Assert.IsType<ToolDecision.NeedsApproval>(ToolDecider.Decide(policy, Exec(Role.Operator) with { Tool = "a", OtherNames = ["b"] }));
    }

    [Fact]
    public void Where_entries_of_two_names_disagree_the_stricter_answer_counts()
    {
        var policy = PolicyParserTests.Parsed("""
            {"tools":{"docker_exec":{"enabled":true,"allowed_roles":["operator"]},"pod_exec":{"enabled":false}},
             "approval_workflows":{"actions":{"docker_exec":{"required_approvers":1,"timeout_minutes":5},"pod_exec":{"required_approvers":2,"timeout_minutes":60}}}}
            """);
        Assert.Contains("tools.pod_exec.enabled", Assert.IsType<ToolDecision.Deny>(ToolDecider.Decide(policy, Exec(Role.OrgAdmin))).Reason, StringComparison.Ordinal);
        var allowed = PolicyParserTests.Parsed(policy.Json.Replace("false", "true", StringComparison.Ordinal));
        var terms = Assert.IsType<ToolDecision.NeedsApproval>(ToolDecider.Decide(allowed, Exec(Role.Operator))).Workflow;
        Assert.Equal((2, 5m), (terms.RequiredApprovers, terms.TimeoutMinutes));
    }

    [Fact]
    public void The_more_specific_name_goes_first_whichever_of_the_two_it_is() =>
        Assert.IsType<ToolDecision.Deny>(ToolDecider.Decide(PolicyParserTests.Parsed("""
            {"tools":{"docker_exec":{"enabled":true},"kubernetes.pod_exec":{"enabled":false}}}
            """), Exec(Role.OrgAdmin)));

    [Fact]
    public void With_two_names_nothing_is_open_that_one_of_them_closes()
    {
        // Each says who may: an entry that leaves a question open leaves it to the other.
        var settings = Gen.Select(Gen.Bool, Roles.List[1, 2], Gen.OneOf<bool?>(null, true, false));
        ToolPolicy Of(params (string Name, (bool Enabled, List<Role> Roles, bool? Approval) Said)[] entries) => new()
        {
            Tools = [.. entries.Select(e => new ToolSetting { Name = new(null, e.Name), Enabled = e.Said.Enabled, AllowedRoles = e.Said.Roles, RequireApproval = e.Said.Approval })],
            Workflows = [], WorkflowsEnabled = true, Default = new Workflow(), Json = "{}", Digest = "",
        };
        Gen.Select(settings, settings, Roles, Gen.OneOf(ToolEffect.Read, ToolEffect.Exec)).Sample((first, second, role, effect) =>
        {
            var facts = Exec(role) with { Effect = effect };
            var both = Openness(ToolDecider.Decide(Of(("docker_exec", first), ("pod_exec", second)), facts));
            return both <= Openness(ToolDecider.Decide(Of(("docker_exec", first)), facts)) && both <= Openness(ToolDecider.Decide(Of(("pod_exec", second)), facts));
        });
    }
}
