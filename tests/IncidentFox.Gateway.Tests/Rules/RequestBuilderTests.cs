using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Core;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Rules.Parsing;
using Xunit;

namespace IncidentFox.Gateway.Tests.Rules;

public sealed class RequestBuilderTests
{
    private static readonly JsonObject Pod = new() { ["uid"] = "u-1" };

    [Fact]
    public void A_restart_is_a_delete_that_names_the_uid_and_its_dry_run_stands_in_the_body()
    {
        var call = Sample.Accepted("pod_restart", """{"namespace":"shop","pod":"checkout-1"}""");
        var live = Build(call, Pod, false);
        Assert.Equal(("DELETE", "/api/v1/namespaces/shop/pods/checkout-1", true), (live.Method, live.PathAndQuery, live.UseWriteCredential));
        Assert.Equal("""{"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"uid":"u-1"}}""", Text(live));
        var dry = Build(call, Pod, true);
        Assert.Equal("""{"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"uid":"u-1"},"dryRun":["All"]}""", Text(dry));
        Assert.Equal(live.PathAndQuery, dry.PathAndQuery);
        Assert.True(dry.UseWriteCredential);
    }

    [Fact]
    public void A_scale_is_a_json_patch_that_tests_first_and_is_signed_with_the_approval()
    {
        var call = Sample.Accepted("scale_deployment", """{"namespace":"shop","deployment":"checkout","replicas":5}""");
        var preconditions = new JsonObject { ["uid"] = "u-2", ["replicas"] = 2 };
        var approval = ApprovalId.New();
        var live = RequestBuilder.Build(call.Integration, call.Rule, call.ToolCall, preconditions, approval, dryRun: false);
        Assert.Equal("application/json-patch+json", live.ContentType);
        var patch = JsonNode.Parse(live.Body)!.AsArray();
        Assert.Equal(["/metadata/uid", "/spec/replicas", "/spec/replicas", "/metadata/annotations/incidentfox.ai~1approval"], patch.Select(p => (string)p!["path"]!));
        Assert.Equal(["test", "test", "replace", "add"], patch.Select(p => (string)p!["op"]!));
        Assert.Equal(2, (int)patch[1]!["value"]!);
        Assert.Equal(5, (int)patch[2]!["value"]!);
        Assert.Equal(approval.ToString(), (string)patch[3]!["value"]!);
        // Before there is an approval its place stays visible; the dry run is asked for in the query.
        var dry = Build(call, preconditions, true);
        Assert.EndsWith("?fieldManager=incidentfox-scale&dryRun=All", dry.PathAndQuery, StringComparison.Ordinal);
        Assert.Contains("{approval.id}", Text(dry), StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_is_never_read_again_for_placeholders()
    {
        var values = new TemplateValues(new JsonObject { ["a"] = "{b} {approval.id}", ["b"] = "secret" }, new JsonObject { ["c"] = "{a}" }, ApprovalId.New());
        Assert.Equal("x {b} {approval.id} {a} y", Template.Text("x {a} {precondition.c} y", values));
    }

    [Fact]
    public void A_whole_placeholder_keeps_its_type_and_one_without_a_value_is_left_out()
    {
        var values = new TemplateValues(new JsonObject { ["n"] = 3, ["yes"] = true, ["list"] = new JsonArray("a", "b") });
        var json = Template.Json(JsonNode.Parse("""{"n":"{n}","text":"n={n}","yes":"{yes}","list":"{list}","gone":"{nothing}","brace":"{ n }"}"""), values);
        Assert.Equal("""{"n":3,"text":"n=3","yes":true,"list":["a","b"],"brace":"{ n }"}""", json!.ToJsonString());
    }

    [Fact]
    public void A_call_of_another_version_of_the_rule_is_not_built()
    {
        var call = Sample.Accepted("list_pods", """{"namespace":"shop"}""");
        Assert.Throws<ArgumentException>(() => RequestBuilder.Build(call.Integration, call.Rule, call.ToolCall with { RuleVersion = "x" }, null, null, false));
        Assert.Throws<ArgumentException>(() => RequestBuilder.Build(call.Integration, call.Rule, call.ToolCall, null, null, dryRun: true));
    }

    [Theory]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("a%2fb")]
    [InlineData("")]
    public void A_value_that_is_no_segment_never_leaves_even_if_nobody_checked_it(string pod)
    {
        var call = Sample.Accepted("get_pod", """{"namespace":"shop","pod":"a"}""");
        call.ToolCall.Parameters["pod"] = pod;
        Assert.Throws<ArgumentException>(() => Build(call, null, false));
    }

    [Fact]
    public void The_base_urls_path_and_literal_keys_are_sent()
    {
        Assert.Equal("/prom/api/v1/rules?type=alert", Sample.Target(Sample.Accepted("list_alert_rules", "{}")));
        Assert.Equal("/prom/api/v1/query?query=sum%28rate%28x%5B5m%5D%29%29%20%2B%201", Sample.Target(Sample.Accepted("query_metrics", """{"query":"sum(rate(x[5m])) + 1"}""")));
    }

    private static Gateway.Sending.OutgoingRequest Build(ParsedCall.Call call, JsonObject? preconditions, bool dryRun) =>
        RequestBuilder.Build(call.Integration, call.Rule, call.ToolCall, preconditions, null, dryRun);

    private static string Text(Gateway.Sending.OutgoingRequest request) => Encoding.UTF8.GetString(request.Body!);
}
