namespace IncidentFox.Core.Tests.Storage;

// What the database refuses whatever the application believes.
public sealed class RoleTests(TestPostgres postgres)
{
    private static async Task<string> RefusedAsync(Database role, string sql, object? parameters = null)
    {
        await using var connection = await role.OpenAsync(default);
        var refusal = await Assert.ThrowsAsync<PostgresException>(() => connection.ExecuteAsync(sql, parameters));
        return refusal.SqlState;
    }

    [Theory]
    [InlineData("update app.approvals set status = 'approved' where id = @Value")]
    [InlineData("update app.approvals set frozen = '\\x00' where id = @Value")]
    [InlineData("update app.approvals set digest = decode(repeat('00', 32), 'hex') where id = @Value")]
    [InlineData("update app.approvals set effect = '\\x00' where id = @Value")]
    [InlineData("update app.approvals set required_approvers = 1 where id = @Value")]
    [InlineData("update app.approvals set expires_at = now() + interval '1 year' where id = @Value")]
    [InlineData("update app.approvals set lease_owner = 'me' where id = @Value")]
    [InlineData("insert into app.approvals select * from app.approvals where id = @Value")]
    [InlineData("delete from app.approvals where id = @Value")]
    [InlineData("delete from app.approval_votes where approval_id = @Value")]
    [InlineData("update app.approval_votes set approval_id = @Value")]
    [InlineData("delete from app.investigation_requesters")]
    [InlineData("insert into app.audit_chain values (1, 1, array[@Value], '', '', '')")]
    [InlineData("update app.audit_events set user_id = 'x'")]
    [InlineData("delete from app.audit_events")]
    [InlineData("truncate app.audit_events cascade")]
    [InlineData("insert into app.audit_lines (id, events, lines, digest) values (gen_random_uuid(), 1, '{}', decode(repeat('00', 32), 'hex'))")]
    [InlineData("update app.audit_lines set lines = ''")]
    [InlineData("delete from app.audit_lines")]
    [InlineData("delete from app.calls_open")]
    [InlineData("update app.calls_swept set until = now()")]
    [InlineData("delete from app.audit_unsealed")]
    [InlineData("delete from app.audit_payloads")]
    [InlineData("insert into app.audit_events (id, event_type, at) values (gen_random_uuid(), 'x', '2001-01-01')")]
    [InlineData("alter table app.approvals disable trigger guard")]
    [InlineData("create or replace function app.clock() returns timestamptz language sql as 'select now()'")]
    [InlineData("set role incidentfox_gateway")]
    [InlineData("insert into app.investigation_events (investigation_id, sandbox_id, sequence, kind, body) values (@Value, @Value, 1, 'plan', '')")]
    public async Task The_bot_is_refused(string sql)
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync();
        Assert.Equal("42501", await RefusedAsync(world.Db.Bot, sql, new { id.Value }));
        Assert.Equal(ApprovalState.Pending, await world.StateAsync(id));
    }

    [Theory]
    [InlineData("approved", "executing")]
    [InlineData("executing", "executed")]
    [InlineData("executing", "failed")]
    [InlineData("executing", "unknown")]
    [InlineData("executing", "executing")]
    public async Task The_bot_can_not_execute(string from, string to)
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync();
        await ForceAsync(world, id, from);
        Assert.Equal("42501", await RefusedAsync(world.Db.Bot, "update app.approvals set status = @to where id = @Value", new { id.Value, to }));
    }

    [Theory]
    [InlineData("insert into app.approval_votes (approval_id, person_id, identity) select @Value, id, 'x' from app.people limit 1")]
    [InlineData("insert into app.investigations select * from app.investigations")]
    [InlineData("update app.investigations set status = 'completed'")]
    [InlineData("update app.investigations set question = ''")]
    [InlineData("insert into app.investigation_requesters select * from app.investigation_requesters")]
    [InlineData("delete from app.investigation_requesters")]
    [InlineData("insert into app.role_grants select * from app.role_grants")]
    [InlineData("update app.people set email = 'x'")]
    [InlineData("update app.approvals set effect = '\\x00' where id = @Value")]
    [InlineData("update app.audit_chain set hash = ''")]
    [InlineData("delete from app.audit_chain")]
    [InlineData("update app.audit_events set user_id = 'x'")]
    [InlineData("delete from app.audit_events")]
    [InlineData("update app.audit_lines set lines = ''")]
    [InlineData("delete from app.audit_lines")]
    [InlineData("truncate app.audit_lines")]
    [InlineData("insert into app.audit_lines (id, at, events, lines, digest) values (gen_random_uuid(), '2001-01-01', 1, '{}', decode(repeat('00', 32), 'hex'))")]
    [InlineData("delete from app.calls_swept")]
    [InlineData("set role incidentfox_bot")]
    public async Task The_gateway_is_refused(string sql)
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync();
        Assert.Equal("42501", await RefusedAsync(world.Db.Gateway, sql, new { id.Value }));
    }

    [Fact]
    public async Task The_bot_can_not_open_what_was_frozen()
    {
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync();
        var frozen = Assert.Single(await world.Db.QueryAsync<byte[]>("select frozen from app.approvals"));
        Assert.Throws<System.Security.Cryptography.CryptographicException>(() => world.Db.SharedCipher.Decrypt(new Cell("approvals", "frozen", id.Value), frozen));
        Assert.Contains("checkout-1", world.Db.GatewayCipher.Decrypt(new Cell("approvals", "frozen", id.Value), frozen));
    }

    [Fact]
    public async Task Only_the_documented_transitions_are_possible_even_for_the_owner()
    {
        string[] states = ["pending", "approved", "executing", "executed", "failed", "unknown", "denied", "expired", "cancelled"];
        HashSet<(string, string)> allowed =
        [
            ("pending", "pending"), ("pending", "approved"), ("pending", "denied"), ("pending", "expired"), ("pending", "cancelled"),
            ("approved", "executing"), ("approved", "denied"), ("approved", "cancelled"),
            ("executing", "executing"), ("executing", "executed"), ("executing", "failed"), ("executing", "unknown"),
        ];
        await using var world = await World.CreateAsync(postgres);
        var id = await world.AskAsync();
        foreach (var from in states)
        {
            foreach (var to in states)
            {
                await ForceAsync(world, id, from);
                try
                {
                    await world.Db.ExecuteAsync("update app.approvals set status = @to where id = @Value", new { id.Value, to });
                    Assert.True(allowed.Contains((from, to)), $"{from} became {to}");
                }
                catch (PostgresException e)
                {
                    Assert.Equal("23514", e.SqlState);
                    Assert.False(allowed.Contains((from, to)), $"{from} could not become {to}");
                }
            }
        }
    }

    [Theory]
    [InlineData("tool = 'other'")]
    [InlineData("integration = 'other'")]
    [InlineData("org_id = 'acme', team_id = 'web'")]
    [InlineData("digest = decode(repeat('00', 32), 'hex')")]
    [InlineData("frozen = '\\x01'")]
    [InlineData("effect = '\\x01'")]
    [InlineData("required_approvers = 5")]
    [InlineData("approver_role = 'viewer'")]
    [InlineData("created_at = now()")]
    [InlineData("expires_at = now() + interval '1 year'")]
    public async Task What_was_shown_can_not_be_changed_even_by_the_owner(string change)
    {
        await using var world = await World.CreateAsync(postgres);
        await world.AskAsync();
        Assert.Equal("23514", await RefusedAsync(world.Db.Owner, $"update app.approvals set {change}"));
    }

    [Theory]
    [InlineData("update app.audit_events set user_id = 'x'")]
    [InlineData("delete from app.audit_events")]
    [InlineData("truncate app.audit_events cascade")]
    [InlineData("update app.audit_lines set lines = 'x'")]
    [InlineData("delete from app.audit_lines")]
    [InlineData("truncate app.audit_lines")]
    [InlineData("update app.audit_chain set sequence = 9")]
    [InlineData("delete from app.audit_chain")]
    public async Task A_slip_of_the_owners_hand_does_not_touch_the_trail(string sql)
    {
        await using var world = await World.CreateAsync(postgres);
        await world.InvestigateAsync();
        await using (var batch = new AuditBatch(world.Db.Gateway, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<AuditBatch>.Instance))
            await batch.CommitAsync(new AuditEvent { EventType = AuditEventTypes.ToolRequested });
        await new AuditSealer(world.Db.Gateway, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<AuditSealer>.Instance).SealAsync(default);
        Assert.Equal("42501", await RefusedAsync(world.Db.Owner, sql));
    }

    private static Task ForceAsync(World world, ApprovalId id, string state) => world.Db.ExecuteAsync(
        "alter table app.approvals disable trigger guard; update app.approvals set status = @state where id = @Value; alter table app.approvals enable trigger guard",
        new { id.Value, state });
}
