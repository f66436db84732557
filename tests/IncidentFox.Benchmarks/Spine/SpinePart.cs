using IncidentFox.Benchmarks.Measuring;

namespace IncidentFox.Benchmarks.Spine;

/// <summary>The main job: from a slash command to its acknowledgement, its sandbox, the agent's first tool call and the report.</summary>
internal sealed class SpinePart : IPart
{
    // What the product picks by itself where both work.
    private const string Preferred = "gvisor";

    public async Task RunAsync(FigureSheet sheet, CancellationToken cancellationToken)
    {
        using (var folder = new BenchFolder())
            sheet.Median("disk_flush_p50_ms", DiskFlush.Measure(folder.Path), isContext: true);
        await new SlashAcks(sheet).RunAsync(cancellationToken);
        List<Exception> failures = [];
        foreach (var driver in new[] { Preferred, "bubblewrap" })
        {
            try
            {
                await new SandboxTimes(sheet, driver, isPreferred: driver == Preferred).RunAsync(cancellationToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                // Where one driver does not work the other's figures are still wanted.
                failures.Add(new InvalidOperationException($"sandboxes of {driver} could not be measured", e));
            }
        }
        if (failures.Count > 0)
            throw new AggregateException(failures);
    }
}
