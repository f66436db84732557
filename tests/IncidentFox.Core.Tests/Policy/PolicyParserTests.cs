using CsCheck;

namespace IncidentFox.Core.Tests.Policy;

public sealed class PolicyParserTests
{
    internal static ToolPolicy Parsed(string json)
    {
        var parse = ToolPolicyParser.Parse(json);
        Assert.Empty(parse.Errors);
        return parse.Policy!;
    }

    // The terms of an action in a policy.
    internal static Workflow TermsOf(ToolPolicy policy, string tool) =>
        Assert.IsType<ToolDecision.NeedsApproval>(ToolDecider.Decide(policy, new ToolFacts(tool, ToolEffect.Write, Role.OrgAdmin) { Integration = "kubernetes" })).Workflow;

    [Fact]
    public void The_documented_tool_block_asks_admins_and_an_approval()
    {
        var policy = Parsed(DocumentedPolicy.Tools);
        ToolDecision Of(Role role) => ToolDecider.Decide(policy, new ToolFacts("docker_exec", ToolEffect.Exec, role));
        Assert.IsType<ToolDecision.Deny>(Of(Role.Operator));
        Assert.Equal(new Workflow(), Assert.IsType<ToolDecision.NeedsApproval>(Of(Role.Admin)).Workflow);
        Assert.IsType<ToolDecision.NeedsApproval>(Of(Role.OrgAdmin));   // a minimum, not a list
        Assert.IsType<ToolDecision.NeedsApproval>(ToolDecider.Decide(policy, new ToolFacts("docker_exec", ToolEffect.Read, Role.Admin)));
    }

    [Fact]
    public void The_documented_workflows_fill_what_they_leave_out_from_the_default()
    {
        var policy = Parsed(DocumentedPolicy.Workflows);
        Assert.Equal(new Workflow { RequiredApprovers = 1, TimeoutMinutes = 30, NotifyChannel = "#sre-approvals", ApproverRole = Role.Admin }, TermsOf(policy, "pod_restart"));
        Assert.Equal(new Workflow { RequiredApprovers = 2, TimeoutMinutes = 15, NotifyChannel = "#sre-approvals", ApproverRole = Role.Admin }, TermsOf(policy, "scale_deployment"));
        Assert.Equal(new Workflow { RequiredApprovers = 1, TimeoutMinutes = 30, NotifyChannel = "#sre-approvals", ApproverRole = Role.Admin }, TermsOf(policy, "anything_else"));
        Assert.True(policy.WorkflowsEnabled);
    }

    [Fact]
    public void A_default_fills_the_fields_that_workflows_leave_out()
    {
        var policy = Parsed("""{"approval_workflows":{"default":{"required_approvers":3,"timeout_minutes":0.05,"approver_role":"org_admin","notify_channel":"C0123"},"actions":{"a":{"required_approvers":1}}}}""");
        Assert.Equal(new Workflow { RequiredApprovers = 1, TimeoutMinutes = 0.05m, ApproverRole = Role.OrgAdmin, NotifyChannel = "C0123" }, TermsOf(policy, "a"));
        Assert.Equal(3, TermsOf(policy, "b").RequiredApprovers);
    }

    [Fact]
    public void An_empty_policy_is_the_default_one()
    {
        var policy = Parsed("{}");
        Assert.True(policy.WorkflowsEnabled);
        Assert.Equal(new Workflow(), policy.Default);
        Assert.Empty(policy.Tools);
    }

