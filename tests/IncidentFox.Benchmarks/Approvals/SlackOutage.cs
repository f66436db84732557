using System.Diagnostics;
using System.Globalization;
using IncidentFox.Benchmarks.Measuring;
using IncidentFox.Core;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Policy;
using IncidentFox.Workbench.SlackWorkspace;
using IncidentFox.Workbench.Stack;

namespace IncidentFox.Benchmarks.Approvals;

/// <summary>
/// Slack is away for ten minutes (<c>APPROVALS_OUTAGE_SECONDS</c>), and 40 approvals change their state five times each: three votes of which two are taken
/// back, one more, and the denial. From its return until every card in the workspace shows what the database says, with Slack's rate limits enforced.
/// </summary>
internal sealed class SlackOutage(FigureSheet sheet, WorkbenchStack stack, SeededApprovals approvals)
{
    private const int Cards = 40;
    private const int ChangesPerCard = 5;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

#pragma warning disable RS0030 // There is no configuration here.
    private static TimeSpan Outage => TimeSpan.FromSeconds(
        int.TryParse(Environment.GetEnvironmentVariable("APPROVALS_OUTAGE_SECONDS"), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? seconds : 600);
#pragma warning restore RS0030

    public async Task RunAsync(CancellationToken ct)
    {
        FigureSheet.Say($"Slack is away for {Outage.TotalSeconds} s, with {Cards * ChangesPerCard} changes of {Cards} approvals");
        var slack = stack.Slack!;
        var ids = new List<ApprovalId>();
        for (var i = 0; i < Cards; i++)
            ids.Add(await approvals.AskAsync(new Workflow { RequiredApprovers = 2, TimeoutMinutes = 120 }, ct));
        await UntilAsync("every card is posted", async () => await PostedAsync(ids, ct) == Cards, ct);
        await slack.OutageAsync(isOut: true);
        var began = Stopwatch.GetTimestamp();
        var (ada, ben) = ((await approvals.WhoAsync(DemoPeople.Ada, ct))!, (await approvals.WhoAsync(DemoPeople.Ben, ct))!);
        // Spread over the outage, ending a little before it does.
        for (var step = 0; step < ChangesPerCard; step++)
        {
            foreach (var id in ids)
            {
                await ChangeAsync(step, id, ada, ben, ct);
                await Task.Delay(Outage * 0.95 / (Cards * ChangesPerCard), ct);
            }
        }
        if (Outage - Stopwatch.GetElapsedTime(began) is { Ticks: > 0 } rest)
            await Task.Delay(rest, ct);
        var calls = slack.ApiCalls.All.Count;
        await slack.OutageAsync(isOut: false);
        var returned = Stopwatch.GetTimestamp();
        await UntilAsync("every card shows the denial", async () => await ShownAsync(ids, ct) == Cards, ct);
        sheet.Add(new Figure("slack_outage_cards_equal_ms", Stopwatch.GetElapsedTime(returned).TotalMilliseconds, "ms", Cards, IsContext: false));
        sheet.Add(new Figure("slack_outage_rate_limited_calls", slack.ApiCalls.All.Skip(calls).Count(c => c.Error == "ratelimited"), "calls", Cards, IsContext: false));
    }

    private async Task ChangeAsync(int step, ApprovalId id, Principal ada, Principal ben, CancellationToken ct)
    {
        var done = step switch
        {
            0 or 2 => await approvals.Voting.ApproveAsync(id, ada, "ada", ct),
            1 or 3 => await approvals.Voting.WithdrawAsync(id, ada, "ada", ct),
            _ => await approvals.Voting.DenyAsync(id, ben, "ben", "not during an outage", ct),
        };
        if (!done.Accepted)
            throw new InvalidOperationException($"A change was refused: {done.Message}");
    }

    private async Task<long> PostedAsync(List<ApprovalId> ids, CancellationToken ct) => (await approvals.QueryAsync<long>(
        "select count(*) from app.slack_messages where kind = 'approval' and ts is not null and subject_id = any(@ids)", new { ids = ids.Select(i => i.Value).ToArray() }, ct)).Single();

    // The database says that it is denied; the message in the workspace must say so, and have no button to decide.
    private async Task<int> ShownAsync(List<ApprovalId> ids, CancellationToken ct)
    {
        var places = await approvals.QueryAsync<(string Channel, string Ts)>(
            "select channel_id, ts from app.slack_messages where kind = 'approval' and ts is not null and subject_id = any(@ids)", new { ids = ids.Select(i => i.Value).ToArray() }, ct);
        return places.Count(p => stack.Slack!.State.Messages(p.Channel).SingleOrDefault(m => m.Ts == p.Ts) is { } message
            && MessageText.Of(message).Contains("not during an outage", StringComparison.Ordinal) && !MessageText.HasButton(message, WorkspaceSession.Approve));
    }

    private static async Task UntilAsync(string what, Func<Task<bool>> holds, CancellationToken ct)
    {
        var began = Stopwatch.GetTimestamp();
        while (!await holds())
        {
            if (Stopwatch.GetElapsedTime(began) > Patience)
                throw new TimeoutException($"Not so within {Patience.TotalMinutes} minutes: {what}.");
            await Task.Delay(100, ct);
        }
    }
}
