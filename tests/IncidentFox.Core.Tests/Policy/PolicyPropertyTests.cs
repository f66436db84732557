using CsCheck;

namespace IncidentFox.Core.Tests.Policy;

/// <summary>What holds of every policy and every call, whatever names, stars and conditions it has.</summary>
public sealed class PolicyPropertyTests
{
    private static readonly Gen<Role> Roles = Gen.OneOf(Role.Viewer, Role.Operator, Role.Admin, Role.OrgAdmin);
    private static readonly Gen<bool?> Answers = Gen.OneOf<bool?>(null, true, false);

    private static readonly Gen<ToolPattern> Names = Gen.OneOf(ToolPattern.Any, new ToolPattern("k", null), new ToolPattern(null, "t"), new ToolPattern("k", "t"), new ToolPattern(null, "u"));

    private static readonly WorkingHours Mornings = new(new HashSet<DayOfWeek> { DayOfWeek.Wednesday }, 0, 12 * 60, TimeZoneInfo.Utc);

    private static readonly Gen<Condition?> Conditions = Gen.OneOf<Condition?>(
        null, null, new Condition { Namespaces = ["a*"] }, new Condition { Namespaces = ["b"] }, new Condition { Integrations = ["k"] },
        new Condition { Environments = ["staging"] }, new Condition { Environments = ["production"] }, new Condition { WorkingHours = Mornings },
        new Condition { Namespaces = ["a*"], WorkingHours = Mornings });

    private static readonly Gen<ToolSetting> Settings = Gen.Select(Names, Conditions, Answers, Roles.List[0, 2], Answers, (name, when, enabled, roles, approval) =>
        new ToolSetting { Name = name, When = when, Enabled = enabled, AllowedRoles = roles, RequireApproval = approval, Path = "$.tools.x" });

    private static readonly Gen<ApproverChoice?> Who = Gen.OneOf<ApproverChoice?>(
        null, new ApproverChoice(Role.Operator, []), new ApproverChoice(Role.OrgAdmin, []), new ApproverChoice(Role.Admin, [new(ApproverKind.Role, "operator")]),
        new ApproverChoice(Role.Admin, [new(ApproverKind.Group, "@sre")]));

    private static readonly Gen<WorkflowSetting> Workflows = Gen.Select(
        Names, Conditions, Gen.OneOf<int?>(null, 1, 2, 5), Gen.OneOf<decimal?>(null, 1, 15), Who, Answers, Gen.OneOf<IReadOnlyList<EscalationStep>?>(null, [], [new(0.5m, [], "#x")]),
        (name, when, required, timeout, who, self, escalation) => new WorkflowSetting
        {
            Name = name, When = when, RequiredApprovers = required, TimeoutMinutes = timeout, Who = who, AllowSelfApproval = self, BreakGlass = self, Escalation = escalation,
        });

    private static readonly Gen<ToolPolicy> Policies = Gen.Select(Settings.List[0, 5], Workflows.List[0, 5], Gen.Int[0, 5], (tools, workflows, enabled) => new ToolPolicy
    {
        Tools = tools, Workflows = workflows, WorkflowsEnabled = enabled > 0, Default = new Workflow { RequiredApprovers = 2 }, Json = "{}", Digest = "",
        Environments = new([new("staging", ["k"], ["a*"]), new("production", [], ["ab"])]),
    });

    private static readonly Gen<ToolFacts> Calls = Gen.Select(
        Gen.OneOf("t", "u", "v"), Gen.OneOf(ToolEffect.Read, ToolEffect.Write, ToolEffect.Exec), Roles, Gen.OneOf<string?>("k", "k", "l", null), Gen.OneOf<string?>("a", "ab", "b", null),
        Gen.OneOf<int?>(8, 14, null),
        (tool, effect, role, integration, ns, hour) => new ToolFacts(tool, effect, role)
        {
            Integration = integration, Namespace = ns, At = hour is { } h ? new DateTimeOffset(2026, 1, 14, h, 0, 0, TimeSpan.Zero) : null,
        });

    internal static readonly Gen<(ToolPolicy Policy, ToolFacts Facts)> Cases = Gen.Select(Policies, Calls);

    // How much is let through: nothing; with consent; everything.
    private static int Openness(ToolDecision decision) => decision switch { ToolDecision.Allow => 2, ToolDecision.NeedsApproval => 1, _ => 0 };

    // No call gets more, and no approval is easier to get.
    private static bool NeverMore(ToolDecision stricter, ToolDecision before) => (stricter, before) switch
    {
        (ToolDecision.NeedsApproval s, ToolDecision.NeedsApproval b) =>
            s.Workflow.RequiredApprovers >= b.Workflow.RequiredApprovers && s.Workflow.TimeoutMinutes <= b.Workflow.TimeoutMinutes
            && (!s.Workflow.AllowSelfApproval || b.Workflow.AllowSelfApproval) && (!s.Workflow.BreakGlass || b.Workflow.BreakGlass),
        _ => Openness(stricter) <= Openness(before),
    };

