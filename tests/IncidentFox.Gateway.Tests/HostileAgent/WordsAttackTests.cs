using System.Text.Json.Nodes;
using IncidentFox.Contracts;
using IncidentFox.Gateway.Tests.AgentDoor;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.TestKit;
using Xunit;

namespace IncidentFox.Gateway.Tests.HostileAgent;

/// <summary>An agent that wants its words to be taken for somebody else's.</summary>
public sealed class WordsAttackTests(TestPostgres postgres)
{
    [Fact]
    public async Task Events_in_anothers_name_of_unknown_kinds_or_beyond_their_bounds_are_refused_whole()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var (hostile, other) = (await world.Host.OpenCagedAsync(), await world.Host.OpenCagedAsync());
        string[] batches =
        [
            Batch($$"""{"event":"notice","sequence":1,"at":"2026-11-22T16:00:00Z","text":"x","sandbox_id":"{{other.Id}}"}"""),
            Batch($$"""{"event":"notice","sequence":1,"at":"2026-11-22T16:00:00Z","text":"x","investigation_id":"{{other.Investigation}}"}"""),
            Batch("""{"event":"approval_granted","sequence":1,"at":"2026-11-22T16:00:00Z"}"""),
            Batch("""{"event":"notice","event":"report","sequence":1,"at":"2026-11-22T16:00:00Z","text":"x"}"""),
            Batch("""{"event":"notice","sequence":9223372036854775808,"at":"2026-11-22T16:00:00Z","text":"x"}"""),
            Batch("""{"event":"notice","sequence":1,"at":"not a time","text":"x"}"""),
            Batch([.. Enumerable.Range(1, 51).Select(i => Notice(i, "x"))]),
            Batch(Notice(1, "good"), Notice(1, "twice")),
        ];
        foreach (var batch in batches)
            Assert.Equal((400, "bad_message"), await hostile.SendAsync("POST", Protocol.EventsPath, batch) is var a ? (a.Status, a.Code) : default);
        Assert.Equal(413, (await hostile.SendAsync("POST", Protocol.EventsPath, Batch(Notice(1, new string('x', Protocol.MaxMessageBytes))))).Status);
        var ct = TestContext.Current.CancellationToken;
        Assert.Empty(await world.Host.Investigations.TimelineAsync(hostile.Investigation, 0, ct));
        Assert.Empty(await world.Host.Investigations.TimelineAsync(other.Investigation, 0, ct));
    }

    [Fact]
    public async Task A_report_with_markup_mentions_links_and_escapes_is_kept_as_words_and_marked_as_nobody_elses()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var (hostile, other) = (await world.Host.OpenCagedAsync(), await world.Host.OpenCagedAsync());
        const string Words = "<!channel> <@UADA> <https://evil.example|the runbook> *bold* <script>alert(1)</script>\u001b[31m\u0000\r";
        Assert.Equal(202, (await hostile.SendAsync("POST", Protocol.EventsPath, Batch(EventTests.Report(1, Words, final: true), Notice(2, Words)))).Status);
        var ct = TestContext.Current.CancellationToken;
        var investigation = await world.Host.Investigations.FindAsync(hostile.Investigation, ct);
        var what = (string)JsonNode.Parse(investigation!.ReportJson!)!["what_happened"]!;
        Assert.DoesNotContain('\u001b', what);
        Assert.DoesNotContain('\0', what);
        Assert.DoesNotContain('\r', what);
        // A final report stays: a later one can't replace it, neither from here nor from anybody else.
        Assert.Equal(202, (await hostile.SendAsync("POST", Protocol.EventsPath, Batch(EventTests.Report(3, "all is well")))).Status);
        Assert.Equal(what, (string)JsonNode.Parse((await world.Host.Investigations.FindAsync(hostile.Investigation, ct))!.ReportJson!)!["what_happened"]!);
        Assert.Null((await world.Host.Investigations.FindAsync(other.Investigation, ct))!.ReportJson);
    }

    private static string Batch(params string[] events) => $$"""{"v":1,"type":"events","events":[{{string.Join(",", events)}}]}""";

    private static string Notice(int sequence, string text) =>
        new JsonObject { ["event"] = "notice", ["sequence"] = sequence, ["at"] = "2026-11-22T16:00:00Z", ["text"] = text }.ToJsonString();
}
