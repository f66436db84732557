using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Tests.Rules;
using IncidentFox.TestKit;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace IncidentFox.Gateway.Tests.Execution;

public sealed class ApprovalExecutorTests(TestPostgres postgres)
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Five_gateways_at_once_count_the_quorum_and_run_the_call_once()
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        var id = await world.VotedAsync();
        var gateways = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => world.GatewayAsync()));
        await Task.WhenAll(gateways.Select(g => g.Executor.WorkAsync(default)));
        foreach (var gateway in gateways)
            await gateway.Executor.WorkAsync(default);
        Assert.Equal(ApprovalState.Executed, (await world.ReadAsync(id)).State);
        Assert.Single(world.Sender.Writes);
        Assert.Equal(["approval_requested", "approval_voted", "approval_granted", "tool_requested", "tool_executed"],
            await world.Db.QueryAsync<string>("select event_type from app.audit_events where approval_id = @Value order by at", new { id.Value }));
    }

    [Fact]
    public async Task Without_a_name_in_the_database_nothing_is_run()
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        var id = await world.VotedAsync();
        var gateway = await world.GatewayAsync();
        await gateway.Instance.StopAsync(default);
        await gateway.Executor.WorkAsync(default);
        Assert.Equal(ApprovalState.Approved, (await world.ReadAsync(id)).State);
        Assert.Empty(world.Sender.Writes);
    }

    [Theory]
    [InlineData("""{"tools":{"pod_restart":{"enabled":false}}}""")]
    [InlineData("""{"tools":{"pod_restart":{"allowed_roles":["admin"]}}}""")]
    [InlineData("""{"approval_workflows":{"enabled":false}}""")]
    [InlineData("""{"approval_workflows":{"actions":{"pod_restart":{"required_approvers":2}}}}""")]
    [InlineData("""{"approval_workflows":{"default":{"approver_role":"org_admin"}}}""")]
    public async Task A_policy_that_was_tightened_since_denies_also_what_was_approved(string policy)
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        var pending = await world.VotedAsync("checkout-1");
        var approved = await world.VotedAsync("checkout-2");
        Assert.True(await world.Approvals.GrantAsync(approved, default));
        world.Policy.Replace(ToolPolicyParser.Parse(policy).Policy!);
        await (await world.GatewayAsync()).Executor.WorkAsync(default);
        Assert.Equal((ApprovalState.Denied, ApprovalState.Denied), ((await world.ReadAsync(pending)).State, (await world.ReadAsync(approved)).State));
        Assert.Empty(world.Sender.Writes);
    }

    [Theory]
    [InlineData(false, false, ApprovalState.Denied)]
    [InlineData(false, true, ApprovalState.Denied)]
    [InlineData(true, false, ApprovalState.Executed)]
    [InlineData(true, true, ApprovalState.Executed)]
    public async Task Who_broke_glass_is_stopped_by_a_policy_that_allows_nobody_to_act_alone_any_more(bool stillAllowed, bool granted, ApprovalState end)
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        var id = await world.AskedAsync("checkout-1", new Workflow { RequiredApprovers = 2, BreakGlass = true });
        var glass = new BreakingGlass(world.Db.Bot, new AuditLog(world.Db.Bot, world.Db.SharedCipher));
        Assert.True((await glass.BreakAsync(id, await world.WhoAsync("UADM1"), "T1:UADM1", "checkout is down and I am alone", default)).Accepted);
        if (granted)
            Assert.True(await world.Approvals.GrantAsync(id, default));
        world.Policy.Replace(ToolPolicyParser.Parse($$"""{"approval_workflows":{"default":{"break_glass":{{(stillAllowed ? "true" : "false")}} } } }""").Policy!);
        await (await world.GatewayAsync()).Executor.WorkAsync(default);
        Assert.Equal(end, (await world.ReadAsync(id)).State);
        Assert.Equal(stillAllowed ? 1 : 0, world.Sender.Writes.Count());
    }

    [Fact]
    public async Task Broken_glass_takes_nothing_away_from_a_quorum_that_is_there_without_it()
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        var id = await world.AskedAsync("checkout-1", new Workflow { BreakGlass = true });
        var glass = new BreakingGlass(world.Db.Bot, new AuditLog(world.Db.Bot, world.Db.SharedCipher));
        Assert.True((await glass.BreakAsync(id, await world.WhoAsync("UADM1"), "T1:UADM1", "alone", default)).Accepted);
        Assert.True((await world.Voting.ApproveAsync(id, await world.WhoAsync("UADM1"), "T1:UADM1", default)).Accepted);
        world.Policy.Replace(ToolPolicyParser.Parse("{}").Policy!);
        await (await world.GatewayAsync()).Executor.WorkAsync(default);
        Assert.Equal(ApprovalState.Executed, (await world.ReadAsync(id)).State);
    }

    [Fact]
    public async Task A_policy_that_somebody_set_a_moment_ago_counts_without_anything_having_told_the_gateway()
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        var approved = await world.VotedAsync("checkout-1");
        Assert.True(await world.Approvals.GrantAsync(approved, default));
        await world.Policy.RefreshAsync(default);
        var store = new PolicyStore(world.Db.Bot, new AuditLog(world.Db.Bot, world.Db.SharedCipher), ToolPolicyParser.Parse("{}").Policy!);
        var change = await store.SetAsync(new OrgId("acme"), Sample.Team, """{"tools":{"kubernetes.*":{"enabled":false,"when":{"namespaces":["shop"]}}}}""", 0, "ada", null, default);
        Assert.Equal(PolicyOutcome.Changed, change.Outcome);
        await (await world.GatewayAsync()).Executor.WorkAsync(default);
        Assert.Equal(ApprovalState.Denied, (await world.ReadAsync(approved)).State);
        Assert.Empty(world.Sender.Writes);
    }

    [Fact]
    public async Task A_gateway_that_dies_before_the_call_leaves_it_to_the_next_which_runs_it_once()
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        var id = await world.VotedAsync();
        Assert.True(await world.Approvals.GrantAsync(id, default));
        Assert.NotNull(await world.Approvals.ClaimAsync(id, "a gateway that is gone", default));
        await (await world.GatewayAsync()).Executor.WorkAsync(default);
        Assert.Equal(ApprovalState.Executed, (await world.ReadAsync(id)).State);
        Assert.Single(world.Sender.Writes);
    }

    [Fact]
    public async Task A_gateway_that_stops_between_the_write_and_its_answer_leaves_it_proven_and_not_run_twice()
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        var id = await world.VotedAsync();
        var written = new TaskCompletionSource();
        world.Sender.Answer = async (r, ct) =>
        {
            if (r.Call.Effect == ToolEffect.Read)
                return ScriptedSender.Response(200, world.PodNow);
            world.PodNow = """{"metadata":{"uid":"u-2"}}""";
            written.TrySetResult();
            await Task.Delay(Timeout.Infinite, ct);   // the answer never comes
            throw new InvalidOperationException("unreachable");
        };
        var first = await world.GatewayAsync();
        await first.Executor.StartAsync(default);
        await written.Task.WaitAsync(Long);
        await first.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(ApprovalState.Executing, (await world.ReadAsync(id)).State);
        await (await world.GatewayAsync()).Executor.WorkAsync(default);
        Assert.Equal(ApprovalState.Executed, (await world.ReadAsync(id)).State);
        Assert.Single(world.Sender.Writes);
    }

    [Fact]
    public async Task A_claim_that_was_lost_cancels_what_is_still_being_sent()
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        var id = await world.VotedAsync();
        var sending = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource();
        world.Sender.Answer = async (_, ct) =>
        {
            ct.Register(() => cancelled.TrySetResult());
            sending.TrySetResult();
            await Task.Delay(Timeout.Infinite, ct);
            throw new InvalidOperationException("unreachable");
        };
        var time = new FakeTimeProvider();
        var gateway = await world.GatewayAsync(time);
        var work = gateway.Executor.WorkAsync(default);
        await sending.Task.WaitAsync(Long);
        await world.Db.ExecuteAsync("update app.approvals set lease_owner = 'another' where id = @Value", new { id.Value });
        time.Advance(ApprovalExecution.Lease);
        await cancelled.Task.WaitAsync(Long);
        await work.WaitAsync(Long);
        Assert.Equal(ApprovalState.Executing, (await world.ReadAsync(id)).State);   // the other one says how it ended
    }

    [Fact]
    public async Task One_target_that_hangs_does_not_hold_up_another_approval()
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        var slow = await world.VotedAsync("slow");
        var hanging = new TaskCompletionSource();
        var done = new TaskCompletionSource();
        var answers = world.Sender.Answer;
        world.Sender.Answer = async (r, ct) =>
        {
            if (r.Call.Effect == ToolEffect.Read || ScriptedSender.IsDryRun(r))
                return await answers(r, ct);
            if (r.PathAndQuery.EndsWith("/slow", StringComparison.Ordinal))
            {
                hanging.TrySetResult();
                await Task.Delay(Timeout.Infinite, ct);
            }
            done.TrySetResult();
            return ScriptedSender.Response(200);
        };
        var gateway = await world.GatewayAsync();
        await gateway.Executor.StartAsync(default);
        await hanging.Task.WaitAsync(Long);
        await world.VotedAsync("quick");
        await done.Task.WaitAsync(Long);
        Assert.Equal(ApprovalState.Executing, (await world.ReadAsync(slow)).State);
    }

    [Theory]
    [InlineData(false, ApprovalState.Denied)]
    [InlineData(true, ApprovalState.Unknown)]
    public async Task A_call_that_was_tampered_with_is_ended_and_stops_nothing_else(bool executing, ApprovalState state)
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        var id = await world.VotedAsync("tampered");
        if (executing)
        {
            await world.Approvals.GrantAsync(id, default);
            await world.Approvals.ClaimAsync(id, "gone", default);
        }
        await world.Db.ExecuteAsync("alter table app.approvals disable trigger guard; update app.approvals set digest = decode(repeat('00', 32), 'hex'); alter table app.approvals enable trigger guard");
        var other = await world.VotedAsync("other");
        await (await world.GatewayAsync()).Executor.WorkAsync(default);
        Assert.Equal((state, ApprovalState.Executed), ((await world.ReadAsync(id)).State, (await world.ReadAsync(other)).State));
        Assert.DoesNotContain(world.Sender.Writes, w => w.PathAndQuery.Contains("tampered"));
    }

    [Fact]
    public async Task A_bug_in_the_middle_of_running_ends_as_unknown_and_is_not_tried_again()
    {
        await using var world = await ExecutionWorld.CreateAsync(postgres);
        var id = await world.VotedAsync();
        world.Sender.Answer = (_, _) => throw new FormatException("a bug");
        var gateway = await world.GatewayAsync();
        await gateway.Executor.WorkAsync(default);
        await gateway.Executor.WorkAsync(default);
        Assert.Equal(ApprovalState.Unknown, (await world.ReadAsync(id)).State);
        Assert.Single(world.Sender.Writes);
    }
}
