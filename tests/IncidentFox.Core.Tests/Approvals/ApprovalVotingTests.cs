namespace IncidentFox.Core.Tests.Approvals;

public sealed class ApprovalVotingTests(TestPostgres postgres)
{
    [Fact]
    public async Task Twenty_clicks_at_once_by_one_person_are_one_vote_and_one_audit_row()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync(new Workflow { RequiredApprovers = 2 });
        var voter = await world.WhoAsync("UADM1");
        var results = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => world.Voting.ApproveAsync(id, voter, "T1:UADM1", default)));
        Assert.All(results, r => Assert.True(r.Accepted));
        Assert.Single((await world.Reader.FindAsync(id, default))!.Votes);
        Assert.Single(await world.AuditedAsync(id), e => e == "approval_voted");
        Assert.False(await world.Execution.GrantAsync(id, default));
        await world.ApproveAsync(id, "UADM2");
        Assert.True(await world.Execution.GrantAsync(id, default));
    }

    [Theory]
    [InlineData("UOPER")]   // asked for it
    [InlineData("UVIEW")]
    [InlineData("UWEB")]    // another team's admin
    public async Task Who_may_not_decide_is_refused_and_audited_and_changes_nothing(string slack)
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync();
        Assert.False((await world.ApproveAsync(id, slack)).Accepted);
        Assert.False((await world.DenyAsync(id, slack)).Accepted);
        Assert.Equal(ApprovalState.Pending, await world.StateAsync(id));
        Assert.Equal(["approval_requested", "approval_refused", "approval_refused"], await world.AuditedAsync(id));
        Assert.Equal(0L, Assert.Single(await world.Db.QueryAsync<long>("select count(*) from app.approval_votes")));
    }

    [Fact]
    public async Task Somebody_unknown_and_an_approval_that_does_not_exist_are_refused()
    {
        await using var world = await World.CreateAsync(postgres);
        Assert.False((await world.Voting.ApproveAsync(await world.AskAsync(), null, "T1:U\0\uD800", default)).Accepted);
        Assert.False((await world.ApproveAsync(ApprovalId.New(), "UADM1")).Accepted);
    }

    [Fact]
    public async Task A_role_that_was_taken_away_after_the_caller_looked_it_up_does_not_count()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync();
        var before = await world.WhoAsync("UADM1");
        await world.Db.ExecuteAsync("delete from app.role_grants where person_id = @Value", new { before.Person.Value });
        Assert.False((await world.Voting.ApproveAsync(id, before, "T1:UADM1", default)).Accepted);
        Assert.False((await world.Voting.DenyAsync(id, before, "T1:UADM1", "no", default)).Accepted);
    }

    [Theory]
    [InlineData(0x0000)]
    [InlineData(0xD800)]
    [InlineData(0x0020)]
    public async Task A_denial_wins_over_votes_whatever_its_reason_holds(int character)
    {
        var reason = $"because {(char)character} of this";
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync();
        await world.ApproveAsync(id, "UADM1");
        Assert.True((await world.DenyAsync(id, "UADM2", reason)).Accepted);
        Assert.False(await world.Execution.GrantAsync(id, default));
        Assert.False((await world.ApproveAsync(id, "UADM3")).Accepted);
        var approval = (await world.Reader.FindAsync(id, default))!;
        Assert.Equal((ApprovalState.Denied, "Alan Admin"), (approval.State, approval.DecidedBy));
        Assert.Equal(reason.Replace('\0', '\uFFFD').Replace('\uD800', '\uFFFD'), approval.DecisionReason);
    }

    [Fact]
    public async Task A_reason_of_any_length_does_not_stop_a_denial()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync();
        Assert.True((await world.DenyAsync(id, "UADM1", new string('x', 499) + "😀" + new string('y', 100_000))).Accepted);
        Assert.InRange((await world.Reader.FindAsync(id, default))!.DecisionReason!.Length, 500, 502);
    }

    [Fact]
    public async Task Time_runs_out_by_the_databases_clock_and_nothing_counts_after_it()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync(new Workflow { TimeoutMinutes = 10 });
        var later = await world.AskAsync(new Workflow { TimeoutMinutes = 60 });
        await world.ApproveAsync(id, "UADM1");
        Assert.Empty(await world.Voting.ExpireDueAsync(default));
        await world.Db.ShiftClockAsync(TimeSpan.FromMinutes(11));
        Assert.False((await world.ApproveAsync(id, "UADM2")).Accepted);
        Assert.False(await world.Execution.GrantAsync(id, default));
        Assert.Empty(await world.Execution.FindWorkAsync(10, default));
        Assert.Equal([id], await world.Voting.ExpireDueAsync(default));
        Assert.Empty(await world.Voting.ExpireDueAsync(default));
        Assert.Equal((ApprovalState.Expired, ApprovalState.Pending), (await world.StateAsync(id), await world.StateAsync(later)));
        Assert.Single(await world.AuditedAsync(id), e => e == "approval_expired");
    }

    [Fact]
    public async Task A_click_that_waited_for_the_row_until_after_the_deadline_comes_too_late()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync(new Workflow { TimeoutMinutes = 10 });
        Task<VoteResult> click;
        await using (var connection = await world.Db.Owner.OpenAsync(default))
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await connection.ExecuteAsync("select 1 from app.approvals for update");
            click = world.ApproveAsync(id, "UADM1");
            while (Assert.Single(await world.Db.QueryAsync<long>("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")) == 0)
                await Task.Yield();
            await world.Db.ShiftClockAsync(TimeSpan.FromMinutes(11));
            await transaction.CommitAsync();
        }
        Assert.False((await click).Accepted);
    }

    [Fact]
    public async Task Of_approving_denying_and_expiring_at_once_exactly_one_outcome_stands_with_its_audit_row()
    {
        await using var world = await World.CreateAsync(postgres);
        var people = new[] { await world.WhoAsync("UADM1"), await world.WhoAsync("UADM2"), await world.WhoAsync("UADM3") };
        for (var round = 0; round < 8; round++)
        {
            var id = await world.AskAsync(frozen: World.Frozen($"pod-{round}"));
            if (round % 2 == 1)
                await world.Db.ExecuteAsync("alter table app.approvals disable trigger guard; update app.approvals set expires_at = app.clock() where id = @Value; alter table app.approvals enable trigger guard", new { id.Value });
            await Task.WhenAll(
                world.Voting.ApproveAsync(id, people[0], "x", default), world.Voting.DenyAsync(id, people[1], "x", "no", default),
                world.Voting.ExpireDueAsync(default), world.Execution.GrantAsync(id, default), world.Voting.ApproveAsync(id, people[2], "x", default),
                world.Voting.CancelForAsync((await world.Reader.FindAsync(id, default))!.Investigation, "system", "stopped", default));
            var ends = (await world.AuditedAsync(id)).Where(e => e is "approval_denied" or "approval_expired" or "approval_cancelled").ToArray();
            var expected = (await world.StateAsync(id)) switch
            {
                ApprovalState.Denied => "approval_denied",
                ApprovalState.Expired => "approval_expired",
                ApprovalState.Cancelled => "approval_cancelled",
                var s => s.Name(),
            };
            Assert.Equal([expected], ends);
        }
    }

    [Fact]
    public async Task Without_its_audit_row_no_state_changes()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync();
        await world.ApproveAsync(id, "UADM1");
        await world.Db.ExecuteAsync("create function app.refuse() returns trigger language plpgsql as $$ begin raise exception 'full'; end $$; create trigger refuse before insert on app.audit_events for each row execute function app.refuse()");
        await Assert.ThrowsAsync<PostgresException>(() => world.ApproveAsync(id, "UADM2"));
        await Assert.ThrowsAsync<PostgresException>(() => world.DenyAsync(id, "UADM2"));
        await Assert.ThrowsAsync<PostgresException>(() => world.Execution.GrantAsync(id, default));
        await Assert.ThrowsAsync<PostgresException>(() => world.Execution.RefuseAsync(id, "tightened", default));
        await world.Db.ShiftClockAsync(TimeSpan.FromHours(1));
        await Assert.ThrowsAsync<PostgresException>(() => world.Voting.ExpireDueAsync(default));
        Assert.Equal(ApprovalState.Pending, await world.StateAsync(id));
        Assert.Single((await world.Reader.FindAsync(id, default))!.Votes);
    }

    [Fact]
    public async Task Stopping_an_investigation_cancels_what_has_not_started_and_nothing_else()
    {
        await using var world = await World.CreateAsync(postgres);
        var mine = await world.InvestigateAsync();
        async Task<ApprovalId> Ask(string pod) => (await world.Execution.RequestAsync(World.Asking(mine, frozen: World.Frozen(pod)), default)).Id;
        var (pending, approved, executing, other) = (await Ask("a"), await Ask("b"), await Ask("c"), await world.AskAsync());
        foreach (var id in new[] { approved, executing })
        {
            await world.ApproveAsync(id, "UADM1");
            Assert.True(await world.Execution.GrantAsync(id, default));
        }
        Assert.NotNull(await world.Execution.ClaimAsync(executing, "me", default));
        Assert.Equal(new[] { pending, approved }.ToHashSet(), (await world.Voting.CancelForAsync(mine, "ada", "stopped\0", default)).ToHashSet());
        Assert.Equal((ApprovalState.Executing, ApprovalState.Pending), (await world.StateAsync(executing), await world.StateAsync(other)));
    }
}
