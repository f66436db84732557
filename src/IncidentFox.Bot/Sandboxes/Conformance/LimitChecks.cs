using System.Globalization;

namespace IncidentFox.Bot.Sandboxes.Conformance;

/// <summary>It can't take more memory than it may have.</summary>
internal sealed class MemoryCheck : IConformanceCheck
{
    public string Name => "memory held";

    public string Proves => "An agent that takes too much memory is killed or refused.";

    public async Task<Finding> RunAsync(ConformanceRun run, CancellationToken ct)
    {
        var limit = run.Site.Limits.MemoryBytes >> 20;
        var ended = await run.RunAsync(run.Site.Limits, ct, string.Create(CultureInfo.InvariantCulture, $"memory={4 * limit}"));
        var taken = ended.Reports.Of("using")?.Number("mib") ?? 0;
        if (ended.Reports.Of("memory") is { } memory)
        {
            return memory.Text("problem") == "refused"
                ? Finding.Ok(string.Create(CultureInfo.InvariantCulture, $"refused at {memory.Number("mib")} of {limit} MiB"))
                : Finding.Failed(string.Create(CultureInfo.InvariantCulture, $"It took {memory.Number("mib")} MiB where {limit} are allowed."));
        }

        return ended.Exit.Kind switch
        {
            SandboxExitKind.OutOfMemory => Finding.Ok(string.Create(CultureInfo.InvariantCulture, $"killed as it went beyond {limit} MiB")),

            // Some runtimes don't say why they ended what they ran.
            SandboxExitKind.Crashed when taken > 0 && ended.Exit.Fault is null => Finding.Ok(string.Create(CultureInfo.InvariantCulture, $"ended with code {ended.Exit.ExitCode} as it went beyond {limit} MiB")),
            _ => Finding.Failed($"It was not killed for memory: {ended.How}"),
        };
    }
}

/// <summary>It can't start more processes than it may have.</summary>
internal sealed class ProcessesCheck : IConformanceCheck
{
    // More than the agent allows itself where nobody else does.
    private const int Many = 400;

    public string Name => "pids held";

    public string Proves => "An agent that starts too many processes is refused the next one.";

    public async Task<Finding> RunAsync(ConformanceRun run, CancellationToken ct)
    {
        var sandbox = await run.StartAsync(run.Site.Limits, ct, "look", string.Create(CultureInfo.InvariantCulture, $"processes={Many}"));
        var others = await run.Site.ProcessLimitAsync(sandbox.Id, ct);
        var ended = await run.EndAsync(sandbox, ct);
        if (ended.Reports.Of("processes") is not { } processes)
        {
            return Finding.Failed($"Its agent did not say how many processes it could start: {ended.How}");
        }

        return processes.Flag("refused")
            ? Finding.Ok(string.Create(CultureInfo.InvariantCulture, $"refused after {processes.Number("started")} more; its own limit is {ended.Reports.Of("look")?.Number("most_processes")}{others}"))
            : Finding.Failed(string.Create(CultureInfo.InvariantCulture, $"It started {processes.Number("started")} processes and was not refused{others}."));
    }
}

/// <summary>It can't fill a disk.</summary>
internal sealed class DiskCheck : IConformanceCheck
{
    public string Name => "disk held";

    public string Proves => "An agent that fills /tmp is refused, or put out.";

    public async Task<Finding> RunAsync(ConformanceRun run, CancellationToken ct)
    {
        var limit = run.Site.ScratchBytes >> 20;
        var patience = run.Site.ScratchPatience;
        var act = string.Create(CultureInfo.InvariantCulture, $"disk=/tmp/incidentfox-check:{4 * limit}");
        var ended = patience > TimeSpan.Zero
            ? await run.RunAsync(run.Site.Limits with { Duration = patience }, ct, act, "wait")
            : await run.RunAsync(run.Site.Limits, ct, act);
        if (ended.Exit.Fault?.Code == "evicted")
        {
            return Finding.Ok(string.Create(CultureInfo.InvariantCulture, $"put out with more than {limit} MiB"));
        }

        return ended.Reports.Of("disk") switch
        {
            null => Finding.Failed($"Its agent did not say how much it could write: {ended.How}"),
            { } disk when disk.Text("problem").Length > 0 && disk.Number("mib") <= limit => Finding.Ok(string.Create(CultureInfo.InvariantCulture, $"refused at {disk.Number("mib")} of {limit} MiB")),
            { } disk => Finding.Failed(string.Create(CultureInfo.InvariantCulture, $"It wrote {disk.Number("mib")} MiB where {limit} are allowed, and was still there {patience.TotalSeconds:0} s later.")),
        };
    }
}

/// <summary>It can't take all processors.</summary>
internal sealed class ProcessorsCheck : IConformanceCheck
{
    public string Name => "cpu held";

    public string Proves => "An agent that computes as fast as it can gets its share and no more.";

    public async Task<Finding> RunAsync(ConformanceRun run, CancellationToken ct)
    {
        if (run.Site.Processors is not { } limit)
        {
            return Finding.NotPossible("Nothing limits processor time here: that needs a cgroup, so root or a delegated one.");
        }

        var ended = await run.RunAsync(run.Site.Limits, ct, "cpu=3");
        return ended.Reports.Of("cpu") switch
        {
            null => Finding.Failed($"Its agent did not say how much it got: {ended.How}"),

            // Measured by work done, in slices: a quarter more is within what that can tell.
            { } cpu when cpu.Number("processors") <= limit * 1.3 => Finding.Ok(string.Create(CultureInfo.InvariantCulture, $"got {cpu.Number("processors"):0.00} of {limit:0.00} processors with four threads")),
            { } cpu => Finding.Failed(string.Create(CultureInfo.InvariantCulture, $"It got {cpu.Number("processors"):0.00} processors where {limit:0.00} are allowed.")),
        };
    }
}

/// <summary>It can't go on forever.</summary>
internal sealed class DeadlineCheck : IConformanceCheck
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan WithoutBot = TimeSpan.FromSeconds(10);

    public string Name => "deadline kills";

    public string Proves => "An agent that ignores every polite signal is killed when its time is over, by the cluster too when nobody else does.";

    public async Task<Finding> RunAsync(ConformanceRun run, CancellationToken ct)
    {
        var ended = await run.RunAsync(run.Site.Limits with { Duration = Short }, ct, "wait");
        if (ended.Exit.Kind != SandboxExitKind.TimedOut)
        {
            return Finding.Failed($"It was not killed when its time was over: {ended.How}");
        }

        if (!run.Site.Driver.SandboxesOutliveTheBot)
        {
            return Finding.Ok(string.Create(CultureInfo.InvariantCulture, $"killed after {Short.TotalSeconds:0} s"));
        }

        // The bot's own clock stands still, as if it were gone.
        var alone = await run.StartAsync(run.Site.Limits with { Duration = WithoutBot }, ct, "wait");
        alone.SuspendClock();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(TimeSpan.FromMinutes(3));
        try
        {
            ended = await run.EndAsync(alone, patience.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return Finding.Failed("The bot's clock killed it; the cluster's own deadline did not.");
        }

        return ended.Exit.Kind == SandboxExitKind.TimedOut
            ? Finding.Ok(string.Create(CultureInfo.InvariantCulture, $"killed after {Short.TotalSeconds:0} s, and by the cluster alone"))
            : Finding.Failed($"The bot's clock killed it; the cluster's own deadline did not: {ended.How}");
    }
}
