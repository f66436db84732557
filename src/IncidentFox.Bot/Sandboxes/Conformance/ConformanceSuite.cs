using System.Runtime.CompilerServices;

namespace IncidentFox.Bot.Sandboxes.Conformance;

/// <summary>
/// What every driver has to pass, wherever it runs: real sandboxes, started through the driver's port with the real agent, in which the agent does what it must
/// not be able to do.
/// </summary>
public sealed class ConformanceSuite
{
    private static readonly IReadOnlyList<IConformanceCheck> All =
    [
        new CagedCheck(), new NonRootCheck(), new ReadOnlyCheck(), new NoSecretsCheck(), new MemoryCheck(), new ProcessesCheck(), new DiskCheck(), new ProcessorsCheck(), new DeadlineCheck(),
        new TokenBoundCheck(), new StolenTokenCheck(), new NothingLeftCheck(),
    ];

    private readonly IConformanceSite site;
    private readonly IReadOnlyList<IConformanceCheck> checks;

    /// <param name="site">Where.</param>
    /// <param name="only">These checks by name; null for all.</param>
    internal ConformanceSuite(IConformanceSite site, IReadOnlyList<string>? only = null) =>
        (this.site, checks) = (site, only is null ? All : [.. All.Where(c => only.Contains(c.Name))]);

    /// <summary>Every check with what it proves, in the order they are run.</summary>
    public static IReadOnlyList<(string Name, string Proves)> Checks => [.. All.Select(c => (c.Name, c.Proves))];

    /// <summary>Runs them one after the other. Cancelled, it stops what it started first.</summary>
    /// <exception cref="CannotCheckException">No sandbox can be had.</exception>
    public async IAsyncEnumerable<CheckResult> RunAsync([EnumeratorCancellation] CancellationToken ct)
    {
        var run = new ConformanceRun(site);
        await using var _ = run;
        foreach (var check in checks)
        {
            var (outcome, detail) = await check.RunAsync(run, ct);
            yield return new(check.Name, check.Proves, outcome == CheckOutcome.Ok && site.Simulated.Contains(check.Name) ? CheckOutcome.Simulated : outcome, detail);
        }
    }
}
