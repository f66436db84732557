using Microsoft.Extensions.Logging;

namespace IncidentFox.Bot.Sandboxes.Conformance;

/// <summary>The suite on this machine.</summary>
public sealed class LocalConformance : IAsyncDisposable
{
    private readonly LocalSite site;

    private LocalConformance(LocalSite site) => this.site = site;

    /// <summary>The isolations there are, strongest first.</summary>
    public static IReadOnlyList<string> Drivers { get; } = ["gvisor", "bubblewrap"];

    /// <summary>To be run once.</summary>
    public ConformanceSuite Suite => new(site);

    /// <param name="settings">Agent and platform are taken from here; limits and directories are the suite's own.</param>
    /// <param name="driver">One of <see cref="Drivers"/>.</param>
    /// <exception cref="CannotCheckException">It does not work here.</exception>
    public static async Task<LocalConformance> OpenAsync(LocalSandboxOptions settings, string driver, TimeProvider time, ILogger logger, CancellationToken ct) =>
        new(await LocalSite.OpenAsync(settings, driver, time, logger, ct));

    /// <summary>What is there of any sandbox, for tests.</summary>
    internal IReadOnlyList<string> Remains() => site.Remains();

    public ValueTask DisposeAsync() => site.DisposeAsync();
}
