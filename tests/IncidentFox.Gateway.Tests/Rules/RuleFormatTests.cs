using System.Text.Json.Nodes;
using IncidentFox.Gateway.Rules.Parsing;
using Xunit;

namespace IncidentFox.Gateway.Tests.Rules;

public sealed class RuleFormatTests
{
    private static readonly OwnIntegration Paths = new("""
        slash: { READ, request: "GET /api/0/projects/{org}/issues/", parameters: {org: {type: string, description: d}} }
        colon: { READ, request: "POST /v2/entries:list" }
        odd: { READ, request: "GET /a(b)/@me/x=1,2/$batch" }
        around: { READ, request: "GET /{name}.json", parameters: {name: {type: string, description: d}} }
        verb: { READ, request: "POST /res/{name}:query", parameters: {name: {type: string, description: d}} }
        file: { READ, request: "GET /repos/{repo}/contents/{path...}", parameters: {repo: {type: string, description: d}, path: {type: path, description: d}} }
        middle: { READ, request: "GET /tree/{path...}/history", parameters: {path: {type: path, description: d}} }
        """);

    [Fact]
    public void A_path_that_ends_with_a_slash_is_sent_and_accepted_with_it_only()
    {
        Assert.Equal("/api/0/projects/acme/issues/", Paths.Out("slash", """{"org":"acme"}""").PathAndQuery);
        Assert.IsType<ParsedCall.Refused>(Paths.Send("GET", "/api/0/projects/acme/issues"));
        Assert.IsType<ParsedCall.Refused>(Paths.Send("GET", "/api/0/projects/acme/issues//"));
        Assert.IsType<ParsedCall.Refused>(Paths.Send("POST", "/v2/entries:list/"));
    }

    [Fact]
    public void Literals_are_sent_as_the_rule_writes_them()
    {
        Assert.Equal("/v2/entries:list", Paths.Out("colon", "{}").PathAndQuery);
        Assert.Equal("/a(b)/@me/x=1,2/$batch", Paths.Out("odd", "{}").PathAndQuery);
    }

    [Fact]
    public void Text_may_stand_around_a_parameter()
    {
        Assert.Equal("/a.json", Paths.Out("around", """{"name":"a"}""").PathAndQuery);
        Assert.Equal("/a.json.json", Paths.Out("around", """{"name":"a.json"}""").PathAndQuery);
        Assert.Equal("/res/a%3Ab:query", Paths.Out("verb", """{"name":"a:b"}""").PathAndQuery);
        Assert.IsType<ParsedCall.Refused>(Paths.Send("GET", "/.json"));
        Assert.IsType<ParsedCall.Refused>(Paths.Call("around", """{"name":"../x"}"""));
    }

    [Theory]
    [InlineData("README.md", true)]
    [InlineData("src/a b/c.cs", true)]
    [InlineData("a/../../x", false)]
    [InlineData("a//b", false)]
    [InlineData("/a", false)]
    [InlineData("a/", false)]
    [InlineData("", false)]
    [InlineData(".", false)]
    [InlineData("a/%2e%2e/b", false)]
    [InlineData("a\\b", false)]
    [InlineData("1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20", true)]
    [InlineData("1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21", false)]
    public void A_path_parameter_is_one_to_twenty_segments_none_of_which_steps_up(string path, bool good)
    {
        var arguments = new JsonObject { ["repo"] = "shop", ["path"] = path }.ToJsonString();
        if (good)
            Assert.Equal("/repos/shop/contents/" + path.Replace(" ", "%20", StringComparison.Ordinal), Paths.Out("file", arguments).PathAndQuery);
        else
            Assert.IsType<ParsedCall.Refused>(Paths.Call("file", arguments));
    }

    [Fact]
    public void A_path_parameter_may_stand_in_the_middle()
    {
        Assert.Equal("/tree/a/b/history", Paths.Out("middle", """{"path":"a/b"}""").PathAndQuery);
        Assert.Equal("/tree/history/history", Paths.Out("middle", """{"path":"history"}""").PathAndQuery);
        Assert.IsType<ParsedCall.Refused>(Paths.Send("GET", "/tree/history"));
        Assert.IsType<ParsedCall.Refused>(Paths.Send("GET", "/tree/a/../history"));
    }

