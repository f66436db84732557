using IncidentFox.Gateway.Tests.Injection;
using IncidentFox.TestKit;
using Xunit;

namespace IncidentFox.Gateway.Tests.Models;

public sealed class ProviderFailureTests(TestPostgres postgres)
{
    [Theory]
    [InlineData("anthropic", 429, "rate_limit_error", "model_rate_limited", 429, "7")]
    [InlineData("anthropic", 529, "overloaded_error", "model_overloaded", 503, null)]
    [InlineData("anthropic", 500, "api_error", "model_failed", 502, null)]
    [InlineData("anthropic", 403, "permission_error", "credential_refused", 502, null)]
    [InlineData("anthropic", 400, "prompt is too long: 250000 tokens", "context_too_long", 413, null)]
    [InlineData("anthropic", 413, "request_too_large", "context_too_long", 413, null)]
    [InlineData("openai", 400, "context_length_exceeded", "context_too_long", 413, null)]
    [InlineData("openai", 429, "insufficient_quota", "model_rate_limited", 429, "7")]
    [InlineData("openai_compatible", 400, "This model's maximum context length is 8192 tokens", "context_too_long", 413, null)]
    [InlineData("openai_compatible", 400, "unsupported", "model_refused_turn", 422, null)]
    [InlineData("openai_compatible", 503, "loading model", "model_overloaded", 503, null)]
    [InlineData("azure_openai", 404, "DeploymentNotFound", "model_unknown", 502, null)]
    [InlineData("openai", 302, "elsewhere", "response_refused", 502, null)]
    public async Task A_providers_refusal_becomes_a_code_and_a_sentence_and_counts_no_tokens(string kind, int status, string words, string code, int ours, string? retryAfter)
    {
        await using var world = await ModelWorld.StartAsync(postgres, kind);
        List<(string, string)> headers = [];
        if (retryAfter is not null)
            headers.Add(("Retry-After", retryAfter));
        if (status == 302)
            headers.Add(("Location", $"http://127.0.0.1:{world.Provider.Port}/elsewhere"));
        world.Provider.Answer = _ => Task.FromResult(new Reply(status, $$"""{"error":{"type":"{{words}}","code":"{{words}}","message":"{{words}} provider's own words"} }""") { Headers = headers });
        var sandbox = await world.Host.OpenCagedAsync();
        var answer = await ModelWorld.AskAsync(sandbox);
        Assert.Equal((ours, code, retryAfter), (answer.Status, answer.Code, answer.Headers.GetValueOrDefault("retry-after")));
        // Once: neither the library nor anybody else tries again on its own, and nobody follows.
        Assert.Single(world.Provider.Requests);
        if (status >= 400)
            Assert.Equal(("not_asked", 0L), Assert.Single(await world.CountedAsync()) is var counted ? (counted.State, counted.Tokens) : default);
        Assert.Equal(status, (int)(await world.EndAsync(sandbox)).Details!["upstream_status"]!);
        await world.AssertNothingLeakedAsync(answer.Body);
    }

    public static TheoryData<string, string> NoAnswers => new()
    {
        { "anthropic", "canary garbage" },
        { "anthropic", """{"canary":1}""" },
        { "anthropic", "[]" },
        { "openai", "canary garbage" },
        { "openai", """{"canary":1}""" },
        { "openai", """{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"list_pods","arguments":"{canary"}}]},"finish_reason":"tool_calls"}]}""" },
        { "openai", """{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"a\n","type":"function","function":{"name":"list_pods","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}""" },
    };

    [Theory, MemberData(nameof(NoAnswers))]
    public async Task An_answer_that_is_none_is_refused_and_the_most_that_it_can_have_taken_counts(string kind, string body)
    {
        await using var world = await ModelWorld.StartAsync(postgres, kind);
        world.Provider.Answer = _ => Task.FromResult(new Reply(200, body));
        var answer = await ModelWorld.AskAsync(await world.Host.OpenCagedAsync());
        Assert.Equal((502, "response_refused"), (answer.Status, answer.Code));
        Assert.DoesNotContain("canary", answer.Body, StringComparison.Ordinal);
        var counted = Assert.Single(await world.CountedAsync());
        Assert.Equal("unknown", counted.State);
        Assert.InRange(counted.Tokens, 501, 10_000);
        await world.AssertNothingLeakedAsync(answer.Body);
    }

