using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace IncidentFox.Core.Tests.Audit;

public sealed class AuditBatchTests(TestPostgres postgres)
{
    private static AuditEvent Event(string correlation = "c", string type = "tool_requested") => new() { EventType = type, UserId = "u", CorrelationId = correlation };

    private static AuditBatch Batch(World world, TimeProvider? time = null) => new(world.Db.Gateway, time ?? TimeProvider.System, NullLogger<AuditBatch>.Instance);

    private static Task<IReadOnlyList<string>> WrittenAsync(World world) =>
        world.Db.QueryAsync<string>("select correlation_id from app.audit_trail where event_type in ('tool_requested', 'tool_executed') order by correlation_id");

    private static async Task<SandboxSession> CagedAsync(World world, string by = "UOPER")
    {
        var id = await world.InvestigateAsync(by);
        var sandbox = (await world.Investigations.TryStartAsync(id, "local", default))!.Value;
        await world.Sessions.RecordCageAsync((await world.Sessions.FindAsync(sandbox, default))!, true, [], default);
        return (await world.Sessions.FindAsync(sandbox, default))!;
    }

    // The database has something against every row with this text.
    private static Task RefuseAsync(World world, string text) => world.Db.ExecuteAsync($"alter table app.audit_lines add check (position('{text}'::bytea in lines) = 0)");

    // While it is held nothing can be written: what is handed over meanwhile waits, and what waits is one batch.
    private static async Task<IAsyncDisposable> HoldAsync(World world)
    {
        var connection = await world.Db.Owner.OpenAsync(default);
        await connection.ExecuteAsync("begin; lock table app.audit_lines in exclusive mode");
        return connection;
    }

    // The first caller's statement hangs on the lock before anybody else hands over a row.
    private static async Task<Task<AuditOutcome>> BlockedAsync(World world, AuditBatch batch, string correlation)
    {
        var first = batch.CommitAsync(Event(correlation));
        while (!Assert.Single(await world.Db.QueryAsync<bool>("select exists (select from pg_stat_activity where wait_event_type = 'Lock' and query like '%with standing as%' and pid <> pg_backend_pid())")))
            await Task.Delay(10);
        return first;
    }

