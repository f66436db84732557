using System.Diagnostics;
using IncidentFox.Benchmarks.Measuring;
using IncidentFox.Core.Policy;
using IncidentFox.Workbench.SlackWorkspace;
using IncidentFox.Workbench.Stack;

namespace IncidentFox.Benchmarks.Approvals;

/// <summary>From a click to the card that shows it, in the workspace: signed delivery, vote, commit, wake-up, chat.update. One at a time, each in a free channel second.</summary>
internal sealed class ClickToCard(FigureSheet sheet, WorkbenchStack stack, SeededApprovals approvals)
{
    private const int WarmUp = 3;
    private const int Measured = 60;

    public async Task RunAsync(CancellationToken ct)
    {
        FigureSheet.Say($"{Measured} clicks, from each to its card");
        var slack = stack.Slack!;
        var people = new WorkspaceSession(slack);
        var times = new List<double>();
        for (var i = 0; i < WarmUp + Measured; i++)
        {
            var last = people.Last(DemoPeople.Approvals);
            await approvals.AskAsync(new Workflow { RequiredApprovers = 2 }, ct);
            var card = await people.WaitForApprovalAsync(last, ct);
            // The product keeps to one write a second and channel: that second is Slack's, not the click's.
            await Task.Delay(1_100, ct);
            var before = MessageText.Of(card);
            var began = Stopwatch.GetTimestamp();
            var click = slack.ClickAsync(DemoPeople.Ada, card.Channel, card.Ts, WorkspaceSession.Approve, ct: ct);
            Message shown;
            do
            {
                await Task.Delay(2, ct);
                shown = slack.State.Messages(card.Channel).Single(m => m.Ts == card.Ts);
            }
            while (MessageText.Of(shown) == before && Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(30));
            if (i >= WarmUp)
                times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            if (await click is { IsAnswered: false } unanswered)
                throw new InvalidOperationException($"A click was not answered: {unanswered.Outcome} {unanswered.Problem}");
            if (MessageText.Of(shown) == before)
                throw new TimeoutException("A vote was not on its card within 30 s.");
            await Task.Delay(1_100, ct);
        }
        sheet.Quantiles("approval_click_to_card_p99_ms", times, 0.99);
        sheet.Median("approval_click_to_card_p50_ms", times, isContext: true);
    }
}