    [Fact]
    public async Task An_answer_without_an_end_is_cut_off_and_counts()
    {
        await using var world = await ModelWorld.StartAsync(postgres);
        world.Provider.Answer = _ => Task.FromResult(new Reply(200, new string(' ', 3 * 1024 * 1024)));
        var answer = await ModelWorld.AskAsync(await world.Host.OpenCagedAsync());
        Assert.Equal(502, answer.Status);
        Assert.Equal("unknown", Assert.Single(await world.CountedAsync()).State);
    }

    [Fact]
    public async Task An_answer_larger_than_a_message_is_refused_and_its_tokens_count()
    {
        await using var world = await ModelWorld.StartAsync(postgres);
        world.Provider.Answer = seen => Task.FromResult(ModelDouble.Answer("anthropic", seen) is var good
            ? good with { Body = good.Body.Replace("canary-answer", new string('x', 300_000), StringComparison.Ordinal) } : null!);
        var answer = await ModelWorld.AskAsync(await world.Host.OpenCagedAsync());
        Assert.Equal((502, "response_refused"), (answer.Status, answer.Code));
        Assert.Equal(("answered", 150L), Assert.Single(await world.CountedAsync()) is var counted ? (counted.State, counted.Tokens) : default);
    }

    [Fact]
    public async Task A_provider_that_does_not_answer_in_time_is_given_up_and_the_most_that_it_can_have_taken_counts()
    {
        await using var world = await ModelWorld.StartAsync(postgres, timeout: TimeSpan.FromMilliseconds(300));
        var never = new TaskCompletionSource<Reply>();
        world.Provider.Answer = _ => never.Task;
        var answer = await ModelWorld.AskAsync(await world.Host.OpenCagedAsync());
        never.SetResult(new Reply(200, ""));
        Assert.Equal((504, "upstream_timeout"), (answer.Status, answer.Code));
        Assert.Equal("unknown", Assert.Single(await world.CountedAsync()).State);
    }

    [Fact]
    public async Task A_provider_at_an_address_that_is_not_declared_is_never_connected_to()
    {
        await using var world = await ModelWorld.StartAsync(postgres, range: "10.9.8.0/24");
        var answer = await ModelWorld.AskAsync(await world.Host.OpenCagedAsync());
        Assert.Equal("address_refused", answer.Code);
        Assert.Empty(world.Provider.Requests);
        Assert.Equal(0, Assert.Single(await world.CountedAsync()).Tokens);
    }

    [Fact]
    public async Task An_agent_that_leaves_ends_the_question_and_what_was_set_aside_counts()
    {
        await using var world = await ModelWorld.StartAsync(postgres);
        var (came, never) = (new TaskCompletionSource(), new TaskCompletionSource<Reply>());
        world.Provider.Answer = _ =>
        {
            came.TrySetResult();
            return never.Task;
        };
        var sandbox = await world.Host.OpenCagedAsync();
        using (var connection = await sandbox.ConnectAsync())
        {
            var turn = ModelWorld.Turn();
            await connection.SendAsync(System.Text.Encoding.UTF8.GetBytes($"POST /v1/agent/model HTTP/1.1\r\nHost: x\r\nContent-Length: {turn.Length}\r\n\r\n{turn}"), System.Net.Sockets.SocketFlags.None);
            await came.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        }
        Assert.Equal("client_gone", (string?)(await world.EndAsync(sandbox)).Details!["code"]);
        never.SetResult(new Reply(200, ""));
        Assert.Equal("unknown", Assert.Single(await world.CountedAsync()).State);
    }
}
