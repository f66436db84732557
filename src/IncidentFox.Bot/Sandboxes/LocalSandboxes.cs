using IncidentFox.Bot.Sandboxes.Local;
using IncidentFox.Core.Sandboxes;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Bot.Sandboxes;

/// <summary>Which local driver there is.</summary>
public abstract record LocalSandboxChoice
{
    private LocalSandboxChoice()
    {
    }

    /// <summary>This one, and it has been seen to work here.</summary>
    public sealed record Chosen(ISandboxDriver Driver) : LocalSandboxChoice;

    /// <summary>None, and what to do about it.</summary>
    public sealed record Refused(string Code, string Sentence) : LocalSandboxChoice;
}

/// <summary>Finds the strongest isolation that works on this machine.</summary>
public static class LocalSandboxes
{
    /// <summary>Starts one sandbox with each candidate, strongest first, and takes the first whose agent reaches its door.</summary>
    public static Task<LocalSandboxChoice> ChooseAsync(
        LocalSandboxOptions options, ISandboxDoor door, TimeProvider time, ILogger logger, CancellationToken ct) =>
        ChooseAsync(options, LocalMachine.Detect(), door, time, logger, ct);

    internal static async Task<LocalSandboxChoice> ChooseAsync(
        LocalSandboxOptions options, LocalMachine machine, ISandboxDoor door, TimeProvider time, ILogger logger, CancellationToken ct)
    {
        if (options.Validate() is { Count: > 0 } errors)
        {
            return new LocalSandboxChoice.Refused("sandbox_misconfigured", string.Join(' ', errors));
        }

        var cgroups = machine.Cgroups;
        if (cgroups is null)
        {
            logger.LogWarning("No cgroup can be made here: sandboxes are held by resource limits, per process instead of together. Run as root or delegate a cgroup");
        }

        var failures = new List<string>();
        foreach (var candidate in await CandidatesAsync(machine, options, failures, ct))
        {
            if (await SelfCheck.RunAsync(candidate, options, cgroups, time, logger, ct) is { } failure)
            {
                logger.LogWarning("The {Driver} sandbox does not work here: {Reason}", candidate.Name, failure);
                failures.Add($"{candidate.Name}: {failure}");
                continue;
            }

            if (candidate is UnisolatedRuntime)
            {
                logger.LogWarning("Agents run WITHOUT ISOLATION, because {Section}:AllowUnisolated is set. Never do this where it matters", LocalSandboxOptions.SectionName);
            }

            var root = SandboxRoot.Create(options.RuntimeDirectory, options.AgentPath, RootName());
            return new LocalSandboxChoice.Chosen(new LocalSandboxDriver(candidate, options, root, cgroups, door, time, logger));
        }

        return new LocalSandboxChoice.Refused(
            "sandbox_unavailable",
            $"No sandbox works on this machine ({string.Join("; ", failures)}). Install gVisor or bubblewrap, on Debian: apt-get install --no-install-recommends runsc bubblewrap. "
            + $"To run agents without isolation, in development only, set {LocalSandboxOptions.SectionName}:AllowUnisolated to true.");
    }

    internal static string RootName() => $"{ProcessIdentity.Own.FileName}.{Guid.NewGuid():N}";

    private static async Task<IReadOnlyList<ISandboxRuntime>> CandidatesAsync(LocalMachine machine, LocalSandboxOptions options, List<string> missing, CancellationToken ct)
    {
        var candidates = new List<ISandboxRuntime>();
        if (options.Driver is "auto" or "gvisor")
        {
            Add(await Installed.GVisorAsync(machine, options, ct), "gvisor: runsc is not installed");
        }

        if (options.Driver is "auto" or "bubblewrap")
        {
            Add(Installed.Bubblewrap(machine), "bubblewrap: bwrap (and setpriv, when root) is not installed");
        }

        if (options.AllowUnisolated && options.Driver is "auto" or "none")
        {
            candidates.Add(new UnisolatedRuntime());
        }

        return candidates;

        void Add(ISandboxRuntime? runtime, string otherwise)
        {
            if (runtime is null)
            {
                missing.Add(otherwise);
            }
            else
            {
                candidates.Add(runtime);
            }
        }
    }
}
