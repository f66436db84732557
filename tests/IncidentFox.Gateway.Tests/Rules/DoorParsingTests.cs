using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using IncidentFox.Core;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Rules.Parsing;
using Xunit;

namespace IncidentFox.Gateway.Tests.Rules;

public sealed class DoorParsingTests
{
    [Fact]
    public void What_kubectl_sends_passes()
    {
        string[] targets =
        [
            "/api?timeout=32s", "/apis?timeout=32s", "/api/v1", "/apis/apps/v1?timeout=32s", "/version", "/api/v1/namespaces?limit=500",
            "/api/v1/namespaces/shop/pods?limit=500", "/api/v1/namespaces/shop/pods?labelSelector=app%3Dcheckout&limit=500",
            "/api/v1/namespaces/shop/pods/checkout-1", "/api/v1/namespaces/shop/pods/checkout-1/log?container=app&previous=true&tailLines=20",
            "/apis/apps/v1/namespaces/shop/deployments?limit=500", "/api/v1/namespaces/shop/events?fieldSelector=involvedObject.name%3Dcheckout-1&limit=500",
        ];
        Assert.All(targets, t => Assert.IsType<ParsedCall.Call>(Sample.Get("kubernetes", t)));
    }

    [Theory]
    [InlineData("/api/v1/namespaces/shop/secrets")]
    [InlineData("/api/v1/secrets")]
    [InlineData("/api/v1/namespaces/shop/secrets/db")]
    [InlineData("/api/v1/namespaces/shop/pods/a/proxy")]
    [InlineData("/api/v1/namespaces/shop/services/a/proxy/admin")]
    [InlineData("/api/v1/nodes/n/proxy/exec")]
    [InlineData("/api/v1/namespaces/shop/pods/a/exec")]
    [InlineData("/api/v1/namespaces/shop/pods/..")]
    [InlineData("/api/v1/namespaces/shop/pods/../secrets")]
    [InlineData("/api/v1/namespaces/shop/pods/%2E%2E")]
    [InlineData("/api/v1/namespaces/shop/pods/%2e%2e")]
    [InlineData("/api/v1/namespaces/shop/pods/a%2F..%2Fsecrets")]
    [InlineData("/api/v1/namespaces/shop/pods/a%2fb")]
    [InlineData("/api/v1/namespaces/shop/pods/a%5Cb")]
    [InlineData("/api/v1/namespaces/shop/pods/a\\b")]
    [InlineData("/api/v1/namespaces/shop/pods/a%252F..")]
    [InlineData("/api/v1/namespaces/shop/pods/a;b")]
    [InlineData("/api/v1/namespaces/shop/pods/a%3Bb")]
    [InlineData("/api/v1/namespaces/shop/pods/a%00")]
    [InlineData("/api/v1/namespaces/shop/pods/a%0A")]
    [InlineData("/api/v1/namespaces/shop/pods/%61")]
    [InlineData("/api/v1/namespaces/shop/pods/%")]
    [InlineData("/api/v1/namespaces/shop/pods/%G0")]
    [InlineData("/api/v1/namespaces/shop/pods/%C3%28")]
    [InlineData("/api/v1/namespaces/shop/pods/%C0%AE%C0%AE")]
    [InlineData("/api/v1/namespaces/shop/pods/%ED%A0%80")]
    [InlineData("/api/v1/namespaces/shop/pods/")]
    [InlineData("/api/v1/namespaces/shop//pods")]
    [InlineData("//api/v1/pods")]
    [InlineData("/api/v1/namespaces/shop/pods/.")]
    [InlineData("/api/v1/namespaces/./pods")]
    [InlineData("/api/v1/namespaces/Shop/pods")]
    [InlineData("/api/v1/namespaces/shop%20/pods")]
    [InlineData("/api/v1/namespaces/-/pods")]
    [InlineData("/API/v1/pods")]
    [InlineData("/api/v1/pods#x")]
    [InlineData("/api/v1/pods?watch=true")]
    [InlineData("/api/v1/pods?limit=1&limit=2")]
    [InlineData("/api/v1/pods?&limit=1")]
    [InlineData("/api/v1/pods?=1")]
    [InlineData("/api/v1/pods?Limit=1")]
    [InlineData("/api/v1/namespaces/shop/pods?labelSelector=a&labelSelector=b")]
    [InlineData("/api/v1/namespaces/shop/pods?labelSelector=a%0Ab")]
    [InlineData("/api/v1/namespaces/shop/pods?fieldSelector=x")]
    [InlineData("/api/v1/namespaces/shop/pods/a/log?follow=true")]
    [InlineData("/api/v1/namespaces/shop/pods/a/log?tailLines=2001")]
    [InlineData("/api/v1/namespaces/shop/pods/a/log?tailLines=020")]
    [InlineData("/api/v1/namespaces/shop/pods/a/log?tailLines=+20")]
    [InlineData("/api/v1/namespaces/shop/pods/a/log?tailLines=1e2")]
    [InlineData("/api/v1/namespaces/shop/pods/a/log?previous=1")]
    [InlineData("http://other.example/api/v1/pods")]
    [InlineData("/api/v1/namespaces/a.b/pods")]
    public void What_could_mean_two_things_or_is_not_allowed_is_refused(string target) =>
        Assert.IsType<ParsedCall.Refused>(Sample.Get("kubernetes", target));

