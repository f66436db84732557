using System.Net;
using IncidentFox.Core;

namespace IncidentFox.Bot.Sandboxes.Conformance;

/// <summary>A place where sandboxes run, as the suite needs it besides the driver: its limits, its surroundings, and what can only be seen from outside.</summary>
internal interface IConformanceSite
{
    ISandboxDriver Driver { get; }

    /// <summary>What each sandbox of the suite may use: little, so that the limits are soon reached.</summary>
    SandboxLimits Limits { get; }

    /// <summary>Processor time of one sandbox, in processors; null where nothing limits it, or there are no more to be had.</summary>
    double? Processors { get; }

    /// <summary>What can be written to <c>/tmp</c>.</summary>
    long ScratchBytes { get; }

    /// <summary>How long it may take until somebody notices that more was written, where the kernel does not refuse it at once.</summary>
    TimeSpan ScratchPatience { get; }

    /// <summary>Answer out here, and must not in there.</summary>
    IReadOnlyList<IPEndPoint> OutOfReach { get; }

    /// <summary>Where other sandboxes would reach this one; null where sandboxes have no address. Waits until it has one.</summary>
    Task<IPAddress?> AddressOfAsync(SandboxId sandbox, CancellationToken ct);

    /// <summary>The checks, by name, that are only played here.</summary>
    IReadOnlySet<string> Simulated { get; }

    /// <summary>What else limits processes there, for the detail; empty when there is nothing to say.</summary>
    Task<string> ProcessLimitAsync(SandboxId sandbox, CancellationToken ct);

    /// <summary>Whether the gateway knew the sandbox that knocked, and knew it by something that is good for nothing else.</summary>
    Task<Finding> IsKnownAsync(SandboxId sandbox, ActReports reports, CancellationToken ct);

    /// <summary>Whether what a sandbox is known by is refused from anybody else, and once it has ended.</summary>
    Task<Finding> RefusesStolenAsync(ConformanceRun run, CancellationToken ct);

    /// <summary>What is still there of these sandboxes.</summary>
    Task<IReadOnlyList<string>> RemainsAsync(IReadOnlyCollection<SandboxId> sandboxes, CancellationToken ct);
}
