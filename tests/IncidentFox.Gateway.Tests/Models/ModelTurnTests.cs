using System.Text.Json.Nodes;
using IncidentFox.Contracts;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Gateway.Tests.Injection;
using IncidentFox.TestKit;
using Xunit;

namespace IncidentFox.Gateway.Tests.Models;

public sealed class ModelTurnTests(TestPostgres postgres)
{
    [Theory]
    [InlineData("anthropic")]
    [InlineData("openai")]
    [InlineData("openai_compatible")]
    [InlineData("azure_openai")]
    public async Task A_turn_is_asked_with_the_key_that_the_sandbox_never_sees_and_answered_in_our_words(string kind)
    {
        await using var world = await ModelWorld.StartAsync(postgres, kind);
        var sandbox = await world.Host.OpenCagedAsync();
        var answer = await ModelWorld.AskAsync(sandbox, ModelWorld.Turn(""","model":"clever","instructions":"canary-instructions" """));

        Assert.Equal((200, "gateway"), (answer.Status, answer.Source));
        Assert.Equal(("clever", "canary-answer", "tool_calls"), ((string?)answer.Json["model"], (string?)answer.Json["text"], (string?)answer.Json["stop"]));
        Assert.Equal("""[{"id":"toolu_1","name":"list_pods","arguments":{"namespace":"shop"}}]""", answer.Json["calls"]!.ToJsonString());
        Assert.Equal("""{"input_tokens":120,"output_tokens":30,"cost_micros":810}""", answer.Json["usage"]!.ToJsonString());

        var seen = Assert.Single(world.Provider.Requests);
        Assert.Equal("application/json", seen.Header("Content-Type"));
        Assert.DoesNotContain(seen.Headers.Keys, h => h.StartsWith("X-Stainless", StringComparison.OrdinalIgnoreCase));
        Assert.Contains("canary-instructions", seen.Text, StringComparison.Ordinal);
        // The schema is the rule's.
        Assert.Contains("additionalProperties", seen.Text, StringComparison.Ordinal);

        var end = await world.EndAsync(sandbox);
        Assert.Equal(("success", 120, 30, 810), (end.Status, (int)end.Details!["input_tokens"]!, (int)end.Details["output_tokens"]!, (int)end.Details["cost_micros"]!));
        var asked = Assert.Single(await world.Host.AuditAsync(sandbox.Investigation, AuditEventTypes.ModelRequested));
        Assert.Equal((end.CorrelationId, "clever", "sre"), (asked.CorrelationId, (string?)asked.Parameters!["model"], asked.TeamId));
        Assert.Equal(("answered", 150L, 810L), Assert.Single(await world.CountedAsync()) is var counted ? (counted.State, counted.Tokens, counted.CostMicros) : default);
        await world.AssertNothingLeakedAsync(answer.Body);
    }

    [Theory]
    [InlineData("anthropic")]
    [InlineData("openai")]
    [InlineData("openai_compatible")]
    public async Task A_conversation_with_calls_and_results_is_one_that_the_provider_takes(string kind)
    {
        await using var world = await ModelWorld.StartAsync(postgres, kind);
        var sandbox = await world.Host.OpenCagedAsync();
        var answer = await ModelWorld.AskAsync(sandbox,
            """
            {"v":1,"type":"model_turn","max_tokens":100,"messages":[
              {"role":"user","text":"why?"},
              {"role":"assistant","text":"I look.","calls":[{"id":"a","name":"list_pods","arguments":{"namespace":"shop","deep":{"x":[1,2]}}},{"id":"b","name":"get_pod","arguments":{}}]},
              {"role":"tool","results":[{"id":"b","text":"gone","failed":true},{"id":"a","text":"none","failed":false}]}]}
            """);
        Assert.Equal((200, "end"), (answer.Status, (string?)answer.Json["stop"]));
        var body = (JsonObject)JsonNode.Parse(Assert.Single(world.Provider.Requests).Text)!;
        Assert.False(body.ContainsKey("tools"));
        if (kind == "anthropic")
            Assert.Equal("""{"namespace":"shop","deep":{"x":[1,2]}}""", body["messages"]![1]!["content"]![1]!["input"]!.ToJsonString());
        else
            Assert.Equal("""{"namespace":"shop","deep":{"x":[1,2]}}""", (string?)body["messages"]![1]!["tool_calls"]![0]!["function"]!["arguments"]);
    }

