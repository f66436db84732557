using IncidentFox.Benchmarks.Measuring;
using IncidentFox.Benchmarks.Spine;
using IncidentFox.Workbench.Estate.Faults;
using IncidentFox.Workbench.Stack;

namespace IncidentFox.Benchmarks.Approvals;

/// <summary>What people wait for around an approval: deadlines, escalation, the card after a click, and the cards after Slack was away.</summary>
internal sealed class ApprovalsPart : IPart
{
    public async Task RunAsync(FigureSheet sheet, CancellationToken cancellationToken)
    {
        DecisionCost.Measure(sheet);
        using var folder = new BenchFolder();
        sheet.Median("disk_flush_p50_ms", DiskFlush.Measure(folder.Path), isContext: true);
        await OnStackAsync(Path.Combine(folder.Path, "deadlines"), async (stack, approvals) =>
        {
            await new Deadlines(sheet, stack, approvals).RunAsync("approval_timeout_lateness", restart: false, cancellationToken);
            await new Deadlines(sheet, stack, approvals).RunAsync("approval_timeout_lateness_restart", restart: true, cancellationToken);
            await new Escalations(sheet, approvals).RunAsync(cancellationToken);
        }, cancellationToken);
        // A stack of its own: the cards of twenty thousand approvals would come first, one a second.
        await OnStackAsync(Path.Combine(folder.Path, "cards"), async (stack, approvals) =>
        {
            await new ClickToCard(sheet, stack, approvals).RunAsync(cancellationToken);
            await new SlackOutage(sheet, stack, approvals).RunAsync(cancellationToken);
        }, cancellationToken);
    }

    private static async Task OnStackAsync(string folder, Func<WorkbenchStack, SeededApprovals, Task> measure, CancellationToken cancellationToken)
    {
        await using var stack = await WorkbenchStack.StartAsync(new StackOptions
        {
            DataDirectory = Directory.CreateDirectory(folder).FullName,
            Ephemeral = true,
            DurableDatabase = true,
            SlackPort = 0,
            Fault = DemoFaults.None,
        }, cancellationToken);
        await using var approvals = await SeededApprovals.OpenAsync(stack, cancellationToken);
        await measure(stack, approvals);
    }
}
