using System.Text.Json;
using IncidentFox.Bot.Cards;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Investigations;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Tests.Cards;

/// <summary>Cards as people see them, held by golden files. A card that differs is written next to the tests, in Cards/Received: read it, then copy it.</summary>
public sealed class GoldenCardTests
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static TheoryData<string> Names => [.. Cards.Keys];

    private static Dictionary<string, Func<SlackMessage>> Cards { get; } = new()
    {
        ["investigation-queued"] = () => InvestigationCard.Render(View(InvestigationState.Queued, report: null, timeline: [])),
        ["investigation-running"] = () => InvestigationCard.Render(View(InvestigationState.Running, report: null)),
        ["investigation-waiting"] = () => InvestigationCard.Render(View(InvestigationState.Waiting, approvals: Samples.Approval())),
        ["investigation-completed"] = () => InvestigationCard.Render(View(InvestigationState.Completed, approvals: Samples.Approval(ApprovalState.Executed, votes: 1))),
        ["investigation-failed"] = () => InvestigationCard.Render(View(InvestigationState.Failed, report: null)),
        ["investigation-stopped"] = () => InvestigationCard.Render(View(InvestigationState.Stopped, report: null)),
        ["approval-pending"] = () => ApprovalCard.Render(Samples.Approval(), null),
        ["approval-one-of-two"] = () => ApprovalCard.Render(Samples.Approval(votes: 1, required: 2), "It is asked for here instead."),
        ["approval-named"] = () => ApprovalCard.Render(Samples.Approval(required: 2, workflow: Samples.Named), null),
        ["approval-broken-glass"] = () => ApprovalCard.Render(Samples.Approval(ApprovalState.Executed) with { BreakGlass = Samples.Broken }, null),
        ["approval-reviewed"] = () => ApprovalCard.Render(
            Samples.Approval(ApprovalState.Executed) with { BreakGlass = Samples.Broken with { ClosedBy = "Amir", ClosedAt = Samples.Noon, Note = "right so" } }, null),
        ["approval-nobody"] = () => ApprovalCard.Render(Samples.Approval(ApprovalState.Denied) with { DecidedBy = null, DecisionReason = "Nobody could approve this." }, null),
        ["approval-approved"] = () => ApprovalCard.Render(Samples.Approval(ApprovalState.Approved, votes: 1), null),
        ["approval-executed"] = () => ApprovalCard.Render(Samples.Approval(ApprovalState.Executed, votes: 1), null),
        ["approval-failed"] = () => ApprovalCard.Render(Samples.Approval(ApprovalState.Failed, votes: 1), null),
        ["approval-unknown"] = () => ApprovalCard.Render(Samples.Approval(ApprovalState.Unknown, votes: 1), null),
        ["approval-denied"] = () => ApprovalCard.Render(Samples.Approval(ApprovalState.Denied), null),
        ["approval-expired"] = () => ApprovalCard.Render(Samples.Approval(ApprovalState.Expired), null),
        ["approval-cancelled"] = () => ApprovalCard.Render(Samples.Approval(ApprovalState.Cancelled), null),
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void A_card_looks_like_its_golden_file(string name)
    {
        var json = JsonSerializer.Serialize(JsonDocument.Parse(SlackJson.Serialize(Cards[name]())).RootElement, Readable);
        var golden = Path.Combine(AppContext.BaseDirectory, "Cards", "Golden", $"{name}.golden.json");
        var received = Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, "Cards", "Received")).FullName;
        File.WriteAllText(Path.Combine(received, $"{name}.golden.json"), json);
        Assert.True(File.Exists(golden), $"{golden} is missing");
        Assert.Equal(File.ReadAllText(golden), json);
    }

    [Theory]
    [InlineData(ApprovalState.Pending, true, true)]
    [InlineData(ApprovalState.Approved, false, true)]
    [InlineData(ApprovalState.Executing, false, false)]
    [InlineData(ApprovalState.Executed, false, false)]
    [InlineData(ApprovalState.Unknown, false, false)]
    [InlineData(ApprovalState.Denied, false, false)]
    public void Buttons_are_there_only_while_they_can_do_something(ApprovalState state, bool approve, bool deny)
    {
        var json = SlackJson.Serialize(ApprovalCard.Render(Samples.Approval(state, votes: 1), null));

        Assert.Equal(approve, json.Contains("approval.approve", StringComparison.Ordinal));
        Assert.Equal(deny, json.Contains("approval.deny", StringComparison.Ordinal));
    }

    [Fact]
    public void The_thread_tells_each_thing_once_in_the_order_in_which_it_happened()
    {
        var news = ThreadNews.Of(View(InvestigationState.Completed, approvals: Samples.Approval(ApprovalState.Executed, votes: 1)));

        Assert.Equal(
            [$"notice:5", $"approval:{Samples.ApprovalId.Value:N}:requested", "ended", $"approval:{Samples.ApprovalId.Value:N}:approved", $"approval:{Samples.ApprovalId.Value:N}:executed"],
            news.OrderBy(n => n.At).Select(n => n.Key));
        Assert.Equal(news.Count, news.Select(n => n.Key).Distinct().Count());
    }

    [Fact]
    public void Without_an_approval_there_is_no_news_but_the_agents_notices() =>
        Assert.Equal(["notice:5"], ThreadNews.Of(View(InvestigationState.Completed)).Select(n => n.Key));

    private static InvestigationView View(InvestigationState state, string? report = Samples.Report, IReadOnlyList<TimelineEvent>? timeline = null, params Approval[] approvals) => new()
    {
        Investigation = Samples.Investigation(state, report),
        Timeline = timeline ?? Samples.Timeline,
        Approvals = approvals,
        Driver = state == InvestigationState.Queued ? null : "gvisor",
    };
}
