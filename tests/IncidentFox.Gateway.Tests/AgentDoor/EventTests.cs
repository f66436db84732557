using System.Text.Json.Nodes;
using IncidentFox.Contracts;
using IncidentFox.Core;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.TestKit;
using Xunit;

namespace IncidentFox.Gateway.Tests.AgentDoor;

public sealed class EventTests(TestPostgres postgres)
{
    [Fact]
    public async Task Events_are_kept_once_in_order_and_a_report_replaces_the_one_before()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        var batch = Batch(Step(1, "look"), Report(2, "first"), Notice(3, "seen"));
        Assert.Equal(202, (await sandbox.SendAsync("POST", Protocol.EventsPath, batch)).Status);
        Assert.Equal(202, (await sandbox.SendAsync("POST", Protocol.EventsPath, batch)).Status);
        Assert.Equal(202, (await sandbox.SendAsync("POST", Protocol.EventsPath, Batch(Report(4, "second", final: true)))).Status);
        var timeline = await host.Investigations.TimelineAsync(sandbox.Investigation, 0, TestContext.Current.CancellationToken);
        Assert.Equal(["step", "report", "notice", "report"], timeline.Select(e => e.Kind));
        var investigation = await host.Investigations.FindAsync(sandbox.Investigation, TestContext.Current.CancellationToken);
        Assert.True(investigation!.ReportFinal);
        Assert.Equal("second", (string)JsonNode.Parse(investigation.ReportJson!)!["what_happened"]!);
    }

    [Fact]
    public async Task The_same_batch_sent_by_many_at_once_is_kept_once()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        var batch = Batch(Step(1, "a"), Step(2, "b"));
        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => sandbox.SendAsync("POST", Protocol.EventsPath, batch)));
        Assert.All(answers, a => Assert.Equal(202, a.Status));
        Assert.Equal(2, (await host.Investigations.TimelineAsync(sandbox.Investigation, 0, TestContext.Current.CancellationToken)).Count);
    }

    [Fact]
    public async Task Long_texts_are_cut_visibly_and_control_characters_do_not_get_in()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        await sandbox.SendAsync("POST", Protocol.EventsPath, Batch(Notice(1, "\u001b[31m" + new string('x', 5_000)), Report(2, new string('y', 5_000))));
        var timeline = await host.Investigations.TimelineAsync(sandbox.Investigation, 0, TestContext.Current.CancellationToken);
        var text = (string)JsonNode.Parse(timeline[0].BodyJson)!["text"]!;
        Assert.Equal(600, text.Length);
        Assert.EndsWith("x…", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', text);
        Assert.Equal(1_000, ((string)JsonNode.Parse(timeline[1].BodyJson)!["report"]!["what_happened"]!).Length);
    }

    [Fact]
    public async Task What_is_out_of_bounds_is_refused_whole()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var sandbox = await host.OpenCagedAsync();
        string[] bad =
        [
            Batch(), Batch([.. Enumerable.Range(1, 51).Select(i => Step(i, "s"))]), Batch(Step(2, "a"), Step(1, "b")), Batch(Step(1, "a"), Step(1, "b")), Batch(Step(0, "a")),
            Batch("null"), Batch("""{"event":"shell","sequence":1,"at":"2026-11-22T16:00:00Z"}"""), Batch("""{"sequence":1,"at":"2026-11-22T16:00:00Z"}"""),
            Batch(Step(1, "good"), """{"event":"plan","sequence":2,"at":"2026-11-22T16:00:00Z","steps":[]}"""),
            Batch(Report(1, "r", evidence: 11)), Batch("""{"event":"parked","sequence":1,"at":"2026-11-22T16:00:00Z","approval_id":"x"}"""),
        ];
        foreach (var batch in bad)
            Assert.Equal((400, "bad_message"), (await sandbox.SendAsync("POST", Protocol.EventsPath, batch)) is var a ? (a.Status, a.Code) : default);
        var strange = $$"""{"event":"parked","sequence":1,"at":"2026-11-22T16:00:00Z","approval_id":"{{ApprovalId.New()}}"}""";
        Assert.Equal(404, (await sandbox.SendAsync("POST", Protocol.EventsPath, Batch(strange))).Status);
        Assert.Empty(await host.Investigations.TimelineAsync(sandbox.Investigation, 0, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_sandbox_says_only_so_much()
    {
        await using var host = await GatewayHost.StartAsync(postgres, change: o => new GatewayOptions
        {
            IntegrationsPaths = o.IntegrationsPaths, RuntimeDirectory = o.RuntimeDirectory, MaxEvents = 10,
        });
        var sandbox = await host.OpenCagedAsync();
        Assert.Equal(202, (await sandbox.SendAsync("POST", Protocol.EventsPath, Batch([.. Enumerable.Range(1, 10).Select(i => Step(i, "s"))]))).Status);
        Assert.Equal((429, "too_many_events"), (await sandbox.SendAsync("POST", Protocol.EventsPath, Batch(Step(11, "s")))) is var a ? (a.Status, a.Code) : default);
    }

    private static string Batch(params string[] events) => $$"""{"v":1,"type":"events","events":[{{string.Join(",", events)}}]}""";

    private static string Step(int sequence, string title) =>
        $$"""{"event":"step","sequence":{{sequence}},"at":"2026-11-22T16:00:00Z","id":"s","title":"{{title}}","state":"done"}""";

    private static string Notice(int sequence, string text) =>
        new JsonObject { ["event"] = "notice", ["sequence"] = sequence, ["at"] = "2026-11-22T16:00:00Z", ["text"] = text }.ToJsonString();

    internal static string Report(int sequence, string what, bool final = false, int evidence = 1) => new JsonObject
    {
        ["event"] = "report", ["sequence"] = sequence, ["at"] = "2026-11-22T16:00:00Z", ["final"] = final,
        ["report"] = new JsonObject
        {
            ["what_happened"] = what, ["why"] = "w", ["confidence"] = "low", ["method"] = "test", ["next_steps"] = new JsonArray(), ["not_seen"] = new JsonArray(),
            ["evidence"] = new JsonArray([.. Enumerable.Range(0, evidence).Select(_ => new JsonObject { ["statement"] = "s", ["tool"] = "t" })]),
        },
    }.ToJsonString();
}
