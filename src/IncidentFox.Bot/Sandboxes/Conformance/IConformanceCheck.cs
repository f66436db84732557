namespace IncidentFox.Bot.Sandboxes.Conformance;

/// <summary>One thing that must hold of every sandbox.</summary>
internal interface IConformanceCheck
{
    string Name { get; }

    /// <summary>What holds when it is ok.</summary>
    string Proves { get; }

    Task<Finding> RunAsync(ConformanceRun run, CancellationToken ct);
}
