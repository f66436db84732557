using IncidentFox.Benchmarks.Measuring;
using IncidentFox.Workbench.Stack;

namespace IncidentFox.Benchmarks.Approvals;

/// <summary>
/// From deadline to committed status, as another connection sees it, with 10,000 deadlines evenly over one minute: 167 a second. With a restart the product is
/// killed after half of it and started again at once; what was due in between waits for it, as there is no other process.
/// </summary>
internal sealed class Deadlines(FigureSheet sheet, WorkbenchStack stack, SeededApprovals approvals)
{
    private const int Count = 10_000;
    private static readonly TimeSpan BeginsIn = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Spread = TimeSpan.FromMinutes(1);

    public async Task RunAsync(string name, bool restart, CancellationToken ct)
    {
        FigureSheet.Say($"{Count} deadlines within a minute{(restart ? ", with a restart in the middle" : "")}");
        await approvals.InsertAsync(Count, BeginsIn, Spread, ct);
        var restarting = restart ? RestartAsync(ct) : Task.CompletedTask;
        var late = new Dictionary<Guid, double>(Count);
        var began = TimeProvider.System.GetTimestamp();
        while (late.Count < Count)
        {
            if (TimeProvider.System.GetElapsedTime(began) > TimeSpan.FromMinutes(4))
                throw new TimeoutException($"{late.Count} of {Count} deadlines were kept within four minutes.");
            // What has been seen is not fetched again: deadlines are passed in order, give or take what is late.
            foreach (var (id, milliseconds) in await approvals.QueryAsync<(Guid, double)>(
                """
                select id, extract(epoch from app.clock() - expires_at)::float8 * 1000 from app.approvals
                 where investigation_id = @Value and status = 'expired' and not (id = any(@seen))
                """, new { approvals.Investigation.Value, seen = late.Keys.ToArray() }, ct))
                late.TryAdd(id, milliseconds);
            await Task.Delay(20, ct);
        }
        await restarting;
        await approvals.ForgetCardsAsync(ct);
        await approvals.NewInvestigationAsync(ct);
        sheet.Quantiles($"{name}_p999_ms", late.Values, 0.999);
        sheet.Median($"{name}_p50_ms", late.Values, isContext: true);
        sheet.Quantiles($"{name}_max_ms", late.Values, 1, isContext: true);
    }

    private async Task RestartAsync(CancellationToken ct)
    {
        await Task.Delay(BeginsIn + (Spread / 2), ct);
        var began = TimeProvider.System.GetTimestamp();
        await stack.Product.KillAsync(ct);
        await stack.StartProductAsync(ct);
        sheet.Add(new Figure("restart_ms", TimeProvider.System.GetElapsedTime(began).TotalMilliseconds, "ms", 1, IsContext: true));
    }
}
