using CsCheck;

namespace IncidentFox.Core.Tests.Policy;

public sealed class PolicyExplainerTests
{
    private static ToolFacts Call(string? ns) => new("scale_deployment", ToolEffect.Write, Role.Operator)
    {
        Integration = "kubernetes", Namespace = ns, At = new DateTimeOffset(2026, 1, 14, 12, 0, 0, TimeSpan.Zero),
    };

    private const string Policy = """
        {
          "environments": { "staging": { "namespaces": ["dev-*"] } },
          "tools": { "kubernetes.*": { "allowed_roles": ["operator"] }, "scale_deployment": { "enabled": true, "when": { "namespaces": ["dev-*"] } } },
          "approval_workflows": { "actions": { "scale_deployment": [ { "required_approvers": 2 }, { "required_approvers": 1, "when": { "environments": ["staging"] } } ] } }
        }
        """;

    [Fact]
    public void It_names_the_entry_that_answers_each_question() => Assert.Equal(
        [
            "scale_deployment: stops until 2 of role admin or above approve it in #sre-approvals, within 30 minutes",
            "the call: integration kubernetes, write, namespace shop, environment production (no environment of the policy is known to hold it), time Wed 2026-01-14 12:00 UTC",
            "enabled: true: no entry says otherwise",
            "allowed_roles: operator or above: $.tools.kubernetes.*; the lowest role of those who ask is operator",
            "require_approval: true: it changes something; no entry can take that away",
            "required_approvers: 2: $.approval_workflows.actions.scale_deployment[0]",
            "timeout_minutes: 30: the default",
            "approvers: role admin or above: the default",
            "not counted: $.tools.scale_deployment: its condition (when) does not hold for this call",
            "not counted: $.approval_workflows.actions.scale_deployment[1]: its condition (when) does not hold for this call",
        ],
        PolicyExplainer.Explain(PolicyParserTests.Parsed(Policy), Call("shop")));

    [Fact]
    public void It_says_what_holds_and_what_can_not_be_told()
    {
        var known = PolicyExplainer.Explain(PolicyParserTests.Parsed(Policy), Call("dev-1"));
        Assert.Contains("required_approvers: 1: $.approval_workflows.actions.scale_deployment[1] (its condition holds)", known);
        Assert.Contains("enabled: true: $.tools.scale_deployment (its condition holds)", known);
        Assert.Contains("enabled: true: $.tools.scale_deployment (whether its condition holds can't be told); true: no entry says otherwise; the stricter counts",
            PolicyExplainer.Explain(PolicyParserTests.Parsed(Policy), Call(null)));
    }

    [Fact]
    public void A_denial_says_by_which_setting()
    {
        var lines = PolicyExplainer.Explain(PolicyParserTests.Parsed("""{"tools":{"*":{"enabled":false}}}"""), Call("shop"));
        Assert.Equal("scale_deployment: denied: Tool scale_deployment is switched off by policy (tools.*.enabled).", lines[0]);
        Assert.Contains("enabled: false: $.tools.*", lines);
        Assert.Equal(["scale_deployment: denied: It is broken."], PolicyExplainer.Explain(ToolPolicy.DenyAll("It is broken."), Call("shop")));
    }

    [Fact]
    public void Named_approvers_escalation_and_the_rest_are_said_in_words()
    {
        var policy = PolicyParserTests.Parsed("""
            {"environments":{"dev":{"namespaces":["dev"]}},"approval_workflows":{"actions":{"scale_deployment":{"approvers":["group:@sre","oncall:pagerduty/P1"],"timeout_minutes":20,"reminder_minutes":5,
             "break_glass":true,"allow_self_approval":true,"when":{"environments":["dev"]},"escalation":[{"after_minutes":10,"approvers":["role:org_admin"],"notify_channel":"#leads"},{"after_minutes":2.5,"notify_channel":"#sre"}]}}}}
            """);
        Assert.Equal("scale_deployment: stops until 1 of group:@sre, oncall:pagerduty/P1 approve it in #sre-approvals, within 20 minutes; after 2.5 minutes it is told in #sre; "
            + "after 10 minutes role:org_admin may, too, and are told in #leads; a reminder every 5 minutes; those who asked may approve; an admin may break the glass",
            PolicyExplainer.Explain(policy, Call("dev"))[0]);
    }

    [Fact]
    public void Its_verdict_is_the_decision() => PolicyPropertyTests.Cases.Sample((policy, facts) =>
    {
        var first = PolicyExplainer.Explain(policy, facts)[0];
        Assert.StartsWith(ToolDecider.Decide(policy, facts) switch
        {
            ToolDecision.Allow => $"{facts.Tool}: allowed",
            ToolDecision.NeedsApproval n => $"{facts.Tool}: stops until {n.Workflow.RequiredApprovers} of ",
            ToolDecision.Deny d => $"{facts.Tool}: denied: {d.Reason}",
            _ => "?",
        }, first, StringComparison.Ordinal);
    });
}
