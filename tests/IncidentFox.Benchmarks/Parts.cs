using IncidentFox.Benchmarks.Approvals;
using IncidentFox.Benchmarks.Gateway;
using IncidentFox.Benchmarks.Kubernetes;
using IncidentFox.Benchmarks.Measuring;
using IncidentFox.Benchmarks.Spine;

namespace IncidentFox.Benchmarks;

/// <summary>One subject that is measured as a whole; its figures end in one file.</summary>
internal interface IPart
{
    /// <summary>Measures. A figure is worth writing down as soon as it is known: a later failure does not take it back.</summary>
    Task RunAsync(FigureSheet sheet, CancellationToken cancellationToken);
}

/// <summary>What can be measured, by name.</summary>
internal static class Parts
{
    public static IReadOnlyDictionary<string, Func<IPart>> All { get; } = new SortedDictionary<string, Func<IPart>>(StringComparer.Ordinal)
    {
        ["approvals"] = () => new ApprovalsPart(),
        ["gateway"] = () => new GatewayPart(),
        ["kubernetes"] = () => new KubernetesPart(),
        ["spine"] = () => new SpinePart(),
    };
}
