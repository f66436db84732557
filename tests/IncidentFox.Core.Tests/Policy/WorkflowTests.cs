using System.Text;
using System.Text.Json;
using CsCheck;

namespace IncidentFox.Core.Tests.Policy;

public sealed class WorkflowTests
{
    internal static readonly Gen<Approver> Approvers = Gen.OneOf("ada@acme.test", "U0ADA1", "group:@sre-leads", "group:S012345", "role:operator", "oncall:pagerduty/PABC12")
        .Select(text => Approver.TryParse(text, out var approver) ? approver : throw new InvalidOperationException(text));

    private static readonly Gen<Workflow> Workflows = Gen.Select(
        Gen.Int[1, 20], Gen.Int[2, 1000], Gen.OneOf(Role.Viewer, Role.Operator, Role.Admin, Role.OrgAdmin), Approvers.List[0, 3], Approvers.List[0, 2], Gen.Bool, Gen.Bool,
        (required, timeout, role, approvers, next, self, glass) => new Workflow
        {
            RequiredApprovers = required, TimeoutMinutes = timeout + 0.25m, ApproverRole = role, NotifyChannel = "C012", Approvers = [.. approvers.Distinct()],
            Escalation = next.Count == 0 ? [] : [new(0.5m, [.. next.Distinct()], null), new(1, [], "#leads")], AllowSelfApproval = self, BreakGlass = glass,
            ReminderMinutes = glass ? 1.5m : null,
        });

