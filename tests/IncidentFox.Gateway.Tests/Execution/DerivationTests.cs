using System.Text.Json.Nodes;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Execution.Derivations;
using Xunit;

namespace IncidentFox.Gateway.Tests.Execution;

public sealed class DerivationTests
{
    private const string Deployment = """
        {"metadata":{"name":"checkout","uid":"d-1","annotations":{"deployment.kubernetes.io/revision":"3"}},
         "spec":{"selector":{"matchLabels":{"app":"checkout"}},"template":{"metadata":{"labels":{"app":"checkout"}},"spec":{"containers":[{"name":"app","image":"checkout:bad"}]}}}}
        """;

    private static async Task<Derived> DeriveAsync(string name, string answer, string parameters, params string?[] reads)
    {
        var call = new ToolCall { Integration = "kubernetes", Tool = "t", Effect = ToolEffect.Write, RuleVersion = "1", Parameters = (JsonObject)JsonNode.Parse(parameters)! };
        var target = new ReadTarget(call, JsonNode.Parse(answer)!, (i, _) => Task.FromResult(reads.ElementAtOrDefault(i) is { } text ? JsonNode.Parse(text) : null));
        return await KnownDerivations.Find(name)!.DeriveAsync(target, default);
    }

    private static string Revision(string number, string image, string owner = "d-1") =>
        """{"metadata":{"ownerReferences":[{"uid":"OWNER"}],"annotations":{"deployment.kubernetes.io/revision":"NUMBER"}},"spec":{"template":{"metadata":{"labels":{"app":"checkout","pod-template-hash":"x"}},"spec":{"containers":[{"name":"app","image":"IMAGE"}]}}}}"""
            .Replace("OWNER", owner).Replace("NUMBER", number).Replace("IMAGE", image);

    private static string Sets(params string[] sets) => $$"""{"items":[{{string.Join(',', sets)}}]}""";

    [Fact]
    public async Task A_rollback_goes_to_the_revision_before_or_to_the_one_asked_for_and_shows_what_differs()
    {
        var sets = Sets(Revision("1", "checkout:old"), Revision("3", "checkout:bad"), Revision("2", "checkout:good"), Revision("9", "checkout:other", owner: "d-9"));
        var derived = await DeriveAsync("deployment_rollback", Deployment, """{"namespace":"shop"}""", sets, """{"items":[]}""");
        Assert.Equal((3, 2), (derived.Frozen["from_revision"]!.GetValue<long>(), derived.Frozen["to_revision"]!.GetValue<long>()));
        Assert.Equal(new EffectChange("spec containers app image", "checkout:bad", "checkout:good"), Assert.Single(derived.Changes));
        Assert.Equal(
            ["test name", "test image", "replace image"],
            derived.Frozen["patch"]!.AsArray().Select(o => $"{o!["op"]} {((string)o["path"]!).Split('/')[^1]}"));
        var first = await DeriveAsync("deployment_rollback", Deployment, """{"namespace":"shop","revision":1}""", sets, null);
        Assert.Equal("checkout:old", Assert.Single(first.Changes).After);
        Assert.Contains("unknown number", (string)first.Seen["pods"]!);
    }