    [Theory]
    [InlineData("POST", "/api/v1/namespaces/shop/pods", "{}")]
    [InlineData("PUT", "/api/v1/namespaces/shop/pods/a", "{}")]
    [InlineData("DELETE", "/api/v1/namespaces/shop/pods", "")]
    [InlineData("DELETE", "/apis/apps/v1/namespaces/shop/deployments/a", "")]
    [InlineData("GET", "/api/v1/pods", "{}")]
    [InlineData("HEAD", "/api/v1/pods", "")]
    [InlineData("get", "/api/v1/pods", "")]
    [InlineData("OPTIONS", "/api/v1/pods", "")]
    [InlineData("DELETE", "/api/v1/namespaces/shop/pods/a", """{"gracePeriodSeconds":0}""")]
    [InlineData("DELETE", "/api/v1/namespaces/shop/pods/a", """{"preconditions":{"uid":"x"}}""")]
    [InlineData("DELETE", "/api/v1/namespaces/shop/pods/a?dryRun=All", "")]
    [InlineData("DELETE", "/api/v1/namespaces/shop/pods/a", "not json")]
    [InlineData("DELETE", "/api/v1/namespaces/shop/pods/a", """{"kind":"DeleteOptions","kind":"DeleteOptions"}""")]
    [InlineData("PATCH", "/apis/apps/v1/namespaces/shop/deployments/a", """{"spec":{"template":{"spec":{"hostPID":true}}}}""")]
    [InlineData("PATCH", "/apis/apps/v1/namespaces/shop/deployments/a", """[{"op":"replace","path":"/spec/replicas","value":0}]""")]
    [InlineData("PATCH", "/apis/apps/v1/namespaces/shop/deployments/a", "")]
    public void A_method_or_body_that_no_rule_has_is_refused(string method, string target, string body) =>
        Assert.IsType<ParsedCall.Refused>(Sample.Get("kubernetes", target, method, body));

    [Fact]
    public void A_delete_with_what_the_rule_sends_anyway_is_the_same_call()
    {
        var call = Assert.IsType<ParsedCall.Call>(Sample.Get("kubernetes", "/api/v1/namespaces/shop/pods/a", "DELETE", """{"kind":"DeleteOptions","apiVersion":"v1"}"""));
        Sample.Same(Sample.Accepted("pod_restart", """{"namespace":"shop","pod":"a"}""").ToolCall, call.ToolCall);
    }

