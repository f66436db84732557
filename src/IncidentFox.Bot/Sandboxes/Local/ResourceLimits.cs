namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>
/// What holds a sandbox where no cgroup can: limits of setrlimit(2), each for every process by itself. Weaker, and said so at start-up.
/// </summary>
/// <param name="Data">RLIMIT_DATA: private writable memory.</param>
/// <param name="Processes">RLIMIT_NPROC: threads of the sandbox's user.</param>
internal sealed record ResourceLimits(long Data, int Processes)
{
    /// <summary>RLIMIT_AS, for what RLIMIT_DATA does not count: .NET reserves half of it for its heap, and uses only what it needs.</summary>
    public long AddressSpace => AddressSpaceFor(Data);

    public static long AddressSpaceFor(long memoryBytes) => (2 * memoryBytes) + (256L * 1024 * 1024);
}