    [Theory]
    [InlineData("{}", "", "no earlier one")]
    [InlineData("{}", "4:checkout:new", "no earlier one")]
    [InlineData("""{"revision":7}""", "2:checkout:good", "no revision 7")]
    [InlineData("""{"revision":3}""", "3:checkout:good", "no revision 3")]
    [InlineData("{}", "2:checkout:bad", "nothing to go back to")]
    [InlineData("{}", "2:[redacted]", "looks like a secret")]
    [InlineData("{}", "2:[redacted:aws-key]", "looks like a secret")]
    public async Task A_rollback_that_leads_nowhere_or_would_write_what_the_scrubber_wrote_is_not_asked_for(string parameters, string set, string why)
    {
        var sets = set.Length == 0 ? Sets() : Sets(Revision(set.Split(':', 2)[0], set.Split(':', 2)[1]));
        Assert.Contains(why, (await DeriveAsync("deployment_rollback", Deployment, parameters, sets)).Refusal);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""{"items":{}}""")]
    [InlineData("""{"items":[1,null,{"metadata":{"ownerReferences":[{"uid":"d-1"}]}}]}""")]
    public async Task A_history_that_can_not_be_read_asks_nobody(string sets) =>
        Assert.NotNull((await DeriveAsync("deployment_rollback", Deployment, "{}", sets)).Refusal);

    [Theory]
    [InlineData("""{"replicas":1}""", "2 of 3 pods in checkout are stopped; 1 of 3 are ready now")]
    [InlineData("""{"replicas":5}""", "2 pods are added to the 3 in checkout; 1 of 3 are ready now")]
    [InlineData("{}", "3 of 3 pods in checkout are replaced; 1 of 3 are ready now")]
    public async Task Pods_are_counted_without_those_that_are_going_or_over(string parameters, string expected)
    {
        const string List = """
            {"items":[{},{"status":{"conditions":[{"type":"Ready","status":"True"}]}},{"status":{"conditions":[{"type":"Ready","status":"False"}]}},
                      {"status":{"phase":"Failed"}},{"metadata":{"deletionTimestamp":"2026-11-22T16:00:00Z"}},"garbage"]}
            """;
        Assert.Equal(expected, (string)(await DeriveAsync("pods_of_deployment", Deployment, parameters, List)).Seen["pods"]!);
    }

    [Theory]
    [InlineData("pods_of_owner", "{}")]
    [InlineData("pods_of_node", "{}")]
    [InlineData("pods_of_deployment", """{"spec":{"selector":{"matchLabels":{"a":"b"},"matchExpressions":[{}]}}}""")]
    [InlineData("pods_of_owner", """{"metadata":{"labels":[1],"ownerReferences":"x"}}""")]
    [InlineData("matching_alerts", """{"not":"a list"}""")]
    public async Task What_can_not_be_counted_is_said_to_be_unknown(string name, string answer) =>
        Assert.Contains("unknown number", (await DeriveAsync(name, answer, "{}", """{"items":[]}""")).Seen.Single().Value!.GetValue<string>());

    [Fact]
    public async Task A_pods_siblings_are_those_of_the_same_owner()
    {
        const string Pod = """{"metadata":{"labels":{"app":"a","statefulset.kubernetes.io/pod-name":"a-0"},"ownerReferences":[{"uid":"rs-1"}]}}""";
        const string List = """{"items":[{"metadata":{"ownerReferences":[{"uid":"rs-1"}]}},{"metadata":{"ownerReferences":[{"uid":"rs-2"}]}}]}""";
        Assert.Equal("1 of 1; 0 of 1 are ready now", (string)(await DeriveAsync("pods_of_owner", Pod, "{}", List)).Seen["pods"]!);
    }

    [Fact]
    public async Task Alerts_are_counted_by_their_name_and_the_label()
    {
        const string Alerts = """[{"labels":{"alertname":"High","service":"checkout"}},{"labels":{"alertname":"High","service":"cart"}},{"labels":{"alertname":"High"}},{}]""";
        Assert.Equal("1 of 4 that fire now",
            (string)(await DeriveAsync("matching_alerts", Alerts, """{"alert":"High","label":"service","value":"checkout"}""")).Seen["alerts"]!);
    }

    [Fact]
    public void A_patch_tests_what_it_changes_and_goes_into_lists_only_by_the_same_names()
    {
        static string Patch(string before, string after) =>
            string.Join(' ', JsonChange.Between(JsonNode.Parse(before), JsonNode.Parse(after), "/t").SelectMany(c => c.Patch()).Select(o => $"{o["op"]}:{o["path"]}"));
        Assert.Equal("test:/t/a replace:/t/a", Patch("""{"a":1}""", """{"a":2}"""));
        Assert.Equal("test:/t/a~1b~0 remove:/t/a~1b~0 add:/t/c", Patch("""{"a/b~":1}""", """{"c":null}"""));
        Assert.Equal("test:/t/l replace:/t/l", Patch("""{"l":[{"name":"a"},{"name":"b"}]}""", """{"l":[{"name":"b"},{"name":"a"}]}"""));
        Assert.Equal("test:/t/l/1/name test:/t/l/1/v replace:/t/l/1/v", Patch("""{"l":[{"name":"a"},{"name":"b","v":1}]}""", """{"l":[{"name":"a"},{"name":"b","v":2}]}"""));
        Assert.Equal("test:/t/l replace:/t/l", Patch("""{"l":["a"]}""", """{"l":["b"]}"""));
        Assert.Equal("", Patch("""{"l":["a"]}""", """{"l":["a"]}"""));
    }
}