    [Fact]
    public async Task Five_hundred_callers_at_once_share_a_few_commits_and_each_row_is_there_and_sealed()
    {
        await using var world = await World.CreateAsync(postgres);
        await using var batch = Batch(world);
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 500).Select(i => batch.CommitAsync(Event($"c{i:000}"))));
        Assert.All(outcomes, o => Assert.Equal(AuditOutcome.Committed, o));
        Assert.Equal(500, (await WrittenAsync(world)).Distinct().Count());
        var commits = Assert.Single(await world.Db.QueryAsync<long>("select count(distinct xmin::text) from app.audit_lines"));
        Assert.InRange(commits, 1, 100);
        using var sealer = new AuditSealer(world.Db.Gateway, TimeProvider.System, NullLogger<AuditSealer>.Instance);
        while (await sealer.SealAsync(default) > 0) { }
        var verified = await new AuditVerifier(world.Db.Bot, world.Db.SharedCipher).VerifyAsync(default);
        Assert.Equal((0L, 0), (verified.Unsealed, verified.Problems.Count));
    }

    [Fact]
    public async Task Rows_that_are_handed_over_together_are_written_together_or_not_at_all()
    {
        await using var world = await World.CreateAsync(postgres);
        await using var batch = Batch(world);
        await RefuseAsync(world, "bad");
        Assert.Equal(AuditOutcome.Failed, await batch.CommitAsync([Event("good"), Event("bad")]));
        Assert.Empty(await WrittenAsync(world));
        Assert.Equal(AuditOutcome.Committed, await batch.CommitAsync([Event("a"), Event("b", "tool_executed")]));
        Assert.Equal(["a", "b"], await WrittenAsync(world));
    }

    [Fact]
    public async Task A_row_that_the_database_refuses_does_not_take_its_neighbours_with_it()
    {
        await using var world = await World.CreateAsync(postgres);
        await using var batch = Batch(world);
        await RefuseAsync(world, "bad");
        var hold = await HoldAsync(world);
        var first = await BlockedAsync(world, batch, "first");
        var good = Enumerable.Range(0, 20).Select(i => batch.CommitAsync(Event($"good{i:00}"))).ToArray();
        var bad = batch.CommitAsync(Event("bad"));
        var late = batch.CommitAsync(Event("late"));
        await hold.DisposeAsync();
        Assert.Equal(AuditOutcome.Failed, await bad);
        Assert.All([await first, await late, .. await Task.WhenAll(good)], o => Assert.Equal(AuditOutcome.Committed, o));
        Assert.Equal(22, (await WrittenAsync(world)).Count);
        Assert.DoesNotContain("bad", await WrittenAsync(world));
    }

    [Fact]
    public async Task A_row_is_written_under_a_session_that_still_stands_and_under_no_other()
    {
        await using var world = await World.CreateAsync(postgres);
        await using var batch = Batch(world);
        var (one, other) = (await CagedAsync(world), await CagedAsync(world, "UADM1"));
        Assert.Equal(Role.Admin, other.LowestRequesterRole);
        Assert.Equal(AuditOutcome.Committed, await batch.CommitAsync(Event("c1"), one));
        // What the caller believes and the database does not.
        foreach (var forged in new[]
        {
            one with { LowestRequesterRole = Role.Admin }, one with { Investigation = other.Investigation }, one with { Sandbox = other.Sandbox },
            one with { Sandbox = SandboxId.New() }, one with { Resource = new Resource(World.Sre.Org, new TeamId("web")) },
            one with { Resource = new Resource(new OrgId("other"), World.Sre.Team) },
        })
            Assert.Equal(AuditOutcome.SessionChanged, await batch.CommitAsync(Event("forged"), forged));

        await world.Investigations.EndAsync(one.Investigation, InvestigationState.Stopped, "ada", null, null, default);
        var mixed = await Task.WhenAll(batch.CommitAsync(Event("c2"), one), batch.CommitAsync(Event("c3"), other), batch.CommitAsync(Event("c4")));
        Assert.Equal([AuditOutcome.SessionChanged, AuditOutcome.Committed, AuditOutcome.Committed], mixed);
        await world.Investigations.EndSandboxAsync(other.Investigation, other.Sandbox, "done", default);
        Assert.Equal(AuditOutcome.SessionChanged, await batch.CommitAsync(Event("c5"), other));
        Assert.Equal(["c1", "c3", "c4"], await WrittenAsync(world));
    }

    [Fact]
    public async Task A_sandbox_that_was_not_caged_writes_no_call()
    {
        await using var world = await World.CreateAsync(postgres);
        await using var batch = Batch(world);
        var sandbox = (await world.Investigations.TryStartAsync(await world.InvestigateAsync(), "local", default))!.Value;
        var session = (await world.Sessions.FindAsync(sandbox, default))!;
        Assert.Equal(AuditOutcome.SessionChanged, await batch.CommitAsync(Event(), session));
        Assert.Empty(await WrittenAsync(world));
    }

    [Fact]
    public async Task A_role_that_was_given_taken_or_has_run_out_counts_with_the_next_row()
    {
        await using var world = await World.CreateAsync(postgres);
        await using var batch = Batch(world);
        var before = await CagedAsync(world);
        async Task ChangesToAsync(string sql, Role role)
        {
            await world.Db.ExecuteAsync(sql, new { id = before.Investigation.Value, viewer = (await world.WhoAsync("UVIEW")).Person.Value, oper = (await world.WhoAsync("UOPER")).Person.Value });
            var now = (await world.Sessions.FindAsync(before.Sandbox, default))!;
            Assert.Equal(role, now.LowestRequesterRole);
            Assert.Equal(AuditOutcome.SessionChanged, await batch.CommitAsync(Event("stale"), before));
            Assert.Equal(AuditOutcome.Committed, await batch.CommitAsync(Event("now"), now));
            before = now;
        }
        await ChangesToAsync("insert into app.investigation_requesters values (@id, @viewer)", Role.Viewer);
        await ChangesToAsync("delete from app.investigation_requesters where person_id = @viewer", Role.Operator);
        await ChangesToAsync("update app.role_grants set expires_at = app.clock() - interval '1 second' where person_id = @oper", Role.None);
        await ChangesToAsync("update app.role_grants set expires_at = null, role = 'admin' where person_id = @oper", Role.Admin);
        Assert.DoesNotContain("stale", await WrittenAsync(world));
    }

    [Fact]
    public async Task What_can_not_be_committed_fails_everybody_who_waits_and_the_next_rows_are_tried_again()
    {
        await using var world = await World.CreateAsync(postgres);
        await using var batch = Batch(world);
        await world.Db.ExecuteAsync("revoke insert on app.audit_lines from incidentfox_gateway");
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 30).Select(i => batch.CommitAsync(Event($"c{i}")))), o => Assert.Equal(AuditOutcome.Failed, o));
        await world.Db.ExecuteAsync("grant insert on app.audit_lines to incidentfox_gateway");
        Assert.Equal(AuditOutcome.Committed, await batch.CommitAsync(Event("after")));
        // Its connection is cut: at most the batch that finds out fails.
        await world.Db.ExecuteAsync("select pg_terminate_backend(pid) from pg_stat_activity where query like '%with standing as%' and pid <> pg_backend_pid() and datname = current_database()");
        await batch.CommitAsync(Event("cut"));
        Assert.Equal(AuditOutcome.Committed, await batch.CommitAsync(Event("again")));
        Assert.Contains("again", await WrittenAsync(world));
    }

    [Fact]
    public async Task Who_waited_too_long_is_told_so_and_a_row_that_was_not_begun_is_never_written()
    {
        await using var world = await World.CreateAsync(postgres);
        var time = new FakeTimeProvider();
        await using var batch = Batch(world, time);
        var hold = await HoldAsync(world);
        var begun = await BlockedAsync(world, batch, "begun");
        var waiting = batch.CommitAsync(Event("waiting"));
        time.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal([AuditOutcome.Failed, AuditOutcome.Failed], await Task.WhenAll(begun, waiting));
        await hold.DisposeAsync();
        Assert.Equal(AuditOutcome.Committed, await batch.CommitAsync(Event("next")));
        Assert.DoesNotContain("waiting", await WrittenAsync(world));
    }

    [Fact]
    public async Task Rows_that_nobody_waits_for_are_there_when_it_has_stopped_and_nothing_is_taken_afterwards()
    {
        await using var world = await World.CreateAsync(postgres);
        var batch = Batch(world);
        for (var i = 0; i < 1_000; i++)
            await batch.AppendAsync([Event($"c{i:0000}", "tool_executed")]);
        await batch.StopAsync(default);
        Assert.Equal(AuditOutcome.Committed, await batch.CommitAsync(Event("still")));   // requests that end while the others stop
        await batch.StoppedAsync(default);
        Assert.Equal(1_001, (await WrittenAsync(world)).Count);
        await batch.DisposeAsync();
        Assert.Equal(AuditOutcome.Failed, await batch.CommitAsync(Event("late")));
        Assert.Equal(1_001, (await WrittenAsync(world)).Count);
    }

    [Fact]
    public async Task A_row_is_what_it_was_when_it_was_handed_over_cleaned_and_cut()
    {
        await using var world = await World.CreateAsync(postgres);
        await using var batch = Batch(world);
        var parameters = new JsonObject { ["x"] = "a\0b", ["n"] = 1, ["list"] = new JsonArray("\uD800", null, true), ["none"] = null };
        var committing = batch.CommitAsync(Event() with { Parameters = parameters, Tool = new string('t', 5_000), DurationMs = 7, Details = [] });
        parameters["x"] = "changed";
        Assert.Equal(AuditOutcome.Committed, await committing);
        var read = Assert.Single(await new AuditReader(world.Db.Bot, world.Db.SharedCipher).LastAsync(1, new AuditFilter { EventType = "tool_requested" }, default));
        Assert.Equal("""{"list":["\uFFFD",null,true],"n":1,"none":null,"x":"a\uFFFDb"}""", read.Parameters!.ToJsonString());
        Assert.Equal((7L, "{}", AuditLog.MaxString + 1), (read.DurationMs, read.Details!.ToJsonString(), read.Tool!.Length));
        await Assert.ThrowsAsync<ArgumentException>(() => batch.CommitAsync(Event() with { Query = "why?" }));
        await Assert.ThrowsAsync<ArgumentException>(() => batch.CommitAsync(Event() with { ApprovalId = Guid.NewGuid() }));
        await Assert.ThrowsAsync<ArgumentException>(() => batch.CommitAsync(Event("c", "Not A Type")));
        await Assert.ThrowsAsync<ArgumentException>(() => batch.CommitAsync([Event(), Event() with { InvestigationId = Guid.NewGuid() }]));
        await Assert.ThrowsAsync<ArgumentException>(() => batch.CommitAsync([]));
    }
}