    [Fact]
    public void A_refusal_says_what_was_searched_and_what_comes_nearest()
    {
        var refused = Assert.IsType<ParsedCall.Refused>(Sample.Get("kubernetes", "/api/v1/namespaces/shop/pods/a/attach"));
        Assert.Contains("integration kubernetes", refused.Sentence, StringComparison.Ordinal);
        Assert.Contains("get_pod_logs: GET /api/v1/namespaces/{namespace}/pods/{pod}/log", refused.Sentence, StringComparison.Ordinal);
        Assert.Contains("the nearest is list_pods", Sample.Refused("list_podz", "{}").Sentence, StringComparison.Ordinal);
        Assert.Contains("kubernetes, prometheus, alertmanager", Assert.IsType<ParsedCall.Refused>(Sample.Get("github", "/")).Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_problem_of_the_arguments_is_named_at_once()
    {
        var refused = Sample.Refused("get_pod_logs", """{"namespace":"Shop","tail_lines":5000,"previous":"yes","colour":1}""");
        Assert.Equal("bad_arguments", refused.Code);
        Assert.All(new[] { "namespace must match", "pod is missing", "tail_lines must be at most 2000", "previous must be true or false", "colour" },
            p => Assert.Contains(p, refused.Sentence, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"namespace":"shop","namespace":"kube-system"}""")]
    [InlineData("""{"namespace":["shop"]}""")]
    [InlineData("""{"namespace":null}""")]
    [InlineData("""{"namespace":"\ud800"}""")]
    [InlineData("""{"namespace":"shop\u0000"}""")]
    [InlineData("""{"namespace":"shop\n"}""")]
    [InlineData("""{"Namespace":"shop"}""")]
    [InlineData("\"shop\"")]
    [InlineData("null")]
    public void Arguments_that_are_not_what_the_rule_says_are_refused(string arguments) => Sample.Refused("list_pods", arguments);

    [Theory]
    [InlineData("-1")]
    [InlineData("1001")]
    [InlineData("1.5")]
    [InlineData("1e400")]
    [InlineData("\"3\"")]
    [InlineData("true")]
    public void A_number_outside_its_bounds_or_type_is_refused(string replicas) =>
        Sample.Refused("scale_deployment", $$"""{"namespace":"shop","deployment":"a","replicas":{{replicas}}}""");

    [Fact]
    public void Equal_numbers_are_equal_calls()
    {
        var a = Sample.Accepted("scale_deployment", """{"namespace":"shop","deployment":"a","replicas":3}""");
        var b = Sample.Accepted("scale_deployment", """{"replicas":3.0,"deployment":"a","namespace":"shop"}""");
        Assert.Equal(Core.Tools.CanonicalJson.Write(a.ToolCall.Parameters), Core.Tools.CanonicalJson.Write(b.ToolCall.Parameters));
    }

    [Fact]
    public void Whatever_is_sent_reads_back_as_the_same_call()
    {
        var name = Gen.Char["abz019-."].Array[1, 12].Select(c => new string(c)).Where(s => char.IsAsciiLetterOrDigit(s[0]) && char.IsAsciiLetterOrDigit(s[^1]));
        var ns = name.Where(s => !s.Contains('.'));
        var logs = Gen.Select(ns, name, ns, Gen.Bool, Gen.Int[1, 2000], (n, p, c, previous, tail) => ("get_pod_logs", new JsonObject
        {
            ["namespace"] = n, ["pod"] = p, ["container"] = c, ["previous"] = previous, ["tail_lines"] = tail,
        }));
        var pods = Gen.Select(ns, Gen.Char["abc=,! ()_/.-"].Array[0, 20], (n, s) => ("list_pods", new JsonObject { ["namespace"] = n, ["label_selector"] = new string(s) }));
        var query = Gen.String.Select(q => ("query_metrics", new JsonObject { ["query"] = q, ["time"] = "2026-11-22T16:00:00+01:00" }));
        Gen.OneOf(logs, pods, query).Sample(sample =>
        {
            var (tool, arguments) = sample;
            if (Sample.Call(tool, arguments.ToJsonString()) is not ParsedCall.Call call)
                return tool == "query_metrics";
            var target = Sample.Target(call);
            var prefix = call.Integration.BaseUrl.AbsolutePath.TrimEnd('/');
            Assert.StartsWith(prefix + "/", target, StringComparison.Ordinal);
            Assert.All(target, c => Assert.InRange(c, '!', '~'));
            var back = Assert.IsType<ParsedCall.Call>(Sample.Get(call.Integration.Name, target[prefix.Length..]));
            Sample.Same(call.ToolCall, back.ToolCall);
            return true;
        }, iter: 2_000);
    }

    [Fact]
    public void Garbage_is_refused_or_means_exactly_what_would_be_sent()
    {
        var piece = OneOf("api", "v1", "namespaces", "shop", "pods", "secrets", "proxy", "..", ".", "%2E", "%2F", "%25", "", "a", "log", "%C3%A4", "é", "\\", ";", "?", "&", "=", "limit=1", "#", "+", " ");
        Gen.Select(piece.Array[0, 9], OneOf("/", "?", "&", "//"), Gen.Bool).Sample((pieces, separator, slash) =>
        {
            var target = (slash ? "/" : "") + string.Join(separator == "/" ? "/" : separator, pieces);
            var parsed = Sample.Get("kubernetes", target);
            if (parsed is not ParsedCall.Call call)
                return true;
            Assert.DoesNotContain("secrets", target, StringComparison.Ordinal);
            Assert.DoesNotContain("..", target, StringComparison.Ordinal);
            Sample.Same(call.ToolCall, Assert.IsType<ParsedCall.Call>(Sample.Get("kubernetes", Sample.Target(call))).ToolCall);
            return true;
        }, iter: 5_000);
    }

    [Fact]
    public void Any_text_as_a_tools_name_or_argument_is_refused_without_an_exception()
    {
        Gen.Select(Gen.String, Gen.String).Sample((tool, value) =>
        {
            Assert.IsType<ParsedCall.Refused>(ToolDoor.Parse(Sample.Catalog, Sample.Team, tool + "!", JsonDocument.Parse("{}").RootElement));
            var pod = new JsonObject { ["namespace"] = "shop", ["pod"] = value }.ToJsonString();
            return Sample.Call("get_pod", pod) is ParsedCall.Refused || value.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '.');
        }, iter: 2_000);
    }

    private static Gen<string> OneOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(i => texts[i]);

    [Fact]
    public void A_team_without_the_integration_finds_nothing_there()
    {
        var catalog = Sample.Load(("k.yaml", Sample.Kubernetes + "\nteam: a"));
        Assert.IsType<ParsedCall.Refused>(BaseUrlDoor.Parse(catalog, new TeamId("b"), "kubernetes", "GET", "/api/v1/pods", default));
        Assert.IsType<ParsedCall.Refused>(ToolDoor.Parse(catalog, new TeamId("b"), "list_all_pods", JsonDocument.Parse("{}").RootElement));
        Assert.IsType<ParsedCall.Call>(ToolDoor.Parse(catalog, new TeamId("a"), "list_all_pods", JsonDocument.Parse("{}").RootElement));
    }

    [Fact]
    public void Without_a_write_credential_a_write_is_refused_and_says_what_is_missing()
    {
        var catalog = Sample.Load(("k.yaml", Sample.Kubernetes.Replace(", write: \"file:///etc/incidentfox/secrets/k8s-write\"", "", StringComparison.Ordinal)));
        var refused = Assert.IsType<ParsedCall.Refused>(ToolDoor.Parse(catalog, Sample.Team, "pod_restart", JsonDocument.Parse("""{"namespace":"a","pod":"b"}""").RootElement));
        Assert.Equal("no_credential", refused.Code);
        Assert.Contains("auth.write", refused.Sentence, StringComparison.Ordinal);
    }
}
