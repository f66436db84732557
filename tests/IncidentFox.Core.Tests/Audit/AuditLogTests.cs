using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;

namespace IncidentFox.Core.Tests.Audit;

public sealed class AuditLogTests(TestPostgres postgres)
{
    private static AuditEvent Event(string type = "tool_requested") => new() { EventType = type, UserId = "u" };

    [Theory]
    [InlineData(0x0000)]
    [InlineData(0xD800)]
    [InlineData(0xDC00)]
    public async Task Text_that_the_database_refuses_is_written_with_a_mark_in_its_place(int character)
    {
        var hostile = $"a{(char)character}b";
        const string kept = "a\uFFFDb";
        await using var db = await postgres.CreateAsync();
        await new AuditLog(db.Gateway, db.SharedCipher).AppendAsync(Event() with
        {
            UserId = hostile,
            Tool = hostile,
            CorrelationId = hostile,
            Status = hostile,
            TeamId = hostile,
            Query = hostile,
            Parameters = new JsonObject { ["x" + hostile] = hostile, ["list"] = new JsonArray(hostile, new JsonObject { ["deep"] = hostile }) },
            Details = new JsonObject { ["reason"] = hostile },
        }, default);
        var read = Assert.Single(await new AuditReader(db.Bot, db.SharedCipher).LastAsync(1, new AuditFilter(), default));
        Assert.Equal([kept, kept, kept, kept, kept], [read.UserId, read.Tool, read.CorrelationId, read.Status, read.TeamId]);
        Assert.Equal(kept, read.Parameters!["x" + kept]!.GetValue<string>());
        Assert.Equal(kept, read.Parameters["list"]![1]!["deep"]!.GetValue<string>());
        Assert.Equal(kept, read.Details!["reason"]!.GetValue<string>());
    }

    [Fact]
    public async Task Long_texts_are_cut_and_marked_and_names_that_become_the_same_do_not_stop_the_row()
    {
        await using var db = await postgres.CreateAsync();
        var huge = new string('x', 100_000);
        await new AuditLog(db.Gateway, db.SharedCipher).AppendAsync(Event() with
        {
            Tool = huge,
            Parameters = new JsonObject { ["text"] = huge, ["a\uD800"] = 1, ["a\uD801"] = 2, ["many"] = new JsonArray([.. Enumerable.Range(0, 1000).Select(i => JsonValue.Create(i))]) },
        }, default);
        var read = Assert.Single(await new AuditReader(db.Bot, db.SharedCipher).LastAsync(1, new AuditFilter(), default));
        Assert.Equal(AuditLog.MaxString + 1, read.Tool!.Length);
        Assert.EndsWith("…", read.Parameters!["text"]!.GetValue<string>());
        Assert.Equal(1, read.Parameters["a\uFFFD"]!.GetValue<int>());
        Assert.Equal(200, read.Parameters["many"]!.AsArray().Count);
    }

    [Fact]
    public async Task An_event_shares_the_fate_of_its_transaction()
    {
        await using var db = await postgres.CreateAsync();
        var audit = new AuditLog(db.Bot, db.SharedCipher);
        await Assert.ThrowsAsync<TimeoutException>(() => db.Bot.InTransactionAsync<bool>(async (connection, ct) =>
        {
            await audit.AppendAsync(connection, Event() with { Query = "q" }, ct);
            throw new TimeoutException();
        }, default));
        Assert.Equal([0L, 0L, 0L], await db.QueryAsync<long>("select count(*) from app.audit_events union all select count(*) from app.audit_payloads union all select count(*) from app.audit_unsealed"));
    }

    [Fact]
    public async Task A_question_is_shown_while_it_is_there_and_stands_encrypted_in_the_database()
    {
        await using var db = await postgres.CreateAsync();
        var audit = new AuditLog(db.Bot, db.SharedCipher);
        await audit.AppendAsync(Event("investigation_started") with { Query = "why is checkout down?" }, default);
        var reader = new AuditReader(db.Bot, db.SharedCipher);
        Assert.Equal("why is checkout down?", Assert.Single(await reader.LastAsync(1, new AuditFilter(), default)).Query);
        Assert.DoesNotContain("checkout", Assert.Single(await db.QueryAsync<string>("select encode(ciphertext, 'escape') from app.audit_payloads")));
        Assert.StartsWith("[can't", Assert.Single(await new AuditReader(db.Bot, db.GatewayCipher).LastAsync(1, new AuditFilter(), default)).Query!);
        await db.ExecuteAsync("delete from app.audit_payloads");
        Assert.Null(Assert.Single(await reader.LastAsync(1, new AuditFilter(), default)).Query);
    }

    [Fact]
    public async Task The_last_events_come_oldest_first_by_filter()
    {
        await using var db = await postgres.CreateAsync();
        var audit = new AuditLog(db.Bot, db.SharedCipher);
        foreach (var type in new[] { "a", "b", "a", "b" })
            await audit.AppendAsync(Event(type) with { TeamId = type, Tool = "get_" + type }, default);
        var reader = new AuditReader(db.Bot, db.SharedCipher);
        Assert.Equal(2, (await reader.LastAsync(10, new AuditFilter { TeamId = "b" }, default)).Count);
        Assert.Equal(["a", "b"], (await reader.LastAsync(2, new AuditFilter(), default)).Select(e => e.EventType));
        Assert.Equal(["b", "b"], (await reader.LastAsync(9, new AuditFilter { EventTypes = ["b", "c"] }, default)).Select(e => e.EventType));
        Assert.Equal(["a", "a"], (await reader.LastAsync(9, new AuditFilter { Tool = "get_a" }, default)).Select(e => e.EventType));
    }

    [Fact]
    public async Task Reading_on_follows_the_chain_so_that_an_event_committed_late_is_not_missed()
    {
        await using var db = await postgres.CreateAsync();
        var audit = new AuditLog(db.Bot, db.SharedCipher);
        var reader = new AuditReader(db.Bot, db.SharedCipher);
        using var sealer = new AuditSealer(db.Gateway, TimeProvider.System, NullLogger<AuditSealer>.Instance);

        // Its transaction began, and has its time, before those that are committed first.
        await using var late = await db.Bot.OpenAsync(default);
        await using var transaction = await late.BeginTransactionAsync();
        await audit.AppendAsync(late, Event("late"), default);
        await audit.AppendAsync(Event("first"), default);
        await audit.AppendAsync(Event("second"), default);
        await sealer.SealAsync(default);
        var begun = await reader.LastSealedAsync(1, new AuditFilter(), default);
        Assert.Equal("second", Assert.Single(begun.Events).Event.EventType);
        Assert.Equal(2, begun.Next);
        Assert.Empty((await reader.AfterAsync(begun.Next, 10, new AuditFilter(), default)).Events);

        await transaction.CommitAsync();
        await audit.AppendAsync(Event("last"), default);
        await sealer.SealAsync(default);

        var page = await reader.AfterAsync(begun.Next, 1, new AuditFilter(), default);
        Assert.Equal("late", Assert.Single(page.Events).Event.EventType);
        Assert.Equal("last", Assert.Single((await reader.AfterAsync(page.Next, 1, new AuditFilter(), default)).Events).Event.EventType);
        // What nobody looks for is not read again and again.
        var nothing = await reader.AfterAsync(begun.Next, 10, new AuditFilter { EventType = "none" }, default);
        Assert.Empty(nothing.Events);
        Assert.Equal(4, nothing.Next);
    }
}