    [Theory]
    [InlineData("""{"tool":{}}""", "$.tool")]
    [InlineData("""{"tools":[]}""", "$.tools")]
    [InlineData("""{"tools":null}""", "$.tools")]
    [InlineData("""{"tools":{"A-b":{}}}""", "$.tools.A-b")]
    [InlineData("""{"tools":{"a.b.c":{}}}""", "$.tools.a.b.c")]
    [InlineData("""{"tools":{"get_*":{}}}""", "$.tools.get_*")]
    [InlineData("""{"tools":{"*.a":{}}}""", "$.tools.*.a")]
    [InlineData("""{"tools":{".a":{}}}""", "$.tools..a")]
    [InlineData("""{"tools":{"a":[]}}""", "$.tools.a")]
    [InlineData("""{"tools":{"a":[{},{}]}}""", "$.tools.a")]
    [InlineData("""{"tools":{"a":[{"when":{"environments":["production"]}},1]}}""", "$.tools.a[1]")]
    [InlineData("""{"tools":{"a":{"when":{}}}}""", "$.tools.a.when")]
    [InlineData("""{"tools":{"a":{"when":[]}}}""", "$.tools.a.when")]
    [InlineData("""{"tools":{"a":{"when":{"pods":["x"]}}}}""", "$.tools.a.when.pods")]
    [InlineData("""{"tools":{"a":{"when":{"namespaces":[]}}}}""", "$.tools.a.when.namespaces")]
    [InlineData("""{"tools":{"a":{"when":{"namespaces":["ok","a b"]}}}}""", "$.tools.a.when.namespaces[1]")]
    [InlineData("""{"tools":{"a":{"when":{"integrations":["a.b"]}}}}""", "$.tools.a.when.integrations[0]")]
    [InlineData("""{"tools":{"a":{"when":{"environments":["staging"]}}}}""", "$.tools.a.when.environments[0]")]
    [InlineData("""{"tools":{"a":{"when":{"working_hours":{"from":"09:00","to":"17:00","time_zone":"UTC"}}}}}""", "$.tools.a.when.working_hours.days")]
    [InlineData("""{"tools":{"a":{"when":{"working_hours":{"days":["monday"],"from":"09:00","to":"17:00","time_zone":"UTC"}}}}}""", "$.tools.a.when.working_hours.days[0]")]
    [InlineData("""{"tools":{"a":{"when":{"working_hours":{"days":["mon"],"from":"9:00","to":"17:00","time_zone":"UTC"}}}}}""", "$.tools.a.when.working_hours.from")]
    [InlineData("""{"tools":{"a":{"when":{"working_hours":{"days":["mon"],"from":"24:00","to":"17:00","time_zone":"UTC"}}}}}""", "$.tools.a.when.working_hours.from")]
    [InlineData("""{"tools":{"a":{"when":{"working_hours":{"days":["mon"],"from":"09:00","to":"24:01","time_zone":"UTC"}}}}}""", "$.tools.a.when.working_hours.to")]
    [InlineData("""{"tools":{"a":{"when":{"working_hours":{"days":["mon"],"from":"09:00","to":"09:00","time_zone":"UTC"}}}}}""", "$.tools.a.when.working_hours.to")]
    [InlineData("""{"tools":{"a":{"when":{"working_hours":{"days":["mon"],"from":"09:00","to":"17:00","time_zone":"Mars/Base"}}}}}""", "$.tools.a.when.working_hours.time_zone")]
    [InlineData("""{"tools":{"a":{"when":{"working_hours":{"days":["mon"],"from":"09:00","to":"17:00","time_zone":"../../etc/passwd"}}}}}""", "$.tools.a.when.working_hours.time_zone")]
    [InlineData("""{"environments":{"Prod":{"namespaces":["x"]}}}""", "$.environments.Prod")]
    [InlineData("""{"environments":{"staging":{}}}""", "$.environments.staging")]
    [InlineData("""{"environments":{"staging":["x"]}}""", "$.environments.staging")]
    [InlineData("""{"max_pending_per_team":0}""", "$.max_pending_per_team")]
    [InlineData("""{"max_pending_per_team":1.5}""", "$.max_pending_per_team")]
    [InlineData("""{"approval_workflows":{"default":{"when":{"environments":["production"]}}}}""", "$.approval_workflows.default.when")]
    [InlineData("""{"approval_workflows":{"default":{"approvers":[]}}}""", "$.approval_workflows.default.approvers")]
    [InlineData("""{"approval_workflows":{"default":{"approvers":["role:admin","bob"]}}}""", "$.approval_workflows.default.approvers[1]")]
    [InlineData("""{"approval_workflows":{"default":{"approvers":["role:admin"],"approver_role":"admin"}}}""", "$.approval_workflows.default.approver_role")]
    [InlineData("""{"approval_workflows":{"default":{"escalation":[{"approvers":["role:admin"]}]}}}""", "$.approval_workflows.default.escalation[0].after_minutes")]
    [InlineData("""{"approval_workflows":{"default":{"escalation":[{"after_minutes":5}]}}}""", "$.approval_workflows.default.escalation[0]")]
    [InlineData("""{"approval_workflows":{"default":{"escalation":[{"after_minutes":30,"notify_channel":"#x"}]}}}""", "$.approval_workflows.default.escalation[0].after_minutes")]
    [InlineData("""{"approval_workflows":{"default":{"reminder_minutes":30}}}""", "$.approval_workflows.default.reminder_minutes")]
    [InlineData("""{"approval_workflows":{"default":{"allow_self_approval":true}}}""", "$.approval_workflows.default.allow_self_approval")]
    [InlineData("""{"approval_workflows":{"actions":{"a":{"allow_self_approval":true}}}}""", "$.approval_workflows.actions.a.allow_self_approval")]
    [InlineData("""{"approval_workflows":{"actions":{"a":{"allow_self_approval":true,"when":{"environments":["production"]}}}}}""", "$.approval_workflows.actions.a.allow_self_approval")]
    [InlineData("""{"approval_workflows":{"actions":{"a":{"allow_self_approval":true,"when":{"namespaces":["dev"]}}}}}""", "$.approval_workflows.actions.a.allow_self_approval")]
    [InlineData("""{"tools":{"a\n":{}}}""", "$.tools.a\n")]
    [InlineData("""{"tools":{"a":1}}""", "$.tools.a")]
    [InlineData("""{"tools":{"a":{"enabled":"true"}}}""", "$.tools.a.enabled")]
    [InlineData("""{"tools":{"a":{"enabled":null}}}""", "$.tools.a.enabled")]
    [InlineData("""{"tools":{"a":{"enabld":true}}}""", "$.tools.a.enabld")]
    [InlineData("""{"tools":{"a":{"require_approval":1}}}""", "$.tools.a.require_approval")]
    [InlineData("""{"tools":{"a":{"allowed_roles":"admin"}}}""", "$.tools.a.allowed_roles")]
    [InlineData("""{"tools":{"a":{"allowed_roles":null}}}""", "$.tools.a.allowed_roles")]
    [InlineData("""{"tools":{"a":{"allowed_roles":[]}}}""", "$.tools.a.allowed_roles")]
    [InlineData("""{"tools":{"a":{"allowed_roles":["admin","root"]}}}""", "$.tools.a.allowed_roles[1]")]
    [InlineData("""{"tools":{"a":{"allowed_roles":["none"]}}}""", "$.tools.a.allowed_roles[0]")]
    [InlineData("""{"approval_workflows":true}""", "$.approval_workflows")]
    [InlineData("""{"approval_workflows":{"enabled":0}}""", "$.approval_workflows.enabled")]
    [InlineData("""{"approval_workflows":{"action":{}}}""", "$.approval_workflows.action")]
    [InlineData("""{"approval_workflows":{"actions":{"a":null}}}""", "$.approval_workflows.actions.a")]
    [InlineData("""{"approval_workflows":{"actions":{"a":{"required_approvers":0}}}}""", "$.approval_workflows.actions.a.required_approvers")]
    [InlineData("""{"approval_workflows":{"actions":{"a":{"required_approvers":21}}}}""", "$.approval_workflows.actions.a.required_approvers")]
    [InlineData("""{"approval_workflows":{"actions":{"a":{"required_approvers":1.5}}}}""", "$.approval_workflows.actions.a.required_approvers")]
    [InlineData("""{"approval_workflows":{"actions":{"a":{"required_approvers":"2"}}}}""", "$.approval_workflows.actions.a.required_approvers")]
    [InlineData("""{"approval_workflows":{"actions":{"a":{"timeout_minutes":0}}}}""", "$.approval_workflows.actions.a.timeout_minutes")]
    [InlineData("""{"approval_workflows":{"actions":{"a":{"timeout_minutes":10081}}}}""", "$.approval_workflows.actions.a.timeout_minutes")]
    [InlineData("""{"approval_workflows":{"actions":{"a":{"timeout_minutes":1e400}}}}""", "$.approval_workflows.actions.a.timeout_minutes")]
    [InlineData("""{"approval_workflows":{"actions":{"a":{"notify_channel":"<!channel>"}}}}""", "$.approval_workflows.actions.a.notify_channel")]
    [InlineData("""{"approval_workflows":{"actions":{"a":{"notify_channel":"#ok\n"}}}}""", "$.approval_workflows.actions.a.notify_channel")]
    [InlineData("""{"approval_workflows":{"default":{"approver_role":"owner"}}}""", "$.approval_workflows.default.approver_role")]
    [InlineData("""{"tools":{},"tools":{"a":{"enabled":false}}}""", "$")]
    [InlineData("""[]""", "$")]
    [InlineData("""null""", "$")]
    [InlineData("""{"tools":{"\ud800":{}}}""", "$")]
    [InlineData("""{"approval_workflows":{"default":{"notify_channel":"\udc00"}}}""", "$")]
    public void What_is_wrong_is_named_by_its_path(string json, string path)
    {
        var parse = ToolPolicyParser.Parse(json);
        Assert.Null(parse.Policy);
        Assert.StartsWith(path + ":", Assert.Single(parse.Errors));
    }

