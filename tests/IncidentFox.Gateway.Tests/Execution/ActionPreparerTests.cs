using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Execution;
using IncidentFox.TestKit;
using Xunit;

namespace IncidentFox.Gateway.Tests.Execution;

public sealed class ActionPreparerTests(TestPostgres postgres)
{
    [Fact]
    public async Task What_is_shown_was_read_from_the_target_and_the_agents_word_stands_apart()
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        var ready = Assert.IsType<PreparedAction.Ready>(await world.PrepareAsync(reason: "it is stuck"));
        Assert.Equal("Delete pod checkout-1 in namespace shop; its ReplicaSet checkout-abc starts a new one", ready.Effect.Title);
        Assert.StartsWith("DELETE https://127.0.0.1:6443/api/v1/namespaces/shop/pods/checkout-1 {", ready.Effect.Request);
        Assert.Equal("it is stuck", ready.Effect.AgentReason);
        Assert.Equal("u-1", ready.Frozen.Preconditions["uid"]!.GetValue<string>());
        Assert.Contains("\"uid\":\"u-1\"", ready.Frozen.Body);
        Assert.Equal("file:///etc/incidentfox/secrets/k8s-write", ready.Frozen.CredentialReference);
        Assert.Empty(world.Sender.Writes);
        Assert.Equal(["tool_requested", "tool_executed", "tool_requested", "tool_executed"],
            await world.Db.QueryAsync<string>("select event_type from app.audit_events where tool is not null order by at"));
    }

    [Theory]
    [InlineData(404, "{}", "target_not_found")]
    [InlineData(500, "{}", "target_unreadable")]
    [InlineData(200, "not json", "target_unreadable")]
    [InlineData(200, """{"metadata":{"uid":"u-1"}}""", "target_unreadable")]   // nobody would start it again
    [InlineData(200, """{"metadata":{"uid":{"a":1},"ownerReferences":[{"kind":"x","name":"y"}]}}""", "target_unreadable")]
    public async Task A_target_that_is_not_as_the_rule_needs_it_is_not_asked_about(int status, string body, string code)
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        world.Sender.Answer = (_, _) => Task.FromResult(ScriptedSender.Response(status, body));
        Assert.Equal(code, Assert.IsType<PreparedAction.Refused>(await world.PrepareAsync()).Code);
        Assert.Single(world.Sender.Sent);
    }

    [Fact]
    public async Task A_dry_run_that_is_refused_or_not_answered_asks_nobody()
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        world.Sender.Answer = (r, _) => Task.FromResult(ScriptedSender.IsDryRun(r) ? ScriptedSender.Response(403, """{"message":"forbidden\u202e by RBAC"}""") : ScriptedSender.Response(200, ExecutionWorld.Pod));
        var refused = Assert.IsType<PreparedAction.Refused>(await world.PrepareAsync());
        Assert.Equal("dry_run_refused", refused.Code);
        Assert.Contains("forbidden\\u{202E} by RBAC", refused.Sentence);
        world.Sender.Answer = (r, _) => Task.FromResult(ScriptedSender.IsDryRun(r) ? ScriptedSender.Lost() : ScriptedSender.Response(200, ExecutionWorld.Pod));
        Assert.Equal("upstream_timeout", Assert.IsType<PreparedAction.Refused>(await world.PrepareAsync()).Code);
        Assert.Empty(world.Sender.Writes);
    }

    [Fact]
    public async Task Without_an_audit_row_nothing_is_asked_of_the_target()
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        await world.Db.ExecuteAsync("revoke insert on app.audit_events from incidentfox_gateway");
        Assert.Equal("audit_unavailable", Assert.IsType<PreparedAction.Refused>(await world.PrepareAsync()).Code);
        Assert.Empty(world.Sender.Sent);
    }

    [Fact]
    public async Task Hostile_names_of_the_target_are_shown_inert()
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        world.PodNow = """{"metadata":{"uid":"u\u202e1","ownerReferences":[{"kind":"Repl\nica\u0000Set","name":"{precondition.uid}{pod}"}]},"status":{"phase":"\u200bRunning"}}""";
        var ready = Assert.IsType<PreparedAction.Ready>(await world.PrepareAsync(reason: "a\u202eb\nc"));
        Assert.Equal("Delete pod checkout-1 in namespace shop; its Repl ica\\u{0}Set {precondition.uid}{pod} starts a new one", ready.Effect.Title);
        Assert.Equal("a\\u{202E}b c", ready.Effect.AgentReason);
        var shown = string.Concat(ready.Effect.Facts.Select(f => f.Value)) + ready.Effect.Title + ready.Effect.Request + ready.Effect.Changes[0].Before;
        Assert.DoesNotContain(shown, c => char.IsControl(c) || c is '\u202e' or '\u200b');
    }

    [Fact]
    public async Task A_value_too_long_to_be_looked_at_is_refused()
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        world.PodNow = ExecutionWorld.Pod.Replace("u-1", new string('u', 5_000));
        Assert.Equal("target_unreadable", Assert.IsType<PreparedAction.Refused>(await world.PrepareAsync()).Code);
        world.PodNow = ExecutionWorld.Pod.Replace("Running", new string('r', 5_000));
        Assert.Equal("target_unreadable", Assert.IsType<PreparedAction.Refused>(await world.PrepareAsync()).Code);
    }

    [Fact]
    public async Task The_same_question_freezes_to_the_same_digest_and_another_pod_to_another()
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        var one = ((PreparedAction.Ready)await world.PrepareAsync(reason: "a")).Frozen.Digest();
        Assert.Equal(one, ((PreparedAction.Ready)await world.PrepareAsync(reason: "b")).Frozen.Digest());
        world.PodNow = ExecutionWorld.Pod.Replace("u-1", "u-2");
        Assert.NotEqual(one, ((PreparedAction.Ready)await world.PrepareAsync()).Frozen.Digest());
    }
}