    [Fact]
    public void Terms_survive_their_json_and_equal_terms_have_equal_json() => Workflows.Sample(workflow =>
    {
        var json = Encoding.UTF8.GetString(CanonicalJson.Write(workflow.ToJson()));
        var read = Workflow.Parse(json);
        Assert.Equal(workflow, read);
        Assert.Equal(json, Encoding.UTF8.GetString(CanonicalJson.Write(read.ToJson())));
        Assert.Equal(json, Encoding.UTF8.GetString(CanonicalJson.Write((workflow with { TimeoutMinutes = workflow.TimeoutMinutes + 0.000m }).ToJson())));
    });

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{"required_approvers":0}""")]
    [InlineData("""{"approvers":["nobody"]}""")]
    [InlineData("""{"approvers":[]""")]
    [InlineData("""{"more":1}""")]
    [InlineData("""{"escalation":[1]}""")]
    public void Terms_that_are_none_are_refused(string json) => Assert.ThrowsAny<JsonException>(() => Workflow.Parse(json));

    [Theory]
    [InlineData("ada@acme.test", ApproverKind.Email, "ada@acme.test", "ada@acme.test")]
    [InlineData("Ada@Acme.Test", ApproverKind.Email, "ada@acme.test", "ada@acme.test")]
    [InlineData("U0123ABC", ApproverKind.SlackUser, "U0123ABC", "U0123ABC")]
    [InlineData("W0123ABC", ApproverKind.SlackUser, "W0123ABC", "W0123ABC")]
    [InlineData("group:@sre-leads", ApproverKind.Group, "@sre-leads", "group:@sre-leads")]
    [InlineData("group:S0123ABC", ApproverKind.Group, "S0123ABC", "group:S0123ABC")]
    [InlineData("role:org_admin", ApproverKind.Role, "org_admin", "role:org_admin")]
    [InlineData("oncall:pagerduty/PABC123", ApproverKind.OnCall, "pagerduty/PABC123", "oncall:pagerduty/PABC123")]
    public void An_approver_is_named_in_one_of_five_ways(string text, ApproverKind kind, string value, string written)
    {
        Assert.True(Approver.TryParse(text, out var approver));
        Assert.Equal((kind, value, written), (approver.Kind, approver.Value, approver.ToString()));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("bob")]
    [InlineData("@bob")]
    [InlineData("a@")]
    [InlineData("a@b c")]
    [InlineData("a@b\n")]
    [InlineData("<!channel>@x")]
    [InlineData("B0123ABC")]
    [InlineData("U0123abc")]
    [InlineData("group:sre")]
    [InlineData("group:@sre leads")]
    [InlineData("group:")]
    [InlineData("role:none")]
    [InlineData("role:owner")]
    [InlineData("oncall:pagerduty")]
    [InlineData("oncall:pagerduty/")]
    [InlineData("oncall:/P1")]
    [InlineData("oncall:pagerduty/../x")]
    public void What_names_nobody_is_refused(string? text) => Assert.False(Approver.TryParse(text, out _));

    [Fact]
    public void The_same_terms_are_never_stricter_than_themselves_and_every_tightening_is() => Workflows.Sample(agreed =>
    {
        Assert.Null(agreed.WhyStricterThan(agreed));
        Assert.Null((agreed with { TimeoutMinutes = 1, NotifyChannel = "#other", ReminderMinutes = null }).WhyStricterThan(agreed));
        Assert.NotNull((agreed with { RequiredApprovers = agreed.RequiredApprovers + 1 }).WhyStricterThan(agreed));
        if (agreed.Approvers.Count > 0)
            Assert.NotNull((agreed with { Approvers = [], Escalation = [] }).WhyStricterThan(agreed));
        else
            Assert.NotNull((agreed with { Approvers = [new(ApproverKind.Email, "new@acme.test")] }).WhyStricterThan(agreed));
        if (agreed.Approvers.Count == 0 && agreed.ApproverRole < Role.OrgAdmin)
            Assert.NotNull((agreed with { ApproverRole = Role.OrgAdmin }).WhyStricterThan(agreed));
        if (agreed.AllowSelfApproval)
            Assert.NotNull((agreed with { AllowSelfApproval = false }).WhyStricterThan(agreed));
    });

    [Fact]
    public void Who_is_named_no_more_was_not_agreed_by_the_right_people()
    {
        var agreed = new Workflow { Approvers = [new(ApproverKind.Email, "ada@acme.test"), new(ApproverKind.Email, "bob@acme.test")] };
        Assert.NotNull((agreed with { Approvers = [agreed.Approvers[0]] }).WhyStricterThan(agreed));
        Assert.Null((agreed with { Approvers = [.. agreed.Approvers, new(ApproverKind.Role, "admin")] }).WhyStricterThan(agreed));
    }

    [Fact]
    public void Terms_that_differ_in_one_member_are_other_terms()
    {
        Approver[] ada = [new(ApproverKind.Email, "ada@acme.test")];
        Workflow Made() => new() { RequiredApprovers = 2, Approvers = [.. ada], Escalation = [new EscalationStep(5, [.. ada], null)], ReminderMinutes = 3 };
        Assert.Equal(Made(), Made() with { Approvers = [.. ada] });
        Workflow[] others =
        [
            Made() with { RequiredApprovers = 3 }, Made() with { TimeoutMinutes = 31 }, Made() with { NotifyChannel = "#other" }, Made() with { ApproverRole = Role.OrgAdmin },
            Made() with { AllowSelfApproval = true }, Made() with { BreakGlass = true }, Made() with { ReminderMinutes = 4 }, Made() with { Approvers = [] }, Made() with { Escalation = [] },
        ];
        Assert.All(others, other => Assert.NotEqual(Made(), other));
        Assert.False(Made().Equals(null));
    }

    [Fact]
    public void Who_could_approve_after_a_step_of_escalation_only_is_somebody_who_was_named_too()
    {
        Approver ada = new(ApproverKind.Email, "ada@acme.test"), ben = new(ApproverKind.Email, "ben@acme.test");
        var agreed = new Workflow { Approvers = [ada], Escalation = [new EscalationStep(5, [ben], null)] };
        Assert.NotNull((agreed with { Escalation = [] }).WhyStricterThan(agreed));
        Assert.Null((agreed with { Approvers = [ada, ben], Escalation = [] }).WhyStricterThan(agreed));
    }
}
