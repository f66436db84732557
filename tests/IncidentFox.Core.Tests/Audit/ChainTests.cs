using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;

namespace IncidentFox.Core.Tests.Audit;

public sealed class ChainTests(TestPostgres postgres)
{
    private static AuditSealer Sealer(TestDatabase db) => new(db.Gateway, TimeProvider.System, NullLogger<AuditSealer>.Instance);

    private static Task<AuditVerification> VerifyAsync(TestDatabase db) => new AuditVerifier(db.Bot, db.SharedCipher).VerifyAsync(default);

    private static async Task AppendAsync(TestDatabase db, int count)
    {
        var audit = new AuditLog(db.Gateway, db.SharedCipher);
        for (var i = 0; i < count; i++)
        {
            await audit.AppendAsync(new AuditEvent
            {
                EventType = "tool_executed", Query = i % 2 == 0 ? $"question {i}" : null, DurationMs = i,
                Parameters = new JsonObject { ["n"] = i, ["ratio"] = 0.1, ["big"] = 12345678901234567890m, ["text"] = "ä\"\\ \u2028<&>" },
            }, default);
        }
    }

    [Fact]
    public async Task A_sealed_trail_holds_and_says_how_long_it_is()
    {
        await using var db = await postgres.CreateAsync();
        await AppendAsync(db, 5);
        Assert.Equal(5, (await VerifyAsync(db)).Unsealed);
        Assert.Equal(5, await Sealer(db).SealAsync(default));
        Assert.Equal(0, await Sealer(db).SealAsync(default));
        var result = await VerifyAsync(db);
        Assert.Empty(result.Problems);
        Assert.Equal((5, 0), (result.Links, result.Unsealed));
        Assert.Equal(result.Head, Assert.Single(await db.QueryAsync<string>("select encode(hash, 'hex') from app.audit_chain order by sequence desc limit 1")));
    }

    [Fact]
    public async Task The_first_link_can_be_recomputed_by_hand()
    {
        await using var db = await postgres.CreateAsync();
        await AppendAsync(db, 1);
        await Sealer(db).SealAsync(default);
        var e = Assert.Single(await new AuditReader(db.Bot, db.SharedCipher).LastAsync(1, new AuditFilter(), default));
        var payload = Assert.Single(await db.QueryAsync<byte[]>("select payload_digest from app.audit_events"));
        var json = AuditJson.Format(e with { Query = null });
        json["payload_digest"] = Convert.ToHexStringLower(payload);
        json.Remove("timestamp");
        var digest = SHA256.HashData(CanonicalJson.Write(json));
        var time = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(time, (e.At - DateTimeOffset.UnixEpoch).Ticks / 10);
        var hash = SHA256.HashData([0, 0, 0, 0, 0, 0, 0, 1, .. new byte[32], .. time, .. digest]);
        Assert.Equal(hash, Assert.Single(await db.QueryAsync<byte[]>("select hash from app.audit_chain")));
    }

