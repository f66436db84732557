using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.SlackWorkspace.Blocks;
using Xunit;

namespace IncidentFox.Workbench.Tests.SlackWorkspace;

public sealed class BlockRulesTests
{
    [Fact]
    public void A_message_with_every_kind_of_block_is_accepted() => Assert.Empty(BlockRules.Check(Cards.Everything, Surface.Message));

    [Fact]
    public void A_modal_is_accepted() => Assert.Empty(ViewRules.Check(Cards.Modal, home: false));

    [Fact]
    public void Missing_ids_are_filled_in_and_given_ones_kept()
    {
        var blocks = BlockText.WithIds(Cards.Everything);
        Assert.All(blocks, block => Assert.NotNull(block!["block_id"]));
        Assert.Equal("note", blocks[9]!["block_id"]!.ToString());
    }

    public static TheoryData<string, string> Wrong => new()
    {
        { """[{"type":"banner"}]""", "unsupported type: banner [json-pointer:/blocks/0/type]" },
        { """[{"text":"no type"}]""", "missing required field: type [json-pointer:/blocks/0]" },
        { """["text"]""", "must provide an object [json-pointer:/blocks/0]" },
        { """[{"type":"header"}]""", "missing required field: text [json-pointer:/blocks/0]" },
        { """[{"type":"header","text":{"type":"mrkdwn","text":"x"}}]""", "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]" },
        { $$$"""[{"type":"header","text":{"type":"plain_text","text":"{{{new string('x', 151)}}}"}}]""", "must be less than 151 characters [json-pointer:/blocks/0/text/text]" },
        { $$$"""[{"type":"section","text":{"type":"mrkdwn","text":"{{{new string('x', 3001)}}}"}}]""", "must be less than 3001 characters [json-pointer:/blocks/0/text/text]" },
        { """[{"type":"section","text":{"type":"mrkdwn","text":""}}]""", "must be more than 0 characters [json-pointer:/blocks/0/text/text]" },
        { """[{"type":"section"}]""", "missing required field: text [json-pointer:/blocks/0]" },
        { """[{"type":"section","text":{"type":"plain_text","text":"x"},"colour":"red"}]""", "invalid additional property: colour [json-pointer:/blocks/0]" },
        { $$$"""[{"type":"section","fields":[{{{Repeat("""{"type":"mrkdwn","text":"x"}""", 11)}}}]}]""", "no more than 10 items allowed [json-pointer:/blocks/0/fields]" },
        { $$$"""[{"type":"section","fields":[{"type":"mrkdwn","text":"{{{new string('x', 2001)}}}"}]}]""", "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]" },
        { """[{"type":"section","text":{"type":"mrkdwn","text":"x"},"accessory":{"type":"plain_text_input","action_id":"a"}}]""", "unsupported type: plain_text_input [json-pointer:/blocks/0/accessory/type]" },
        { $$$"""[{"type":"context","elements":[{{{Repeat("""{"type":"mrkdwn","text":"x"}""", 11)}}}]}]""", "no more than 10 items allowed [json-pointer:/blocks/0/elements]" },
        { """[{"type":"context","elements":[]}]""", "no fewer than 1 items allowed [json-pointer:/blocks/0/elements]" },
        { $$$"""[{"type":"actions","elements":[{{{Button(text: new string('x', 76))}}}]}]""", "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]" },
        { $$$"""[{"type":"actions","elements":[{{{Button(value: new string('x', 2001))}}}]}]""", "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]" },
        { $$$"""[{"type":"actions","elements":[{{{Button(style: "purple")}}}]}]""", "must be one of: primary, danger [json-pointer:/blocks/0/elements/0/style]" },
        { $$$"""[{"type":"actions","elements":[{{{Button()}}},{{{Button()}}}]}]""", "action_id \"go\" already exists [json-pointer:/blocks/0/elements/1/action_id]" },
        { """[{"type":"divider","block_id":"a"},{"type":"divider","block_id":"a"}]""", "block_id \"a\" already exists [json-pointer:/blocks/1/block_id]" },
        { $$$"""[{"type":"divider","block_id":"{{{new string('x', 256)}}}"}]""", "must be less than 256 characters [json-pointer:/blocks/0/block_id]" },
        { $$$"""[{"type":"markdown","text":"{{{new string('x', 12_001)}}}"}]""", "must be less than 12001 characters [json-pointer:/blocks/0/text]" },
        { $$$"""[{{{Repeat("""{"type":"divider"}""", 51)}}}]""", "no more than 50 items allowed [json-pointer:/blocks]" },
        { """[{"type":"image","alt_text":"x"}]""", "must provide exactly one of image_url or slack_file [json-pointer:/blocks/0]" },
        { """[{"type":"table","rows":[[{"type":"button"}]]}]""", "unsupported type: button [json-pointer:/blocks/0/rows/0/0/type]" },
        { $$$"""[{"type":"table","rows":[[{{{Repeat("""{"type":"raw_text","text":"x"}""", 21)}}}]]}]""", "no more than 20 items allowed [json-pointer:/blocks/0/rows/0]" },
        { """[{"type":"table","rows":[[{"type":"raw_text","text":"x"}]]},{"type":"table","rows":[[{"type":"raw_text","text":"x"}]]}]""", "only_one_table_allowed [json-pointer:/blocks/1]" },
        { """[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"link","url":"javascript:alert(1)"}]}]}]""", "invalid url [json-pointer:/blocks/0/elements/0/elements/0/url]" },
        { """[{"type":"plan","title":"t","tasks":[{"task_id":"a","title":"x"},{"task_id":"a","title":"y"}]}]""", "task_id \"a\" already exists [json-pointer:/blocks/0/tasks/1/task_id]" },
        { """[{"type":"input","label":{"type":"plain_text","text":"x"}}]""", "missing required field: element [json-pointer:/blocks/0]" },
        { """[{"type":"section","text":{"type":["mrkdwn"],"text":{"a":1}}}]""", "unsupported type:  [json-pointer:/blocks/0/text/type]" },
    };