    [Fact]
    public void All_errors_come_at_once()
    {
        var parse = ToolPolicyParser.Parse("""{"x":1,"tools":{"a":{"enabled":1,"allowed_roles":["x","y"]}},"approval_workflows":{"enabled":"no","default":{"timeout_minutes":-1,"y":2}}}""");
        Assert.Null(parse.Policy);
        Assert.Equal(7, parse.Errors.Count);
    }

    [Fact]
    public void The_digest_depends_on_what_it_says_and_not_on_how_it_is_written()
    {
        var one = Parsed("""{"tools":{"a":{"enabled":true},"b":{}}}""").Digest;
        Assert.Equal(one, Parsed("""{ "tools" : { "b":{}, "\u0061":{"enabled":true} } }""").Digest);
        Assert.NotEqual(one, Parsed("""{"tools":{"a":{"enabled":false},"b":{}}}""").Digest);
    }

    [Fact]
    public void Garbage_is_never_an_exception()
    {
        var fragments = Gen.OneOf("{", "}", "[", "]", ":", ",", "null", "true", "1", "-0.5e9", "\"tools\"", "\"enabled\"", "\"approval_workflows\"", "\"\\ud800\"", "\"a\"", " ", "\"actions\"");
        Gen.OneOf(Gen.String[0, 80], fragments.Array[0, 30].Select(string.Concat), Gen.Int[0, DocumentedPolicy.Workflows.Length].Select(Gen.Char, (at, c) => DocumentedPolicy.Workflows.Insert(at, c.ToString())))
            .Sample(text =>
            {
                var parse = ToolPolicyParser.Parse(text);
                return parse.Policy is null == parse.Errors.Count > 0;
            }, iter: 5_000);
        Assert.NotEmpty(ToolPolicyParser.Parse(new string('[', 100_000)).Errors);
        Assert.NotEmpty(ToolPolicyParser.Parse(new string(' ', ToolPolicyParser.MaxLength + 1)).Errors);
        Assert.NotEmpty(ToolPolicyParser.Parse("{\"tools\":{\"\uD800\":{}}}").Errors);
    }
}
