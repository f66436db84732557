using System.Text;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;
using IncidentFox.Gateway.Tests.Rules;
using IncidentFox.TestKit;
using Xunit;

namespace IncidentFox.Gateway.Tests.Execution;

public sealed class FrozenCallRunnerTests(TestPostgres postgres)
{
    private const string Going = """{"metadata":{"uid":"u-1","deletionTimestamp":"2026-01-01T00:00:00Z"}}""";
    private const string Replaced = """{"metadata":{"uid":"u-2"}}""";

    private static void Script(ExecutionWorld world, Func<UpstreamResult> write, Func<UpstreamResult> proof) =>
        world.Sender.Answer = (r, _) => Task.FromResult(r.Call.Effect == ToolEffect.Read ? proof() : write());

    [Theory]
    [InlineData(200, ApprovalState.Executed)]
    [InlineData(202, ApprovalState.Executed)]
    [InlineData(301, ApprovalState.Failed)]
    [InlineData(401, ApprovalState.Failed)]
    [InlineData(403, ApprovalState.Failed)]
    [InlineData(404, ApprovalState.Failed)]
    [InlineData(409, ApprovalState.Failed)]
    [InlineData(422, ApprovalState.Failed)]
    public async Task An_answer_that_decides_is_believed_and_sent_for_once(int status, ApprovalState state)
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        var claim = await world.ClaimAsync();
        Script(world, () => ScriptedSender.Response(status, """{"message":"because"}"""), () => throw new InvalidOperationException("no proof is needed"));
        Assert.Equal(state, (await world.RunAsync(claim)).State);
        var sent = Assert.Single(world.Sender.Sent);
        Assert.Equal(claim.Frozen.Body, Encoding.UTF8.GetString(sent.Body!));
        Assert.Equal((claim.Frozen.Method, claim.Frozen.PathAndQuery, true), (sent.Method, sent.PathAndQuery, sent.UseWriteCredential));
    }

    [Theory]
    [InlineData(200, Going, ApprovalState.Executed)]
    [InlineData(200, Replaced, ApprovalState.Executed)]
    [InlineData(404, "{}", ApprovalState.Executed)]
    [InlineData(200, ExecutionWorld.Pod, ApprovalState.Failed)]
    [InlineData(500, "{}", ApprovalState.Unknown)]
    [InlineData(200, "not json", ApprovalState.Unknown)]
    [InlineData(200, "{}", ApprovalState.Unknown)]
    public async Task Without_an_answer_or_after_the_targets_own_error_the_proof_decides(int status, string pod, ApprovalState state)
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        var claim = await world.ClaimAsync();
        foreach (var write in new Func<UpstreamResult>[] { () => ScriptedSender.Lost(), () => ScriptedSender.Response(500), () => ScriptedSender.Response(504), () => ScriptedSender.Response(408) })
        {
            world.Sender.Sent.Clear();
            Script(world, write, () => ScriptedSender.Response(status, pod));
            Assert.Equal(state, (await world.RunAsync(claim)).State);
            Assert.Single(world.Sender.Writes);
        }
    }

    [Fact]
    public async Task What_never_reached_the_target_failed_and_a_proof_that_is_not_answered_is_unknown()
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        var claim = await world.ClaimAsync();
        Script(world, () => ScriptedSender.Lost(mayHaveRun: false), () => ScriptedSender.Lost());
        Assert.Equal(ApprovalState.Failed, (await world.RunAsync(claim)).State);
        Script(world, () => ScriptedSender.Lost(), () => ScriptedSender.Lost());
        Assert.Equal(ApprovalState.Unknown, (await world.RunAsync(claim)).State);
    }

    [Theory]
    [InlineData(200, Going, ApprovalState.Executed, 0)]
    [InlineData(404, "{}", ApprovalState.Executed, 0)]
    [InlineData(500, "{}", ApprovalState.Unknown, 0)]
    [InlineData(200, "{}", ApprovalState.Unknown, 0)]
    [InlineData(200, ExecutionWorld.Pod, ApprovalState.Executed, 1)]   // proven not to have run: sent
    public async Task After_a_crash_it_proves_first_and_sends_only_what_did_not_run(int status, string pod, ApprovalState state, int writes)
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        var claim = await world.ClaimAsync(attempt: 2);
        Script(world, () => ScriptedSender.Response(200), () => ScriptedSender.Response(status, pod));
        Assert.Equal(state, (await world.RunAsync(claim)).State);
        Assert.Equal(ToolEffect.Read, world.Sender.Sent.First().Call.Effect);
        Assert.Equal(writes, world.Sender.Writes.Count());
    }

    [Fact]
    public async Task A_first_try_that_lands_while_the_second_is_sent_is_seen_and_not_reported_as_a_refusal()
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        var claim = await world.ClaimAsync(attempt: 2);
        var pod = ExecutionWorld.Pod;
        Script(world, () => { pod = Replaced; return ScriptedSender.Response(409); }, () => ScriptedSender.Response(200, pod));
        Assert.Equal(ApprovalState.Executed, (await world.RunAsync(claim)).State);
    }

    [Fact]
    public async Task After_a_crash_that_nothing_shows_yet_is_no_proof_because_the_first_try_may_still_be_on_its_way()
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        var claim = await world.ClaimAsync(attempt: 2);
        Script(world, () => ScriptedSender.Lost(), () => ScriptedSender.Response(200, ExecutionWorld.Pod));
        Assert.Equal(ApprovalState.Unknown, (await world.RunAsync(claim)).State);
        // Once only: nothing is tried a third time.
        Assert.Single(world.Sender.Writes);
    }

    [Theory]
    [InlineData(Going, ApprovalState.Executed)]
    [InlineData("{}", ApprovalState.Unknown)]
    public async Task After_a_crash_a_target_that_changes_before_the_second_try_may_have_been_changed_by_the_first(string then, ApprovalState state)
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        var claim = await world.ClaimAsync(attempt: 2);
        world.Catalog = Changed(r => r with { Precondition = r.Precondition! with { Hold = ["uid"] } });
        var reads = 0;
        Script(world, () => throw new InvalidOperationException("nothing is sent"),
            () => ScriptedSender.Response(200, ++reads == 1 ? ExecutionWorld.Pod : reads == 2 ? Replaced : then));
        Assert.Equal(state, (await world.RunAsync(claim)).State);
        Assert.Empty(world.Sender.Writes);
    }

    [Fact]
    public async Task A_rule_without_a_proof_is_never_sent_again()
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        var claim = await world.ClaimAsync(attempt: 2);
        // The rule's version is what was approved; only the proof is not there.
        world.Catalog = Changed(r => r with { Proof = null });
        Assert.Equal(ApprovalState.Unknown, (await world.RunAsync(claim)).State);
        Assert.Empty(world.Sender.Sent);
    }

    public static TheoryData<string> Changes => ["gone", "rule", "effect", "method", "origin", "credential", "path", "other team's"];

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task What_would_be_sent_otherwise_than_it_was_shown_is_not_sent(string change)
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        var claim = await world.ClaimAsync();
        var kubernetes = Sample.Catalog.Find(Sample.Team, "kubernetes")!;
        world.Catalog = change switch
        {
            "gone" => new IntegrationCatalog([]),
            "rule" => Changed(r => r with { Version = "other" }),
            "effect" => Changed(r => r with { Effect = ToolEffect.Exec }),
            "method" => Changed(r => r with { Method = "POST" }),
            "origin" => new IntegrationCatalog([kubernetes with { BaseUrl = new Uri("https://127.0.0.1:6444") }]),
            "path" => new IntegrationCatalog([kubernetes with { BaseUrl = new Uri("https://127.0.0.1:6443/other") }]),
            "credential" => new IntegrationCatalog([kubernetes with { Auth = kubernetes.Auth with { Write = [new("token", "file:///other")] } }]),
            _ => new IntegrationCatalog([kubernetes with { Team = new Core.TeamId("web") }]),
        };
        var outcome = await world.RunAsync(claim);
        Assert.Equal((ApprovalState.Failed, "changed_since_approved"), (outcome.State, outcome.Details["code"]!.GetValue<string>()));
        // After a crash nobody can look any more whether the first try ran: that is not the same as "nothing was sent".
        Assert.Equal(ApprovalState.Unknown, (await world.RunAsync(claim with { Attempt = 2 })).State);
        Assert.Empty(world.Sender.Sent);
    }

    [Theory]
    [InlineData(200, ExecutionWorld.Pod, ApprovalState.Executed)]
    [InlineData(200, """{"metadata":{"uid":"u-2"}}""", ApprovalState.Failed)]
    [InlineData(200, "{}", ApprovalState.Failed)]
    [InlineData(404, "{}", ApprovalState.Failed)]
    [InlineData(500, "{}", ApprovalState.Failed)]
    public async Task What_a_rule_holds_is_read_again_and_another_target_is_left_alone(int status, string now, ApprovalState state)
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        var claim = await world.ClaimAsync();
        world.Catalog = Changed(r => r with { Precondition = r.Precondition! with { Hold = ["uid"] } });
        Script(world, () => ScriptedSender.Response(200), () => ScriptedSender.Response(status, now));
        var outcome = await world.RunAsync(claim);
        Assert.Equal(state, outcome.State);
        Assert.Equal(state == ApprovalState.Executed ? 1 : 0, world.Sender.Writes.Count());
        Assert.True(state == ApprovalState.Executed || outcome.Details["code"]!.GetValue<string>() == "target_changed");
    }

    [Fact]
    public async Task What_is_not_known_is_told_with_both_possibilities_and_what_it_was()
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        var claim = await world.ClaimAsync();
        Script(world, () => ScriptedSender.Lost(), () => ScriptedSender.Lost());
        var sentence = (await world.RunAsync(claim)).Sentence;
        Assert.Contains("either it ran (Delete pod checkout-1 in namespace shop; its ReplicaSet checkout-abc starts a new one), or it did not and nothing changed", sentence);
    }

    private static IntegrationCatalog Changed(Func<ToolRule, ToolRule> change)
    {
        var kubernetes = Sample.Catalog.Find(Sample.Team, "kubernetes")!;
        return new IntegrationCatalog([kubernetes with { Rules = [.. kubernetes.Rules.Select(r => r.Tool == "pod_restart" ? change(r) : r)] }]);
    }
}