    [Theory]
    [MemberData(nameof(Wrong), DisableDiscoveryEnumeration = true)]
    public void A_wrong_block_is_refused_with_the_place_named(string blocks, string error) =>
        Assert.Contains($"[ERROR] {error}", BlockRules.Check(JsonNode.Parse(blocks)!.AsArray(), Surface.Message));

    [Theory]
    [InlineData("""{"type":"modal","blocks":[]}""", "missing required field: title [json-pointer:/view]")]
    [InlineData("""{"type":"modal","title":{"type":"plain_text","text":"1234567890123456789012345"},"blocks":[]}""", "must be less than 25 characters [json-pointer:/view/title/text]")]
    [InlineData("""{"type":"modal","title":{"type":"plain_text","text":"t"},"blocks":[{"type":"input","label":{"type":"plain_text","text":"l"},"element":{"type":"plain_text_input"}}]}""", "missing required field: submit [json-pointer:/view]")]
    [InlineData("""{"type":"modal","title":{"type":"plain_text","text":"t"},"blocks":[{"type":"markdown","text":"x"}]}""", "unsupported type: markdown [json-pointer:/view/blocks/0/type]")]
    [InlineData("""{"type":"home","blocks":[]}""", "unsupported type: home [json-pointer:/view/type]")]
    public void A_wrong_modal_is_refused_with_the_place_named(string view, string error) =>
        Assert.Contains($"[ERROR] {error}", ViewRules.Check(JsonNode.Parse(view)!.AsObject(), home: false));

    /// <summary>Whatever an app sends, it gets errors, never an exception.</summary>
    [Fact]
    public void Any_field_may_be_any_JSON_without_breaking_the_check()
    {
        foreach (var strange in (string[])["null", "1", "true", "\"x\"", "[]", "{}", "[null]", "[[1]]", "{\"type\":[]}"])
        {
            foreach (var path in Paths(Cards.Everything, []).ToList())
            {
                var blocks = Cards.Everything;
                Replace(blocks, path, JsonNode.Parse(strange));
                BlockRules.Check(blocks, Surface.Message);
                BlockText.IsTooLong(blocks);
            }
        }
    }

    private static IEnumerable<List<object>> Paths(JsonNode? node, List<object> at)
    {
        if (at.Count > 0) yield return at;
        var children = node switch
        {
            JsonObject o => o.Select(p => ((object)p.Key, p.Value)),
            JsonArray a => a.Select((v, i) => ((object)i, v)),
            _ => [],
        };
        foreach (var (key, child) in children)
        {
            foreach (var path in Paths(child, [.. at, key])) yield return path;
        }
    }

    private static void Replace(JsonNode root, List<object> path, JsonNode? value)
    {
        var owner = path.SkipLast(1).Aggregate(root, (node, key) => key is int i ? node[i]! : node[(string)key]!);
        if (path[^1] is int index) owner[index] = value;
        else owner[(string)path[^1]] = value;
    }

    private static string Repeat(string item, int count) => string.Join(',', Enumerable.Repeat(item, count));

    private static string Button(string text = "Go", string value = "v", string style = "primary") => JsonSerializer.Serialize(new
    {
        type = "button",
        action_id = "go",
        value,
        style,
        text = new { type = "plain_text", text },
    });
}
