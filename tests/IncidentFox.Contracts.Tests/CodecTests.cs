using System.Text;
using CsCheck;
using Xunit;

namespace IncidentFox.Contracts.Tests;

public sealed class CodecTests
{
    [Fact]
    public void An_unknown_version_is_refused_by_number() =>
        Assert.Contains("version 7", Read("""{"v":7,"type":"welcome","sandbox_id":"s"}""").Error!, StringComparison.Ordinal);

    [Fact]
    public void An_unknown_type_is_refused_by_name() =>
        Assert.Contains("'surprise'", Read("""{"v":1,"type":"surprise"}""").Error!, StringComparison.Ordinal);

    [Fact]
    public void Another_known_type_is_refused_where_it_does_not_belong() =>
        Assert.Contains("'task' is not expected", Read("""{"v":1,"type":"task"}""").Error!, StringComparison.Ordinal);

    [Fact]
    public void An_unknown_member_is_named() =>
        Assert.Contains("extra", Read("""{"v":1,"type":"welcome","sandbox_id":"s","extra":1}""").Error!, StringComparison.Ordinal);

    [Fact]
    public void A_missing_member_is_named() =>
        Assert.Contains("sandbox_id", Read("""{"v":1,"type":"welcome"}""").Error!, StringComparison.Ordinal);

    [Fact]
    public void A_member_given_twice_is_refused() =>
        Assert.NotNull(Read("""{"v":1,"type":"welcome","sandbox_id":"a","sandbox_id":"b"}""").Error);

    [Fact]
    public void A_type_given_twice_is_refused() =>
        Assert.NotNull(Read("""{"v":1,"type":"task","type":"welcome","sandbox_id":"a"}""").Error);

    [Fact]
    public void An_unknown_event_is_refused_by_name()
    {
        var json = """{"v":1,"type":"events","events":[{"event":"takeover","sequence":1,"at":"2026-11-22T13:37:48Z"}]}""";
        var read = MessageCodec.Read(Encoding.UTF8.GetBytes(json), "events", ContractsJson.Default.EventBatch);
        Assert.Contains("takeover", read.Error!, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("null"), InlineData(""), InlineData("[]"), InlineData("{"), InlineData("\"v\""), InlineData("""{"v":"1","type":"welcome"}""")]
    [InlineData("""{"v":1,"type":"task","cage":[]}"""), InlineData("""{"v":1}"""), InlineData("""{"type":"welcome","sandbox_id":"s"}"""), InlineData("""{"v":1,"type":"welcome","sandbox_id":null}"""), InlineData("""{"v":1,"type":"welcome","sandbox_id":"s"} x""")]
    public void Malformed_messages_are_refused_with_a_sentence(string json) => Assert.NotEmpty(Read(json).Error!);

    [Fact]
    public void A_lone_surrogate_in_the_type_is_refused() => Assert.NotNull(Read("{\"v\":1,\"type\":\"\\ud800\"}").Error);

    [Fact]
    public void Deep_nesting_is_refused()
    {
        var deep = """{"v":1,"type":"tool_request","arguments":""" + new string('[', 5000) + new string(']', 5000) + "}";
        Assert.NotNull(MessageCodec.Read(Encoding.UTF8.GetBytes(deep), "tool_request", ContractsJson.Default.ToolRequest).Error);
    }

    [Fact]
    public void An_oversized_message_is_refused_before_it_is_parsed() =>
        Assert.Contains("larger than", MessageCodec.Read(new byte[Protocol.MaxMessageBytes + 1], "welcome", ContractsJson.Default.AgentWelcome).Error!, StringComparison.Ordinal);

    [Fact]
    public void What_is_echoed_is_short_and_printable()
    {
        var error = Read("{\"v\":1,\"type\":\"\\u001b[31m" + new string('x', 4000) + "\"}").Error!;
        Assert.DoesNotContain('\u001b', error);
        Assert.True(error.Length < 400);
    }

    [Fact]
    public void Garbage_never_throws() =>
        Gen.Byte.Array[0, 300].Sample(bytes => MessageCodec.Read(bytes, "task", ContractsJson.Default.AgentTask).Error is not null);

    [Fact]
    public void A_damaged_message_never_throws()
    {
        var samples = Samples.All.ToArray();
        Gen.Select(Gen.Int[0, samples.Length - 1], Gen.Int[0, 100_000], Gen.Byte).Sample((which, where, with) =>
        {
            var bytes = samples[which].Utf8.ToArray();
            bytes[where % bytes.Length] = with;
            _ = samples[which].ReadAndWrite(bytes);
        });
    }

    [Fact]
    public void Any_event_survives_the_wire() =>
        Gen.Select(Gen.Long[1, long.MaxValue], Gen.String, Gen.Int[0, 2], Gen.Long[0, 4_000_000_000]).Sample((sequence, text, state, at) =>
        {
            var sent = new EventBatch
            {
                Events = [new StepEvent { Sequence = sequence, At = DateTimeOffset.FromUnixTimeSeconds(at), Id = "s", Title = Clean(text), State = (StepState)state, Note = Clean(text) }],
            };
            var read = MessageCodec.Read(MessageCodec.Write(sent, ContractsJson.Default.EventBatch), "events", ContractsJson.Default.EventBatch);
            return read.Value is { } got && got.Events.SequenceEqual(sent.Events);
        });

    // A lone surrogate cannot be written as UTF-8.
    private static string Clean(string text) => new([.. text.Where(c => !char.IsSurrogate(c))]);

    private static Decoded<AgentWelcome> Read(string json) =>
        MessageCodec.Read(Encoding.UTF8.GetBytes(json), "welcome", ContractsJson.Default.AgentWelcome);
}
