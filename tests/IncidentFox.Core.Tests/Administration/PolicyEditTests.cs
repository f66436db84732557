using System.Text.Json.Nodes;
using IncidentFox.Core.Administration;

namespace IncidentFox.Core.Tests.Administration;

public sealed class PolicyEditTests
{
    private static Dictionary<string, string> Settings(params (string Name, string Text)[] settings) => settings.ToDictionary(s => s.Name, s => s.Text);

    private static void Same(string expected, string? actual) => Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), JsonNode.Parse(actual!)), actual);

    [Fact]
    public void The_documented_blocks_can_be_typed_setting_by_setting()
    {
        var layer = PolicyEdit.Apply(null, PolicyPart.Tool, "docker_exec", Settings(("enabled", "yes"), ("allowed_roles", "admin"), ("require_approval", "true"))).Json;
        layer = PolicyEdit.Apply(layer, PolicyPart.Workflow, "pod_restart", Settings(("required_approvers", "1"), ("timeout_minutes", "30"), ("notify_channel", "#sre-approvals"))).Json;
        layer = PolicyEdit.Apply(layer, PolicyPart.Workflow, "scale_deployment", Settings(("required_approvers", "2"), ("timeout_minutes", "15"))).Json;

        Same("""
            {"tools":{"docker_exec":{"enabled":true,"allowed_roles":["admin"],"require_approval":true}},
             "approval_workflows":{"actions":{"pod_restart":{"required_approvers":1,"timeout_minutes":30,"notify_channel":"#sre-approvals"},
                                              "scale_deployment":{"required_approvers":2,"timeout_minutes":15}}}}
            """, layer);
        Assert.Empty(ToolPolicyParser.Parse(layer!).Errors);
    }

    [Fact]
    public void Approvers_and_escalation_are_typed_in_a_line_and_read_back_as_they_were_typed()
    {
        var typed = Settings(("approvers", "ada@acme.test, group:@leads"), ("escalation", "10 role:admin,group:@leads #sre-leads\n20.5 oncall:pagerduty/P1"), ("break_glass", "on"));
        var layer = PolicyEdit.Apply(null, PolicyPart.Workflow, "default", typed).Json;

        Same("""
            {"approval_workflows":{"default":{"approvers":["ada@acme.test","group:@leads"],"break_glass":true,"escalation":[
              {"after_minutes":10,"approvers":["role:admin","group:@leads"],"notify_channel":"#sre-leads"},{"after_minutes":20.5,"approvers":["oncall:pagerduty/P1"]}]}}}
            """, layer);
        Assert.Empty(ToolPolicyParser.Parse(layer!).Errors);
        var back = PolicyEdit.Read(layer, PolicyPart.Workflow, "default")!;
        Assert.Equal(("ada@acme.test, group:@leads", typed["escalation"], "true"), (back["approvers"], back["escalation"], back["break_glass"]));
    }

    [Fact]
    public void A_setting_goes_by_the_word_default_and_an_entry_without_settings_goes_with_what_held_only_it()
    {
        const string Layer = """{"max_pending_per_team":3,"approval_workflows":{"actions":{"a":{"required_approvers":2,"timeout_minutes":5}}}}""";
        var one = PolicyEdit.Apply(Layer, PolicyPart.Workflow, "a", Settings(("timeout_minutes", "default"))).Json;
        Same("""{"max_pending_per_team":3,"approval_workflows":{"actions":{"a":{"required_approvers":2}}}}""", one);
        Same("""{"max_pending_per_team":3}""", PolicyEdit.Apply(one, PolicyPart.Workflow, "a", Settings(("required_approvers", ""))).Json);
    }

    [Fact]
    public void Every_mistake_is_told_with_its_setting_and_nothing_is_changed()
    {
        var (json, errors) = PolicyEdit.Apply(null, PolicyPart.Workflow, "a", Settings(
            ("required_approvers", "two"), ("break_glass", "perhaps"), ("escalation", "soon role:admin"), ("enabled", "true"), ("timeout_minutes", "1e9")));
        Assert.Null(json);
        Assert.Equal(["required_approvers", "break_glass", "escalation", "enabled", "timeout_minutes"], errors.Select(e => e.Setting));
        Assert.Contains("here may stand required_approvers", errors[3].Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"tools":{"a":[{"enabled":true,"when":{"namespaces":["x"]}}]}}""", "conditions")]
    [InlineData("""{"tools":[]}""", "no object")]
    [InlineData("""{"tools":{"a":7}}""", "no object")]
    [InlineData("nonsense", "can't be read")]
    public void What_can_only_be_changed_as_JSON_is_left_alone(string layer, string reason)
    {
        var (json, errors) = PolicyEdit.Apply(layer, PolicyPart.Tool, "a", Settings(("enabled", "false")));
        Assert.Null(json);
        Assert.Contains(reason, Assert.Single(errors).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_parsers_errors_are_told_by_setting_where_they_are_about_one()
    {
        var error = ToolPolicyParser.Parse("""{"approval_workflows":{"actions":{"a":{"approvers":["role:king"],"required_approvers":99},"b":{"required_approvers":0}}}}""").Errors;
        var told = error.Select(e => PolicyEdit.Of(PolicyPart.Workflow, "a", e)).ToList();
        Assert.Equal(["required_approvers", "approvers", ""], told.Select(t => t.Setting));
        Assert.StartsWith("[0]: must be", told[1].Message, StringComparison.Ordinal);
        Assert.StartsWith("$.approval_workflows.actions.b", told[2].Message, StringComparison.Ordinal);
    }
}
