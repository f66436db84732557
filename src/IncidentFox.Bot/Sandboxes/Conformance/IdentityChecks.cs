namespace IncidentFox.Bot.Sandboxes.Conformance;

/// <summary>The gateway knows who is there.</summary>
internal sealed class TokenBoundCheck : IConformanceCheck
{
    public string Name => "token bound";

    public string Proves => "The gateway knows the sandbox by something that is bound to it, and that is good for nothing else.";

    public async Task<Finding> RunAsync(ConformanceRun run, CancellationToken ct)
    {
        var ended = await run.LookAsync(ct);
        return ended.Reports.Of("knock") switch
        {
            null => Finding.Failed($"Its agent did not say whether it reached the gateway: {ended.How}"),
            { } knock when knock.Text("problem") is { Length: > 0 } problem => Finding.Failed($"Its agent could not reach the gateway: {problem}. It must be let through to that address, and to nothing else."),
            _ => await run.Site.IsKnownAsync(ended.Id, ended.Reports, ct),
        };
    }
}

/// <summary>Nobody else is taken for it.</summary>
internal sealed class StolenTokenCheck : IConformanceCheck
{
    public string Name => "stolen token refused";

    public string Proves => "What a sandbox is known by is refused from anywhere else, and from the moment it has ended.";

    public Task<Finding> RunAsync(ConformanceRun run, CancellationToken ct) => run.Site.RefusesStolenAsync(run, ct);
}

/// <summary>All of it is gone.</summary>
internal sealed class NothingLeftCheck : IConformanceCheck
{
    public string Name => "nothing left";

    public string Proves => "Nothing of any sandbox is there when it has ended.";

    public async Task<Finding> RunAsync(ConformanceRun run, CancellationToken ct)
    {
        var left = await run.Site.RemainsAsync(run.Started, ct);
        return left.Count > 0
            ? Finding.Failed($"Still there: {string.Join(", ", left.Take(10))}.")
            : Finding.Ok(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{run.Started.Count} sandboxes ended and gone"));
    }
}