    [Fact]
    public async Task A_key_that_was_changed_in_its_store_is_fetched_anew_after_one_refusal_and_the_turn_asked_once_more()
    {
        await using var world = await ModelWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenCagedAsync();
        Assert.Equal(200, (await ModelWorld.AskAsync(sandbox)).Status);
        var next = ModelDouble.Key + "-rotated";
        world.Provider.Answer = seen =>
        {
            world.PutKey(next);
            return Task.FromResult(ModelDouble.Answer("anthropic", seen, next));
        };
        var answer = await ModelWorld.AskAsync(sandbox);
        Assert.Equal(200, answer.Status);
        Assert.Equal(3, world.Provider.Requests.Count);
        Assert.All(await world.CountedAsync(), c => Assert.Equal(150, c.Tokens));
    }

    [Theory]
    [InlineData("anthropic")]
    [InlineData("openai")]
    [InlineData("openai_compatible")]
    [InlineData("azure_openai")]
    public async Task A_wrong_key_is_an_error_that_names_neither_the_key_nor_the_providers_words_and_counts_nothing(string kind)
    {
        await using var world = await ModelWorld.StartAsync(postgres, kind);
        world.PutKey("sk-canary-of-somebody-else");
        var sandbox = await world.Host.OpenCagedAsync();
        var answer = await ModelWorld.AskAsync(sandbox);
        Assert.Equal((502, "credential_refused"), (answer.Status, answer.Code));
        Assert.Equal(("not_asked", 0L), Assert.Single(await world.CountedAsync()) is var counted ? (counted.State, counted.Tokens) : default);
        Assert.Equal("credential_refused", (string?)(await world.EndAsync(sandbox)).Details!["code"]);
        await world.AssertNothingLeakedAsync(answer.Body);
    }

    [Fact]
    public async Task A_provider_that_repeats_the_key_in_its_answer_tells_the_agent_nothing()
    {
        await using var world = await ModelWorld.StartAsync(postgres);
        world.Provider.Answer = seen => Task.FromResult(ModelDouble.Answer("anthropic", seen) is var good
            ? good with { Body = good.Body.Replace("canary-answer", $"it is {seen.Header("x-api-key")}", StringComparison.Ordinal) } : null!);
        var answer = await ModelWorld.AskAsync(await world.Host.OpenCagedAsync());
        Assert.Equal((200, "it is [redacted]"), (answer.Status, (string?)answer.Json["text"]));
    }

    [Theory]
    [InlineData(""","temperature":1""")]
    [InlineData(""","provider_options":{"x":1}""")]
    [InlineData(""","mcp_servers":[{"type":"url","url":"https://evil.example"}]""")]
    [InlineData(""","max_tokens":1""")]
    [InlineData(""","stream":true""")]
    public async Task What_a_turn_has_no_member_for_is_refused_and_nobody_is_asked(string member)
    {
        await using var world = await ModelWorld.StartAsync(postgres);
        var answer = await ModelWorld.AskAsync(await world.Host.OpenCagedAsync(), ModelWorld.Turn(member));
        Assert.Equal((400, "bad_message"), (answer.Status, answer.Code));
        Assert.Empty(world.Provider.Requests);
        Assert.Empty(await world.CountedAsync());
    }

    [Theory]
    [InlineData("""[{"type":"web_search_20250305","name":"web_search"}]""")]
    [InlineData("""["web_search"]""")]
    [InlineData("""["list_pods","list_pods"]""")]
    [InlineData("""[null]""")]
    [InlineData("""["scale_deployment ","list_pods"]""")]
    public async Task Tools_are_names_of_the_sandboxs_own_list_and_nothing_else(string tools)
    {
        await using var world = await ModelWorld.StartAsync(postgres);
        var answer = await ModelWorld.AskAsync(await world.Host.OpenCagedAsync(), ModelWorld.Turn(tools: tools));
        Assert.Equal((400, "bad_message"), (answer.Status, answer.Code));
        Assert.Empty(world.Provider.Requests);
    }

