using CsCheck;

namespace IncidentFox.Core.Tests.Policy;

public sealed class ToolDeciderTests
{
    private static readonly ToolPattern T = new(null, "t");
    private static readonly Gen<Role> Roles = Gen.OneOf(Role.Viewer, Role.Operator, Role.Admin, Role.OrgAdmin);
    private static readonly Gen<ToolEffect> Effects = Gen.OneOf(ToolEffect.Read, ToolEffect.Write, ToolEffect.Exec);

    private static readonly Gen<ToolSetting> Settings = Gen.Select(Gen.Bool, Roles.List[0, 3], Gen.OneOf<bool?>(null, true, false),
        (enabled, roles, approval) => new ToolSetting { Name = T, Enabled = enabled, AllowedRoles = roles, RequireApproval = approval });

    private static readonly Gen<ToolPolicy> Policies = Gen.Select(Gen.Bool, Settings, Gen.Bool, Gen.Bool, (named, setting, workflow, enabled) => new ToolPolicy
    {
        Tools = named ? [setting] : [],
        WorkflowsEnabled = enabled,
        Default = new Workflow(),
        Workflows = workflow ? [new WorkflowSetting { Name = T, RequiredApprovers = 2 }] : [],
        Json = "{}",
        Digest = "",
    });

    // How much a decision lets through: nothing, with people's consent, everything.
    private static int Openness(ToolDecision decision) => decision switch { ToolDecision.Allow => 2, ToolDecision.NeedsApproval => 1, _ => 0 };

    private static int Decide(ToolPolicy policy, ToolEffect effect, Role role) => Openness(ToolDecider.Decide(policy, new ToolFacts("t", effect, role)));

    [Fact]
    public void What_changes_something_never_runs_without_an_approval() =>
        Gen.Select(Policies, Gen.OneOf(ToolEffect.Write, ToolEffect.Exec), Roles).Sample((policy, effect, role) => Decide(policy, effect, role) < 2);

    [Fact]
    public void An_effect_or_a_role_that_is_not_known_is_denied()
    {
        Gen.Select(Policies, Roles).Sample((policy, role) => Decide(policy, (ToolEffect)77, role) == 0);
        Gen.Select(Policies, Effects).Sample((policy, effect) => Decide(policy, effect, (Role)77) == 0 && Decide(policy, effect, Role.None) == 0);
    }

    [Fact]
    public void A_tool_that_is_switched_off_is_denied_to_everybody() =>
        Gen.Select(Policies, Settings, Effects, Roles).Sample((policy, setting, effect, role) => Decide(
            policy with { Tools = [setting with { Enabled = false }] }, effect, role) == 0);

    [Fact]
    public void A_lower_role_never_may_more() =>
        Gen.Select(Policies, Effects, Roles, Roles).Sample((policy, effect, a, b) =>
            Decide(policy, effect, a < b ? a : b) <= Decide(policy, effect, a < b ? b : a));

    [Fact]
    public void Taking_a_role_from_the_list_never_lets_more_through_unless_it_leaves_none() =>
        Gen.Select(Policies, Settings, Effects, Roles).Where((_, s, _, _) => s.AllowedRoles.Count > 1).Sample((policy, setting, effect, role) =>
        {
            ToolPolicy With(ToolSetting s) => policy with { Tools = [s] };
            return setting.AllowedRoles.Distinct().Where(r => setting.AllowedRoles.Any(x => x != r)).All(removed =>
                Decide(With(setting with { AllowedRoles = [.. setting.AllowedRoles.Where(r => r != removed)] }), effect, role) <= Decide(With(setting), effect, role));
        });

    [Fact]
    public void A_stricter_policy_never_lets_more_through() =>
        Gen.Select(Policies, Effects, Roles).Sample((policy, effect, role) =>
        {
            var setting = policy.Tools.SingleOrDefault() ?? new ToolSetting { Name = T };
            var now = Decide(policy, effect, role);
            return new[]
            {
                policy with { WorkflowsEnabled = false },
                policy with { Workflows = [new WorkflowSetting { Name = T }] },
                policy with { Tools = [setting with { RequireApproval = true }] },
                policy with { Tools = [setting with { Enabled = false }] },
                policy with { Tools = [setting with { AllowedRoles = [Role.OrgAdmin] }] },
            }.All(stricter => Decide(stricter, effect, role) <= now);
        });

    [Fact]
    public void Where_tool_and_workflow_disagree_the_stricter_wins()
    {
        var policy = PolicyParserTests.Parsed("""{"tools":{"pod_restart":{"require_approval":false}},"approval_workflows":{"actions":{"pod_restart":{"required_approvers":2}}}}""");
        Assert.Equal(2, Assert.IsType<ToolDecision.NeedsApproval>(ToolDecider.Decide(policy, new ToolFacts("pod_restart", ToolEffect.Read, Role.Admin))).Workflow.RequiredApprovers);
        Assert.IsType<ToolDecision.NeedsApproval>(ToolDecider.Decide(policy, new ToolFacts("pod_restart", ToolEffect.Write, Role.Admin)));
    }

    [Fact]
    public void Workflows_that_are_switched_off_deny_what_would_need_one_and_leave_reads_alone()
    {
        var policy = PolicyParserTests.Parsed("""{"approval_workflows":{"enabled":false}}""");
        Assert.IsType<ToolDecision.Deny>(ToolDecider.Decide(policy, new ToolFacts("x", ToolEffect.Write, Role.OrgAdmin)));
        Assert.IsType<ToolDecision.Allow>(ToolDecider.Decide(policy, new ToolFacts("x", ToolEffect.Read, Role.Operator)));
        Assert.IsType<ToolDecision.Deny>(ToolDecider.Decide(policy, new ToolFacts("x", ToolEffect.Read, Role.Viewer)));
    }
}