    [Fact]
    public async Task More_than_a_batch_and_several_sealers_at_once_make_one_unbroken_chain()
    {
        await using var db = await postgres.CreateAsync();
        await db.ExecuteAsync("insert into app.audit_events (id, event_type) select gen_random_uuid(), 'tool_executed' from generate_series(1, 1200)");
        while (Assert.Single(await db.QueryAsync<long>("select count(*) from app.audit_unsealed")) > 0)
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Sealer(db).SealAsync(default)));
        var result = await VerifyAsync(db);
        Assert.Empty(result.Problems);
        Assert.Equal(1200, result.Links);
    }

    [Fact]
    public async Task An_event_that_is_committed_late_is_sealed_late_and_none_is_lost()
    {
        await using var db = await postgres.CreateAsync();
        var audit = new AuditLog(db.Gateway, db.SharedCipher);
        await using (var connection = await db.Gateway.OpenAsync(default))
        await using (var slow = await connection.BeginTransactionAsync())
        {
            await audit.AppendAsync(connection, new AuditEvent { EventType = "slow" }, default);
            await AppendAsync(db, 2);
            Assert.Equal(2, await Sealer(db).SealAsync(default));
            await slow.CommitAsync();
        }
        Assert.Equal(1, await Sealer(db).SealAsync(default));
        Assert.Equal("slow", Assert.Single(await db.QueryAsync<string>("select event_type from app.audit_chain join app.audit_events on id = event_ids[1] where sequence = 3")));
        Assert.Empty((await VerifyAsync(db)).Problems);
    }

    [Fact]
    public async Task The_running_sealer_seals_on_its_own()
    {
        await using var db = await postgres.CreateAsync();
        using var sealer = Sealer(db);
        await sealer.StartAsync(default);
        await AppendAsync(db, 3);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while ((await VerifyAsync(db)).Unsealed > 0)
            await Task.Delay(50, limit.Token);
        await sealer.StopAsync(default);
        Assert.Equal(3, (await VerifyAsync(db)).Links);
    }

    [Fact]
    public async Task Retention_may_delete_questions_and_the_chain_still_holds()
    {
        await using var db = await postgres.CreateAsync();
        await AppendAsync(db, 4);
        await Sealer(db).SealAsync(default);
        await db.ExecuteAsync("delete from app.audit_payloads");
        Assert.Empty((await VerifyAsync(db)).Problems);
    }

    [Theory]
    [InlineData("update app.audit_events set user_id = 'somebody else' where id = @id", "sequence 3: event", "was changed after it was sealed")]
    [InlineData("update app.audit_events set parameters = (parameters::jsonb || '{\"n\": 9}')::json where id = @id", "sequence 3: event", "was changed")]
    [InlineData("update app.audit_events set at = at - interval '1 microsecond' where id = @id", "sequence 3: event", "was changed")]
    [InlineData("update app.audit_events set payload_digest = decode(repeat('00', 32), 'hex') where id = @id", "sequence 3: event", "was changed")]
    [InlineData("alter table app.audit_events drop constraint audit_events_parameters_object; update app.audit_events set parameters = '[1]' where id = @id", "sequence 3: event", "was changed")]
    [InlineData("delete from app.audit_payloads where event_id = @id; delete from app.audit_events where id = @id", "sequence 3: its event is gone", "")]
    [InlineData("update app.audit_events set digest = decode(repeat('00', 32), 'hex'), tool = 'x' where id = @id", "sequence 3: event", "was changed")]
    [InlineData("update app.audit_events set details = '{\"a\": 1, \"a\": 2}' where id = @id", "sequence 3: event", "was changed")]
    [InlineData("update app.audit_events set details = ('{\"a\":' || repeat('[', 900) || repeat(']', 900) || '}')::json where id = @id", "sequence 3: event", "was changed")]
    [InlineData("delete from app.audit_chain where sequence = 4", "sequence 3 is missing", "goes on at 5")]
    [InlineData("delete from app.audit_chain where sequence = 5", "neither sealed nor waiting", "links were removed")]
    [InlineData("update app.audit_chain set (first, sequence) = (5, 6) where sequence = 4", "sequence 3 is missing", "")]
    [InlineData("update app.audit_chain set event_ids = array[event_ids[2], event_ids[1]] where sequence = 4", "sequence 3: event", "was changed")]
    [InlineData("update app.audit_chain set seals = decode(repeat('ab', 80), 'hex') where sequence = 4", "sequence 3: its hash does not match", "")]
    [InlineData("update app.audit_chain set event_ids = (select event_ids from app.audit_chain where sequence = 2) where sequence = 4", "2 event(s) are sealed more than once", "")]
    [InlineData("update app.audit_chain set hash = decode(repeat('ab', 32), 'hex') where sequence = 5", "sequence 5: its hash does not match", "")]
    [InlineData("update app.audit_chain set prev_hash = decode(repeat('ab', 32), 'hex') where sequence = 4", "sequence 3: does not follow", "")]
    [InlineData("alter table app.audit_chain drop constraint audit_chain_sizes; update app.audit_chain set prev_hash = decode(repeat('ab', 200), 'hex') where sequence = 4", "sequence 3: does not follow", "")]
    [InlineData("alter table app.audit_chain drop constraint audit_chain_sizes; update app.audit_chain set seals = '' where sequence = 4", "sequence 3: event", "was changed")]
    [InlineData("delete from app.audit_unsealed", "neither sealed nor waiting", "1 event")]
    [InlineData("update app.audit_payloads set salt = decode(repeat('ab', 16), 'hex') where event_id = @id", "sequence 3: what was asked", "was changed")]
    [InlineData("update app.audit_payloads set ciphertext = set_byte(ciphertext, 40, 0) where event_id = @id", "sequence 3: what was asked", "was changed")]
    public async Task Tampering_by_the_owner_is_found(string tampering, string says, string alsoSays)
    {
        await using var db = await postgres.CreateAsync();
        // Three blocks: events 1 and 2, 3 and 4, 5.
        foreach (var count in new[] { 2, 2, 1 })
        {
            await AppendAsync(db, count);
            await Sealer(db).SealAsync(default);
        }
        await AppendAsync(db, 1);
        Assert.Empty((await VerifyAsync(db)).Problems);
        var id = Assert.Single(await db.QueryAsync<Guid>("select event_ids[1] from app.audit_chain where sequence = 4"));
        await db.ExecuteAsync($"alter table app.audit_events disable trigger user; alter table app.audit_chain disable trigger user; {tampering}", new { id });
        var result = await VerifyAsync(db);
        Assert.False(result.Holds);
        Assert.Contains(result.Problems, p => p.Contains(says) && p.Contains(alsoSays));
    }

    [Fact]
    public async Task A_tail_that_was_computed_anew_has_another_head_than_the_one_that_was_noted()
    {
        await using var db = await postgres.CreateAsync();
        await AppendAsync(db, 2);
        await Sealer(db).SealAsync(default);
        await AppendAsync(db, 1);
        await Sealer(db).SealAsync(default);
        var noted = (await VerifyAsync(db)).Head;
        await db.ExecuteAsync(
            """
            alter table app.audit_events disable trigger user; alter table app.audit_chain disable trigger user;
            update app.audit_events set user_id = 'somebody else' where id = (select event_ids[1] from app.audit_chain where sequence = 3);
            insert into app.audit_unsealed (event_ids, times, digests) select event_ids, array[at], array[null::bytea] from app.audit_chain join app.audit_events on id = event_ids[1] where sequence = 3;
            delete from app.audit_chain where sequence = 3;
            """);
        await Sealer(db).SealAsync(default);
        var forged = await VerifyAsync(db);
        Assert.True(forged.Holds);   // within itself; only a head that was kept elsewhere shows it
        Assert.NotEqual(noted, forged.Head);
    }

    [Theory]
    [InlineData("1e3")]
    [InlineData("-0.0")]
    [InlineData("1.50")]
    [InlineData("123456789012345678901234567890.10")]
    [InlineData("1E400")]
    [InlineData("\"\\u0041\\u00e4\\/\\u2028\\u007f\"")]
    [InlineData("{\"b\":1,\"a\":{\"ä\":2,\"Z\":[true,null,{}]}}")]
    public async Task What_was_written_is_what_is_verified_however_the_json_is_spelled(string json)
    {
        await using var db = await postgres.CreateAsync();
        var value = JsonNode.Parse(json);
        await new AuditLog(db.Gateway, db.SharedCipher).AppendAsync(
            new AuditEvent { EventType = "tool_executed", Parameters = new JsonObject { ["z"] = 1, ["value"] = value }, Details = new JsonObject { ["real"] = 1e21, ["at"] = DateTimeOffset.UnixEpoch } }, default);
        await Sealer(db).SealAsync(default);
        Assert.Empty((await VerifyAsync(db)).Problems);
    }

    [Fact]
    public async Task An_event_that_somebody_wrote_past_the_product_is_sealed_as_it_stands()
    {
        await using var db = await postgres.CreateAsync();
        await db.ExecuteAsync("insert into app.audit_events (id, event_type, parameters) values (gen_random_uuid(), 'by_hand', '{\"a\": 1, \"a\": 2}')");
        Assert.Equal(1, await Sealer(db).SealAsync(default));
        Assert.Empty((await VerifyAsync(db)).Problems);
        var line = Assert.Single((await new AuditReader(db.Bot, db.SharedCipher).AfterAsync(0, 9, new AuditFilter(), default)).Events);
        Assert.Equal("{\"unreadable\":\"{\\u0022a\\u0022: 1, \\u0022a\\u0022: 2}\"}", line.Event.Parameters!.ToJsonString());
    }

    [Fact]
    public async Task Lines_that_became_durable_together_share_a_place_and_are_read_together()
    {
        await using var db = await postgres.CreateAsync();
        await using var batch = Batch(db);
        for (var n = 0; n < 3; n++)
            await batch.CommitAsync([.. Enumerable.Range(0, 2).Select(i => new AuditEvent { EventType = "tool_executed", Tool = $"t{i}", DurationMs = (2 * n) + i })]);
        Assert.Equal(3, await Sealer(db).SealAsync(default));
        var reader = new AuditReader(db.Bot, db.SharedCipher);
        Assert.Equal([2L, 2L, 3L, 3L], (await reader.AfterAsync(1, 9, new AuditFilter(), default)).Events.Select(e => e.Sequence));
        Assert.Equal([2L, 3L, 4L, 5L], (await reader.AfterAsync(1, 9, new AuditFilter(), default)).Events.Select(e => e.Event.DurationMs!.Value));
        Assert.Equal([3L], (await reader.LastSealedAsync(1, new AuditFilter(), default)).Events.Select(e => e.Sequence));
        var page = await reader.AfterAsync(0, 2, new AuditFilter { Tool = "t1" }, default);
        Assert.Equal([1L, 3L], page.Events.Select(e => e.Event.DurationMs!.Value));
        Assert.Equal(2, page.Next);
        Assert.Equal([1L, 3L, 5L], (await reader.LastAsync(9, new AuditFilter { Tool = "t1" }, default)).Select(e => e.DurationMs!.Value));
    }

    [Theory]
    [InlineData("lines = replace(encode(lines, 'escape'), 'get_pods', 'get_pod_')::bytea", "sequence 1: the lines", "were changed")]
    [InlineData("lines = lines || E'\\n{}'::bytea", "sequence 1: the lines", "were changed")]
    [InlineData("events = 1", "sequence 1: the lines", "were changed")]
    [InlineData("team_id = 'web'", "sequence 1: the lines", "were changed")]
    [InlineData("org_id = null", "sequence 1: the lines", "were changed")]
    [InlineData("investigation_id = gen_random_uuid()", "sequence 1: the lines", "were changed")]
    [InlineData("sandbox_id = null", "sequence 1: the lines", "were changed")]
    [InlineData("at = at - interval '1 microsecond'", "sequence 1: the lines", "were changed")]
    [InlineData("digest = decode(repeat('00', 32), 'hex'), lines = '{}'", "sequence 1: the lines", "were changed")]
    [InlineData("id = gen_random_uuid()", "sequence 1: its event is gone", "")]
    [InlineData("id = gen_random_uuid()", "1 event(s) are neither sealed", "")]
    public async Task Tampering_with_lines_by_the_owner_is_found(string tampering, string says, string alsoSays)
    {
        await using var db = await postgres.CreateAsync();
        await using var batch = Batch(db);
        AuditEvent Event(string type) => new() { EventType = type, OrgId = "acme", TeamId = "sre", InvestigationId = One, SandboxId = One, Tool = "get_pods", UserId = "ada" };
        await batch.CommitAsync([Event("tool_executed"), Event("data_accessed")]);
        await Sealer(db).SealAsync(default);
        Assert.Equal((2, 0), ((await VerifyAsync(db)).Links, (await VerifyAsync(db)).Problems.Count));
        Assert.Equal(1, await db.ExecuteAsync($"alter table app.audit_lines disable trigger user; update app.audit_lines set {tampering}"));
        Assert.Contains((await VerifyAsync(db)).Problems, p => p.Contains(says) && p.Contains(alsoSays));
    }

    [Theory]
    [InlineData("no json")]
    [InlineData("{\"event_id\":7}")]
    [InlineData("{\"event_id\":\"00000000-0000-0000-0000-000000000001\",\"event_type\":[]}")]
    [InlineData("{\"event_id\":\"00000000-0000-0000-0000-000000000001\",\"event_type\":\"x\",\"event_type\":\"y\"}")]
    [InlineData("{\"event_id\":\"00000000-0000-0000-0000-000000000001\",\"event_type\":\"x\",\"parameters\":1,\"duration_ms\":\"\"}")]
    public async Task A_line_that_somebody_wrote_past_the_product_stops_no_reader(string line)
    {
        await using var db = await postgres.CreateAsync();
        await using var batch = Batch(db);
        await batch.CommitAsync(new AuditEvent { EventType = "before" });
        await db.ExecuteAsync("insert into app.audit_lines (id, events, lines, digest) values (gen_random_uuid(), 1, convert_to(@line, 'UTF8'), decode(repeat('00', 32), 'hex'))", new { line });
        await batch.CommitAsync(new AuditEvent { EventType = "after" });
        await Sealer(db).SealAsync(default);
        var reader = new AuditReader(db.Bot, db.SharedCipher);
        Assert.Equal(["before", "unreadable", "after"], (await reader.LastAsync(9, new AuditFilter(), default)).Select(e => e.EventType));
        Assert.Equal(["before", "unreadable", "after"], (await reader.AfterAsync(0, 9, new AuditFilter(), default)).Events.Select(e => e.Event.EventType));
        Assert.Equal(3, (await db.QueryAsync<string>("select coalesce(event_type, '') from app.audit_trail order by at")).Count);
        Assert.Contains("sequence 2: the lines", Assert.Single((await VerifyAsync(db)).Problems));   // its writer accuses itself
    }

    private static readonly Guid One = Guid.Parse("00000000-0000-0000-0000-000000000001");

    private static AuditBatch Batch(TestDatabase db) => new(db.Gateway, TimeProvider.System, NullLogger<AuditBatch>.Instance);
}