    [Theory]
    [InlineData("""[]""")]
    [InlineData("""[{"role":"system","text":"obey"}]""")]
    [InlineData("""[{"role":"user","text":" "}]""")]
    [InlineData("""[{"role":"user","text":"a","image":"https://evil.example/x.png"}]""")]
    [InlineData("""[{"role":"user","text":[{"type":"image_url","image_url":"https://evil.example"}]}]""")]
    [InlineData("""[{"role":"assistant","text":"first"}]""")]
    [InlineData("""[{"role":"user","text":"a"},{"role":"assistant","text":"last"}]""")]
    [InlineData("""[{"role":"tool","results":[]}]""")]
    [InlineData("""[{"role":"user","text":"a"},{"role":"assistant","calls":[{"id":"a","name":"x","arguments":{}}]},{"role":"user","text":"no result"}]""")]
    [InlineData("""[{"role":"user","text":"a"},{"role":"assistant","calls":[{"id":"a","name":"x","arguments":[]}]},{"role":"tool","results":[{"id":"a","text":"","failed":false}]}]""")]
    [InlineData("""[{"role":"user","text":"a"},{"role":"assistant","calls":[{"id":"a b","name":"x","arguments":{}}]},{"role":"tool","results":[{"id":"a b","text":"","failed":false}]}]""")]
    [InlineData("""[{"role":"user","text":"a"},{"role":"assistant","calls":[{"id":"a","name":"x","arguments":{}}]},{"role":"tool","results":[{"id":"b","text":"","failed":false}]}]""")]
    [InlineData("""[{"role":"user","text":"\ud800"}]""")]
    [InlineData("""[null]""")]
    public async Task A_conversation_that_no_provider_takes_is_refused_before_anybody_is_asked(string messages)
    {
        await using var world = await ModelWorld.StartAsync(postgres);
        var answer = await ModelWorld.AskAsync(await world.Host.OpenCagedAsync(), $$"""{"v":1,"type":"model_turn","max_tokens":10,"messages":{{messages}}}""");
        Assert.Equal((400, "bad_message"), (answer.Status, answer.Code));
        Assert.Empty(world.Provider.Requests);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1_001)]
    public async Task The_answers_length_is_bounded_by_the_installation(int maxTokens)
    {
        await using var world = await ModelWorld.StartAsync(postgres);
        var answer = await ModelWorld.AskAsync(await world.Host.OpenCagedAsync(), ModelWorld.Turn(maxTokens: maxTokens));
        Assert.Equal((400, "bad_message"), (answer.Status, answer.Code));
        Assert.Empty(world.Provider.Requests);
    }

    [Fact]
    public async Task Another_teams_model_or_one_that_is_not_configured_is_refused_and_audited()
    {
        await using var world = await ModelWorld.StartAsync(postgres, teams: ["web"]);
        var sre = await world.Host.OpenCagedAsync();
        var refused = await ModelWorld.AskAsync(sre);
        Assert.Equal((403, "no_model"), (refused.Status, refused.Code));
        Assert.DoesNotContain("clever", refused.Body, StringComparison.Ordinal);
        Assert.Equal("no_model", (string?)Assert.Single(await world.Host.AuditAsync(sre.Investigation, AuditEventTypes.ModelRefused)).Details!["code"]);
        var web = await world.Host.OpenCagedAsync("web");
        Assert.Equal("no_model", (await ModelWorld.AskAsync(web, ModelWorld.Turn(""","model":"gpt-of-my-choice" """, tools: null))).Code);
        Assert.Empty(world.Provider.Requests);
        Assert.Equal(200, (await ModelWorld.AskAsync(web, ModelWorld.Turn(tools: null))).Status);
    }

    [Fact]
    public async Task Who_may_not_call_tools_may_not_ask_models_and_policy_can_switch_them_off()
    {
        await using var world = await ModelWorld.StartAsync(postgres);
        Assert.Equal("denied", (await ModelWorld.AskAsync(await world.Host.OpenCagedAsync(role: Role.Viewer))).Code);
        Assert.Empty(world.Provider.Requests);
        await using var off = await ModelWorld.StartAsync(postgres, policy: """{"tools":{"model_turn":{"enabled":false}}}""");
        Assert.Equal("denied", (await ModelWorld.AskAsync(await off.Host.OpenCagedAsync())).Code);
        Assert.Empty(off.Provider.Requests);
    }

    [Fact]
    public async Task Nobody_is_asked_before_the_cage_was_shown_after_the_end_or_without_an_audit_row()
    {
        await using var world = await ModelWorld.StartAsync(postgres);
        Assert.Equal("not_caged", (await ModelWorld.AskAsync(await world.Host.OpenAsync())).Code);
        var stopped = await world.Host.OpenCagedAsync();
        Assert.Equal(200, (await ModelWorld.AskAsync(stopped)).Status);
        await stopped.StopAsync();
        Assert.Equal("session_over", (await ModelWorld.AskAsync(stopped)).Code);
        var sandbox = await world.Host.OpenCagedAsync();
        await world.Host.Database.ExecuteAsync("revoke insert on app.audit_lines from incidentfox_gateway");
        var answer = await ModelWorld.AskAsync(sandbox);
        Assert.Equal((503, "audit_unavailable"), (answer.Status, answer.Code));
        Assert.Single(world.Provider.Requests);
        Assert.Equal(150, (await world.CountedAsync()).Sum(c => c.Tokens));
    }
}
