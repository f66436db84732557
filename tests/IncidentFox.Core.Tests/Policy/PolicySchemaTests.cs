using System.Text.Json.Nodes;
using NJsonSchema;

namespace IncidentFox.Core.Tests.Policy;

/// <summary>docs/policy.schema.json: for editors. It never refuses what the parser takes, and knows the same members; some of what the parser refuses it can't see.</summary>
public sealed class PolicySchemaTests
{
    private static readonly string Root = FindRoot();

    private static async Task<JsonSchema> SchemaAsync() =>
        await JsonSchema.FromJsonAsync(await File.ReadAllTextAsync(Path.Combine(Root, "docs", "policy.schema.json"), TestContext.Current.CancellationToken), TestContext.Current.CancellationToken);

    [Theory]
    [InlineData(DocumentedPolicy.Tools)]
    [InlineData(DocumentedPolicy.Workflows)]
    [InlineData(DocumentedPolicy.Json)]
    [InlineData("{}")]
    [InlineData("""{"tools":{"kubernetes.*":[{"enabled":false,"when":{"namespaces":["shop-*"],"working_hours":{"days":["mon"],"from":"09:00","to":"24:00","time_zone":"UTC"}}},{"enabled":true}],"*":{"require_approval":true}}}""")]
    [InlineData("""{"approval_workflows":{"default":{"approvers":["ada@acme.example","group:@sre-leads","oncall:pagerduty/P1"],"escalation":[{"after_minutes":5,"approvers":["role:admin"],"notify_channel":"#a"}],"break_glass":true,"reminder_minutes":10}}}""")]
    [InlineData("""{"environments":{"staging":{"namespaces":["s-*"]}},"max_pending_per_team":5,"approval_workflows":{"actions":{"a":{"approver_role":"admin","allow_self_approval":true,"when":{"environments":["staging"]}}}}}""")]
    public async Task What_the_parser_takes_the_schema_takes(string json)
    {
        Assert.Empty(ToolPolicyParser.Parse(json).Errors);
        Assert.Empty((await SchemaAsync()).Validate(json));
    }

    [Theory]
    [InlineData("""{"tools":[]}""")]
    [InlineData("""{"tools":{"A-b":{}}}""")]
    [InlineData("""{"tools":{"get_*":{}}}""")]
    [InlineData("""{"tools":{"a":[]}}""")]
    [InlineData("""{"tools":{"a":{"enabled":"true"}}}""")]
    [InlineData("""{"tools":{"a":{"allowed_roles":[]}}}""")]
    [InlineData("""{"tools":{"a":{"allowed_roles":["root"]}}}""")]
    [InlineData("""{"tools":{"a":{"when":{}}}}""")]
    [InlineData("""{"tools":{"a":{"when":{"working_hours":{"days":["mon"],"from":"24:00","to":"17:00","time_zone":"UTC"}}}}}""")]
    [InlineData("""{"max_pending_per_team":0}""")]
    [InlineData("""{"environments":{"staging":{}}}""")]
    [InlineData("""{"approval_workflows":{"enabled":0}}""")]
    [InlineData("""{"approval_workflows":{"default":{"when":{"environments":["production"]}}}}""")]
    [InlineData("""{"approval_workflows":{"default":{"approvers":["role:admin"],"approver_role":"admin"}}}""")]
    [InlineData("""{"approval_workflows":{"default":{"escalation":[{"after_minutes":5}]}}}""")]
    [InlineData("""{"approval_workflows":{"actions":{"a":{"required_approvers":21}}}}""")]
    public async Task What_the_schema_refuses_the_parser_refuses(string json)
    {
        Assert.NotEmpty((await SchemaAsync()).Validate(json));
        Assert.NotEmpty(ToolPolicyParser.Parse(json).Errors);
    }

    [Theory]
    [InlineData("#/properties", "{0}")]
    [InlineData("#/properties/approval_workflows/properties", """{"approval_workflows":{0}}""")]
    [InlineData("#/definitions/tool/properties", """{"tools":{"a":{0}}}""")]
    [InlineData("#/definitions/workflow/properties", """{"approval_workflows":{"actions":{"a":{0}}}}""")]
    [InlineData("#/definitions/step/properties", """{"approval_workflows":{"default":{"escalation":[{0}]}}}""")]
    [InlineData("#/definitions/when/properties", """{"tools":{"a":{"when":{0}}}}""")]
    [InlineData("#/definitions/when/properties/working_hours/properties", """{"tools":{"a":{"when":{"working_hours":{0}}}}}""")]
    public async Task Schema_and_parser_know_the_same_members(string pointer, string place)
    {
        JsonNode at = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Root, "docs", "policy.schema.json"), TestContext.Current.CancellationToken))!;
        foreach (var part in pointer.Split('/').Skip(1))
            at = at[part]!;
        var members = new JsonObject(at.AsObject().Select(p => KeyValuePair.Create(p.Key, (JsonNode?)JsonValue.Create("?")))) { ["no_such_member"] = 1 };
        // The parser names what it knows beside what it does not: the very members of the schema.
        var errors = ToolPolicyParser.Parse(place.Replace("{0}", members.ToJsonString(), StringComparison.Ordinal)).Errors;
        var unknown = Assert.Single(errors, e => e.Contains("here may stand", StringComparison.Ordinal));
        Assert.Contains("no_such_member", unknown, StringComparison.Ordinal);
        var listed = unknown[(unknown.IndexOf("here may stand ", StringComparison.Ordinal) + "here may stand ".Length)..].TrimEnd('.').Split(", ");
        Assert.Equal(at.AsObject().Select(p => p.Key).Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "IncidentFox.Bot.sln")))
            folder = folder.Parent;
        return folder.FullName;
    }
}