    [Fact]
    public void What_changes_something_never_runs_without_people() => Cases.Sample((policy, facts) =>
        facts.Effect == ToolEffect.Read || ToolDecider.Decide(policy, facts) is not ToolDecision.Allow);

    [Fact]
    public void A_lower_role_never_gets_more() => Gen.Select(Cases, Roles).Sample((c, role) =>
        role > c.Facts.LowestRequesterRole || NeverMore(ToolDecider.Decide(c.Policy, c.Facts with { LowestRequesterRole = role }), ToolDecider.Decide(c.Policy, c.Facts)));

    [Fact]
    public void Tightening_what_an_entry_says_never_lets_more_through() => Gen.Select(Cases, Gen.Int[0, 4], Gen.Int[0, 3]).Sample((c, at, how) =>
    {
        if (at >= c.Policy.Tools.Count)
            return true;
        var entry = c.Policy.Tools[at];
        ToolSetting? tighter = how switch
        {
            0 => entry with { Enabled = false },
            1 => entry with { RequireApproval = true },
            // From nothing to something may be looser than what a wider entry says.
            2 when entry.AllowedRoles.Count > 0 => entry with { AllowedRoles = [Role.OrgAdmin] },
            3 when entry.AllowedRoles.Count > 1 && entry.AllowedRoles.Min() != entry.AllowedRoles.Max() => entry with { AllowedRoles = [.. entry.AllowedRoles.Where(r => r != entry.AllowedRoles.Min())] },
            _ => null,
        };
        return tighter is null || NeverMore(ToolDecider.Decide(c.Policy with { Tools = [.. c.Policy.Tools.Select((s, i) => i == at ? tighter : s)] }, c.Facts), ToolDecider.Decide(c.Policy, c.Facts));
    }, iter: 20_000);

    [Fact]
    public void Tightening_what_a_workflow_says_never_makes_an_approval_easier() => Gen.Select(Cases, Gen.Int[0, 4], Gen.Int[0, 4]).Sample((c, at, how) =>
    {
        if (at >= c.Policy.Workflows.Count)
            return true;
        var entry = c.Policy.Workflows[at];
        var tighter = how switch
        {
            0 => entry with { RequiredApprovers = 20 },
            1 => entry with { TimeoutMinutes = 0.01m },
            2 => entry with { AllowSelfApproval = false, BreakGlass = false },
            3 => entry with { Escalation = [] },
            _ => entry with { RequiredApprovers = Math.Max(entry.RequiredApprovers ?? 20, 2) },
        };
        return NeverMore(ToolDecider.Decide(c.Policy with { Workflows = [.. c.Policy.Workflows.Select((s, i) => i == at ? tighter : s)] }, c.Facts), ToolDecider.Decide(c.Policy, c.Facts));
    }, iter: 20_000);

    [Fact]
    public void Switching_approvals_off_never_lets_more_through() => Cases.Sample((policy, facts) =>
        NeverMore(ToolDecider.Decide(policy with { WorkflowsEnabled = false }, facts), ToolDecider.Decide(policy, facts)));

    // What is not known of a call never helps it: whatever it turns out to be, the answer for the unknown is at least as strict in one of the cases.
    [Fact]
    public void Leaving_out_the_namespace_or_the_time_never_gets_more_than_every_namespace_and_time_would() => Cases.Sample((policy, facts) =>
    {
        var unknown = ToolDecider.Decide(policy, facts with { Namespace = null, Integration = "k" });
        return new[] { "a", "ab", "b", "c" }.Any(ns => NeverMore(unknown, ToolDecider.Decide(policy, facts with { Namespace = ns, Integration = "k" })));
    }, iter: 20_000);

    [Fact]
    public void What_is_offered_is_never_less_than_what_some_namespace_gets() => Cases.Sample((policy, facts) =>
    {
        var offered = ToolDecider.Decide(policy, facts with { Namespace = null, AnyNamespace = true });
        return new[] { "a", "ab", "b", "c" }.All(ns => ToolDecider.Decide(policy, facts with { Namespace = ns }) is ToolDecision.Deny || offered is not ToolDecision.Deny);
    }, iter: 20_000);

    [Fact]
    public void Nobody_approves_their_own_in_production() => Cases.Sample((policy, facts) =>
        ToolDecider.Decide(policy, facts) is not ToolDecision.NeedsApproval { Workflow.AllowSelfApproval: true } || !policy.Environments.IsProduction(facts));

    [Fact]
    public void The_order_of_names_does_not_matter() => Cases.Sample((policy, facts) =>
    {
        var turned = policy with
        {
            Tools = [.. policy.Tools.GroupBy(t => t.Name).Reverse().SelectMany(g => g)],
            Workflows = [.. policy.Workflows.GroupBy(w => w.Name).Reverse().SelectMany(g => g)],
        };
        return ToolDecider.Decide(policy, facts) == ToolDecider.Decide(turned, facts);
    });
}
