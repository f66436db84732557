using CsCheck;
using IncidentFox.Core;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Policy;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Rules.Explaining;
using Xunit;

namespace IncidentFox.Gateway.Tests.Rules;

public sealed class ExplainTests
{
    private static readonly ToolPolicy Policy = ToolPolicyParser.Parse("{}").Policy!;

    [Theory]
    [InlineData("https://127.0.0.1:6443/api/v1/namespaces/shop/pods?labelSelector=app%3Dcheckout")]
    [InlineData("/i/kubernetes/api/v1/namespaces/shop/pods?labelSelector=app%3Dcheckout")]
    public void An_allowed_request_is_explained_from_rule_to_policy(string url)
    {
        var explained = Explain("GET", url);
        Assert.True(explained.HasRule);
        Assert.Null(explained.Suggestion);
        var facts = explained.Facts.ToDictionary(f => f.Word, f => f.Text);
        Assert.Equal("list_pods (read)", facts["tool"]);
        Assert.Equal("GET /api/v1/namespaces/{namespace}/pods", facts["rule"]);
        Assert.Equal("""{"namespace":"shop","label_selector":"app=checkout"}""", facts["arguments"]);
        Assert.Equal("GET https://127.0.0.1:6443/api/v1/namespaces/shop/pods?labelSelector=app%3Dcheckout", facts["would send"]);
        Assert.Equal("bearer, file:///etc/incidentfox/secrets/k8s-read", facts["credential"]);
        Assert.Equal("allowed", facts["policy"]);
    }

    [Fact]
    public void A_change_says_what_is_read_first_which_credential_and_who_must_agree()
    {
        var explained = Explain("DELETE", "https://127.0.0.1:6443/api/v1/namespaces/shop/pods/checkout-1");
        var facts = explained.Facts.ToDictionary(f => f.Word, f => f.Text);
        Assert.Contains("{precondition.uid}", facts["body"], StringComparison.Ordinal);
        Assert.StartsWith("get_pod ", facts["reads first"], StringComparison.Ordinal);
        Assert.Contains("k8s-write", facts["credential"], StringComparison.Ordinal);
        Assert.Equal("stops until 1 of role admin or above approve it in #sre-approvals, within 30 minutes", facts["policy"]);
        Assert.StartsWith("denied: ", Explain("DELETE", "/i/kubernetes/api/v1/namespaces/shop/pods/a", Role.Viewer).Facts[^1].Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_refused_request_says_what_came_nearest_and_how_to_allow_it()
    {
        var explained = Explain("GET", "https://127.0.0.1:6443/api/v1/namespaces/shop/replicationcontrollers/12345?watch=false");
        Assert.False(explained.HasRule);
        Assert.Contains(explained.Facts, f => f.Word == "refused" && f.Text.Contains("No rule of integration kubernetes", StringComparison.Ordinal));
        Assert.Contains(explained.Facts, f => f.Word == "nearest");
        Assert.Equal("""
            # in the file of integration kubernetes
            tools:
              get_shop_replicationcontrollers:
                description: Say what it is for.
                effect: read
                request: "GET /api/v1/namespaces/shop/replicationcontrollers/{replicationcontroller}"
                query: {"watch": "{watch}"}
                parameters:
                  replicationcontroller: {type: string, description: Say what it is.}
                  watch: {type: string, description: Say what it is., required: false}
                data: kubernetes
            """, explained.Suggestion);
    }

    [Theory]
    [InlineData("GET", "https://127.0.0.1:6443/api/v1/pods/../secrets")]
    [InlineData("GET", "https://127.0.0.1:6443/api/v1/a%2Fb")]
    [InlineData("GET", "https://127.0.0.1:6443/api/v1/namespaces/Shop/pods")]
    [InlineData("GET", "https://127.0.0.1:6443/api/v1/pods?watch=true")]
    [InlineData("TRACE", "https://127.0.0.1:6443/api/v1/other")]
    [InlineData("GET", "not an address")]
    [InlineData("GET", "ftp://127.0.0.1/x")]
    public void What_no_rule_could_say_or_a_rule_says_already_gets_no_suggestion(string method, string url)
    {
        var explained = Explain(method, url);
        Assert.False(explained.HasRule);
        Assert.Null(explained.Suggestion);
    }

    [Fact]
    public void An_address_where_no_integration_is_gets_a_whole_file_of_under_ten_lines_that_allows_it()
    {
        var explained = Explain("GET", "https://status.acme.example/api/components/");
        Assert.Contains("kubernetes (https://127.0.0.1:6443/)", explained.Facts[0].Text, StringComparison.Ordinal);
        Assert.InRange(explained.Suggestion!.Split('\n').Length, 1, 10);
        var catalog = Sample.Load(("status.yaml", explained.Suggestion));
        Assert.True(RequestExplainer.Explain(catalog, Policy, Question("GET", "https://status.acme.example/api/components/")).HasRule);
        Assert.False(RequestExplainer.Explain(catalog, Policy, Question("GET", "https://status.acme.example/api/components")).HasRule);
    }

    // The suggestion must load and allow exactly what was asked, or there must be none.
    [Fact]
    public void Whatever_is_suggested_loads_and_allows_the_request()
    {
        string[] pieces = ["api", "v1", "things", "12345", "8c5a9f0e-1", "a:b", "x.json", "a b", "café", "A", "{id}", "%2E", "..", "precondition", "approval", "9", "$batch", "users"];
        string[] queries = ["", "?q=1", "?q=1&q=2", "?a[b]=c", "?{n}=1", "?q={settings.x}", "?_method=PUT", "?from=&to=x", "?a%20b=1"];
        string[] bodies = ["", "{\"a\":1.5,\"b\":[true,null,\"x: y # z\"]}", "{\"a\":\"{b}\"}", "{\"a\":\"{settings.b}\"}", "not json", "[]", "{\"a\":\"é \\\" \\\\ \\n\"}", "5"];
        string[] methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"];
        var any = Gen.Select(Gen.Int[0, pieces.Length - 1].Array[0, 5], Gen.Int[0, queries.Length - 1], Gen.Int[0, bodies.Length - 1], Gen.Int[0, methods.Length - 1], Gen.Bool);
        var suggested = 0;
        any.Sample((path, query, body, method, slash) =>
        {
            var target = string.Concat(path.Select(p => "/" + Uri.EscapeDataString(pieces[p]))) + (slash ? "/" : "") + queries[query];
            var question = Question(methods[method], "https://own.example" + target) with { Body = methods[method] == "GET" ? null : bodies[body] };
            var explained = RequestExplainer.Explain(new IntegrationCatalog([]), Policy, question);
            if (explained.Suggestion is not { } yaml)
                return;
            var errors = Sample.Errors(("own.yaml", yaml));
            Assert.True(errors.Count == 0, $"{string.Join('\n', errors)}\n{yaml}");
            var again = RequestExplainer.Explain(Sample.Load(("own.yaml", yaml)), Policy, question);
            Assert.True(again.HasRule || again.Facts.Any(f => f.Text.Contains("auth.write", StringComparison.Ordinal)), $"{question.Method} {question.Url} {question.Body}\n{string.Join('\n', again.Facts)}\n{yaml}");
            Interlocked.Increment(ref suggested);
        }, iter: 2_000);
        Assert.True(suggested > 200);
    }

    private static Explanation Explain(string method, string url, Role role = Role.Operator) =>
        RequestExplainer.Explain(Sample.Catalog, Policy, Question(method, url) with { Role = role });

    private static RequestQuestion Question(string method, string url) => new() { Method = method, Url = url, Team = new TeamId("sre") };
}
