using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;

namespace IncidentFox.Core.Tests.Tools;

public sealed class FrozenRequestTests
{
    [Fact]
    public void Any_member_that_is_another_one_gives_another_digest()
    {
        var request = World.Frozen();
        FrozenRequest[] others =
        [
            request with { Call = request.Call with { Integration = "other" } },
            request with { Call = request.Call with { Tool = "other" } },
            request with { Call = request.Call with { Effect = ToolEffect.Exec } },
            request with { Call = request.Call with { RuleVersion = "other" } },
            request with { Call = request.Call with { Parameters = new JsonObject { ["namespace"] = "shop", ["pod"] = "other" } } },
            request with { Call = request.Call with { Parameters = new JsonObject { ["namespace"] = "shop" } } },
            request with { Origin = "https://k8s:6444" },
            request with { Method = "POST" },
            request with { PathAndQuery = request.PathAndQuery + "?x=1" },
            request with { ContentType = "text/plain" },
            request with { ContentType = null },
            request with { Body = "{}" },
            request with { Body = null },
            request with { CredentialReference = "file:///read" },
            request with { Preconditions = new JsonObject { ["uid"] = "u-2" } },
            request with { Preconditions = [] },
            request with { PolicyDigest = "cc" },
        ];
        // The format number is the only member that no property sets.
        Assert.Equal(request.ToJson().Count - 1, typeof(FrozenRequest).GetProperties().Length - 1 + typeof(ToolCall).GetProperties().Length);
        var digests = others.Append(request).Select(o => Convert.ToHexString(o.Digest())).ToHashSet();
        Assert.Equal(others.Length + 1, digests.Count);
    }

    [Fact]
    public void It_reads_back_as_it_was_with_the_same_digest() =>
        Gen.Select(Gen.String, Gen.String, Gen.String.Where(s => !s.Any(char.IsSurrogate)), Gen.Int).Sample((a, b, c, n) =>
        {
            if ((a + b).Any(char.IsSurrogate))
                return true;
            var request = World.Frozen() with { Body = a, PathAndQuery = b, Preconditions = new JsonObject { ["x"] = c, ["n"] = n, ["list"] = new JsonArray(a, n) } };
            var read = FrozenRequest.Parse(request.ToJson().ToJsonString());
            return read.Digest().AsSpan().SequenceEqual(request.Digest()) && read.Body == a && read.PathAndQuery == b;
        });

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("{\"format\":2}")]
    [InlineData("{\"format\":\"1\"}")]
    [InlineData("not json")]
    public void What_is_none_is_refused(string json) => Assert.ThrowsAny<JsonException>(() => FrozenRequest.Parse(json));

    [Fact]
    public void A_member_that_is_missing_or_of_another_type_is_refused()
    {
        foreach (var name in World.Frozen().ToJson().Select(p => p.Key).Except(["content_type", "body"]))
        {
            var without = World.Frozen().ToJson();
            without.Remove(name);
            Assert.ThrowsAny<JsonException>(() => FrozenRequest.Parse(without.ToJsonString()));
        }
        foreach (var name in World.Frozen().ToJson().Select(p => p.Key))
        {
            var wrong = World.Frozen().ToJson();
            wrong[name] = new JsonArray(1);
            Assert.ThrowsAny<JsonException>(() => FrozenRequest.Parse(wrong.ToJsonString()));
        }
        var effect = World.Frozen().ToJson();
        effect["effect"] = "7";
        Assert.ThrowsAny<JsonException>(() => FrozenRequest.Parse(effect.ToJsonString()));
    }

    [Fact]
    public void Canonical_json_is_one_form_whatever_the_order_spaces_and_escapes()
    {
        var one = """{"b":[1,{"y":null,"x":true}],"a":"ä<é\"","A":1.50}""";
        var two = """{ "A" : 1.50, "a":"\u00e4\u003c\u00E9\u0022", "b" : [ 1, {"x":true, "y":null} ] }""";
        Assert.Equal(CanonicalJson.Write(JsonNode.Parse(one)), CanonicalJson.Write(JsonNode.Parse(two)));
        Assert.Equal("""{"A":1.50,"a":"ä<é\"","b":[1,{"x":true,"y":null}]}""", Encoding.UTF8.GetString(CanonicalJson.Write(JsonNode.Parse(two))));
        Assert.NotEqual(CanonicalJson.Write(JsonNode.Parse("[1,2]")), CanonicalJson.Write(JsonNode.Parse("[2,1]")));
    }

    [Fact]
    public void A_call_without_a_body_reads_back_without_one()
    {
        var json = World.Frozen().ToJson();
        (json["content_type"], json["body"]) = (null, null);
        var read = FrozenRequest.Parse(json.ToJsonString());
        Assert.Null(read.ContentType);
        Assert.Null(read.Body);
        // Its members stand on their own: they can be put into other JSON.
        Assert.NotNull(new JsonObject { ["parameters"] = read.Call.Parameters, ["preconditions"] = read.Preconditions });
    }

    [Theory]
    [InlineData(1_000, true)]
    [InlineData(1_001, false)]
    public void Canonical_json_is_read_as_deep_as_it_is_written(int depth, bool readable)
    {
        var json = new string('[', depth) + new string(']', depth);
        if (readable)
            Assert.Equal(json, Encoding.UTF8.GetString(CanonicalJson.Write(CanonicalJson.Parse(json))));
        else
            Assert.ThrowsAny<JsonException>(() => CanonicalJson.Parse(json));
    }

    [Fact]
    public void Json_with_a_name_twice_is_not_read() => Assert.ThrowsAny<JsonException>(() => CanonicalJson.Parse("""{"a":1,"a":2}"""));
}