    [Fact]
    public void A_form_is_ordered_encoded_and_read_back()
    {
        var own = new OwnIntegration("""
            instances:
              description: Looks.
              effect: read
              data: own
              request: POST /
              form: {Action: DescribeInstances, Version: "2016-11-15", "InstanceId.{n}": "{ids}", MaxResults: "{max}", Note: "about {what}"}
              parameters:
                ids: {type: string_list, description: d, required: false}
                max: {type: integer, description: d, required: false}
                what: {type: string, description: d, pattern: "[a-z &=+]+"}
            """);
        var request = own.Out("instances", """{"ids":["i-1","i 2"],"max":5,"what":"a &=+b"}""");
        Assert.Equal("Action=DescribeInstances&Version=2016-11-15&InstanceId.1=i-1&InstanceId.2=i%202&MaxResults=5&Note=about%20a%20%26%3D%2Bb", OwnIntegration.Body(request));
        Assert.Equal(("/", "application/x-www-form-urlencoded"), (request.PathAndQuery, request.ContentType));
        Assert.Equal("Action=DescribeInstances&Version=2016-11-15&Note=about%20x", OwnIntegration.Body(own.Out("instances", """{"what":"x"}""")));
        string[] bad =
        [
            "Action=TerminateInstances&Note=about+x", "Action=DescribeInstances&Action=DescribeInstances&Note=about+x", "Note=about+x&InstanceId.2=a",
            "Note=about+x&InstanceId.01=a", "Note=about+x&InstanceId.1=a&InstanceId.1=b", "Note=x", "Note=about+x&DryRun=true", "Note=about+x&_method=DELETE",
            "{\"Action\":\"DescribeInstances\"}", "Note=about+%FF",
        ];
        Assert.All(bad, b => Assert.IsType<ParsedCall.Refused>(own.Send("POST", "/", b)));
        Assert.IsType<ParsedCall.Refused>(own.Send("POST", "/", "Note=about+x", ("Content-Type", "multipart/form-data; boundary=x")));
        Assert.IsType<ParsedCall.Call>(own.Send("POST", "/", "Note=about+x", ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")));
    }

    [Fact]
    public void An_object_passes_as_it_is_and_only_so_large_and_deep()
    {
        var own = new OwnIntegration("""
            search: { READ, request: "POST /{index}/_search", body: {size: "{size}", query: "{query}"}, parameters: {index: {type: string, description: d}, size: {type: integer, description: d, default: 10}, query: {type: object, description: d}} }
            """);
        var request = own.Out("search", """{"index":"logs","query":{"bool":{"must":[{"match":{"m":"a \" b"}}],"n":1.50}}}""");
        Assert.Equal("""{"size":10,"query":{"bool":{"must":[{"match":{"m":"a \" b"}}],"n":1.50}}}""", OwnIntegration.Body(request));
        string deep = string.Concat(Enumerable.Repeat("{\"a\":", 17)) + "1" + new string('}', 17);
        string[] bad =
        [
            "1", "\"x\"", "[]", "null", """{"a":1,"a":2}""", """{"a":{"b":1,"b":2}}""", """{"a":"\ud800"}""", deep, $$"""{"a":"{{new string('x', 65_536)}}"}""",
        ];
        Assert.All(bad, b => Assert.IsType<ParsedCall.Refused>(own.Call("search", $$"""{"index":"logs","query":{{b}}}""")));
        Assert.All(bad, b => Assert.IsType<ParsedCall.Refused>(own.Send("POST", "/logs/_search", $$"""{"query":{{b}}}""")));
        Assert.IsType<ParsedCall.Call>(own.Call("search", $$"""{"index":"logs","query":{{deep[5..^1]}}}"""));
    }

    [Theory]
    [InlineData("query: {kind: a}", "query: {kind: b}", "GET", "?kind=b", "", "")]
    [InlineData("headers: {X-Amz-Target: Logs.A}", "headers: {X-Amz-Target: Logs.B}", "GET", "", "", "Logs.B")]
    [InlineData("form: {Action: A}", "form: {Action: B}", "POST", "", "Action=B", "")]
    [InlineData("body: {method: a, id: 1}", "body: {method: b, id: 1}", "POST", "", """{"id":1,"method":"b"}""", "")]
    [InlineData("body: {rpc: {method: 1}}", "body: {rpc: {method: 2}}", "POST", "", """{"rpc":{"method":2}}""", "")]
    public void A_literal_tells_rules_of_one_path_apart(string first, string second, string method, string query, string body, string header)
    {
        var own = new OwnIntegration($$"""
            one: { READ, request: "{{method}} /rpc", {{first}} }
            two: { READ, request: "{{method}} /rpc", {{second}} }
            """);
        _ = own.Out("one", "{}");
        _ = own.Out("two", "{}");
        (string, string)[] headers = header.Length > 0 ? [("x-amz-target", header)] : [];
        Assert.Equal("two", Assert.IsType<ParsedCall.Call>(own.Send(method, "/rpc" + query, body, headers)).ToolCall.Tool);
        var unclear = Assert.IsType<ParsedCall.Refused>(own.Send(method, "/rpc"));
        Assert.Contains("one, two", unclear.Sentence, StringComparison.Ordinal);
        Assert.IsType<ParsedCall.Refused>(own.Send(method, "/rpc", body, ("X-Amz-Target", "Logs.C")));
        Assert.IsType<ParsedCall.Refused>(own.Send(method, "/rpc" + query, body, [.. headers, ("X-Evil", "1")]));
        Assert.IsType<ParsedCall.Refused>(own.Send(method, "/rpc" + query, body, [.. headers, ("X-Amz-Target", "Logs.A"), ("X-Amz-Target", "Logs.B")]));
    }

    [Fact]
    public void A_literal_that_a_parameter_can_not_be_is_another_path_and_one_that_it_can_be_is_refused()
    {
        var own = new OwnIntegration("""
            latest: { READ, request: GET /releases/latest }
            release: { READ, request: "GET /releases/{id}", parameters: {id: {type: integer, description: d}} }
            """);
        Assert.Equal("latest", Assert.IsType<ParsedCall.Call>(own.Send("GET", "/releases/latest")).ToolCall.Tool);
        Assert.Equal("release", Assert.IsType<ParsedCall.Call>(own.Send("GET", "/releases/12")).ToolCall.Tool);
        Assert.Contains(OwnIntegration.Errors("""
            latest: { READ, request: GET /releases/latest }
            release: { READ, request: "GET /releases/{id}", parameters: {id: {type: string, description: d}} }
            """), e => e.Contains("can't be told from latest", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("request: \"GET /{a...}/{b...}\", parameters: {a: {type: path, description: d}, b: {type: path, description: d}}", "more than one {parameter...}")]
    [InlineData("request: \"GET /{a}\", parameters: {a: {type: path, description: d}}", "type path stands in a path as {a...}")]
    [InlineData("request: \"GET /{a...}\", parameters: {a: {type: string, description: d}}", "type path stands in a path as")]
    [InlineData("request: \"GET /x{a...}\", parameters: {a: {type: path, description: d}}", "'x{a...}' must be")]
    [InlineData("request: \"GET /{a}{b}\", parameters: {a: {type: string, description: d}, b: {type: string, description: d}}", "'{a}{b}' must be")]
    [InlineData("request: \"GET /a;b\"", "'a;b' must be")]
    [InlineData("request: \"GET /a%2Fb\"", "'a%2Fb' must be")]
    [InlineData("request: \"GET //\"", "'' must be")]
    [InlineData("request: \"GET /\", query: {_method: DELETE}", "query key _method can't be sent")]
    [InlineData("request: \"POST /\", form: {_method: DELETE}", "form key _method can't be sent")]
    [InlineData("request: \"POST /\", form: {a: b}, body: {a: b}", "has a body and a form")]
    [InlineData("request: \"GET /\", form: {a: b}", "a GET has no body")]
    [InlineData("request: \"POST /\", form: {a: b}, content_type: application/json", "a form is sent as")]
    [InlineData("request: \"POST /\", content_type: \"json\"", "'content_type' must be")]
    [InlineData("request: \"POST /\", form: {a: \"{o}\"}, parameters: {o: {type: object, description: d}}", "only a JSON body can hold")]
    [InlineData("request: \"POST /\", form: {\"a.{n}\": \"{o}\"}, parameters: {o: {type: string, description: d}}", "takes a parameter of type string_list")]
    [InlineData("request: \"POST /\", form: {\"a.{n}\": \"{o}\", a.1: x}, parameters: {o: {type: string_list, description: d}}", "a.1 is there twice")]
    [InlineData("request: \"POST /\", body: {q: \"from {o}\"}, parameters: {o: {type: string, description: d}}", "needs a pattern or an enum")]
    [InlineData("request: \"POST /\", body: {q: \"from {o}\"}, parameters: {o: {type: integer, description: d, required: false}}", "always there")]
    [InlineData("request: \"GET /\", headers: {X-A: b, x-a: c}", "header X-A is there twice")]
    public void What_a_rule_can_not_say_is_named(string rule, string expected) =>
        Assert.Contains(OwnIntegration.Errors($"look: {{ READ, {rule} }}"), e => e.Contains(expected, StringComparison.Ordinal));

    [Fact]
    public void The_root_of_a_target_can_be_asked()
    {
        var own = new OwnIntegration("root: { READ, request: GET / }");
        Assert.Equal("/", own.Out("root", "{}").PathAndQuery);
        Assert.IsType<ParsedCall.Call>(own.Send("GET", ""));
    }
}
