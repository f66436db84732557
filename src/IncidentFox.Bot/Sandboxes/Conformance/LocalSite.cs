using System.Globalization;
using System.Net;
using IncidentFox.Bot.Sandboxes.Local;
using IncidentFox.Core;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Bot.Sandboxes.Conformance;

/// <summary>This machine, with one of its runtimes, in a runtime directory of its own that is removed afterwards.</summary>
internal sealed class LocalSite : IConformanceSite, IAsyncDisposable
{
    private readonly LocalSandboxOptions options;
    private readonly CgroupHost? cgroups;
    private readonly LocalDoor door;
    private readonly Bait bait = new(null);

    private LocalSite(LocalSandboxOptions options, CgroupHost? cgroups, LocalDoor door) => (this.options, this.cgroups, this.door) = (options, cgroups, door);

    public ISandboxDriver Driver { get; private set; } = null!;

    public SandboxLimits Limits => options.Limits;

    public double? Processors => cgroups?.LimitsProcessors is true ? options.Processors : null;

    // What both runtimes give to /tmp.
    public long ScratchBytes => 16L * 1024 * 1024;

    public TimeSpan ScratchPatience => TimeSpan.Zero;

    public IReadOnlySet<string> Simulated { get; } = new HashSet<string>();

    public IReadOnlyList<IPEndPoint> OutOfReach => bait.Addresses;

    /// <param name="settings">Agent and platform are taken from here; limits and directories are the suite's own.</param>
    /// <param name="driver"><c>gvisor</c>, <c>bubblewrap</c> or <c>none</c>.</param>
    /// <exception cref="CannotCheckException">It does not work here.</exception>
    public static async Task<LocalSite> OpenAsync(LocalSandboxOptions settings, string driver, TimeProvider time, ILogger logger, CancellationToken ct)
    {
        var own = new LocalSandboxOptions
        {
            AgentPath = settings.AgentPath,
            Driver = driver,
            AllowUnisolated = driver == "none",
            RuntimeDirectory = Directory.CreateTempSubdirectory("ifxcheck").FullName,
            Duration = TimeSpan.FromMinutes(2),
            MemoryBytes = 192L * 1024 * 1024,
            Processes = 48,
            Processors = 0.5,
            GVisorPlatform = settings.GVisorPlatform,
            SelfCheckTimeout = settings.SelfCheckTimeout,
        };
        var machine = LocalMachine.Detect();
        var site = new LocalSite(own, machine.Cgroups, new LocalDoor(own.RuntimeDirectory));
        try
        {
            site.Driver = await LocalSandboxes.ChooseAsync(own, machine, site.door, time, logger, ct) switch
            {
                LocalSandboxChoice.Chosen(var chosen) => chosen,
                LocalSandboxChoice.Refused refused => throw new CannotCheckException(refused.Sentence),
                _ => throw new InvalidOperationException("Unknown choice."),
            };
            return site;
        }
        catch
        {
            await site.DisposeAsync();
            throw;
        }
    }

    public Task<IPAddress?> AddressOfAsync(SandboxId sandbox, CancellationToken ct) => Task.FromResult<IPAddress?>(null);

    public Task<string> ProcessLimitAsync(SandboxId sandbox, CancellationToken ct) => Task.FromResult("");

    public Task<Finding> IsKnownAsync(SandboxId sandbox, ActReports reports, CancellationToken ct) => Task.FromResult(
        door.KnocksOf(sandbox) > 0
            ? Finding.Ok("known by its own socket, which it alone has; there is no token")
            : Finding.Failed("It did not come through its own socket."));

    /// <summary>Here a socket is what a token is elsewhere: another sandbox looks for it, and after its end nobody is behind it.</summary>
    public async Task<Finding> RefusesStolenAsync(ConformanceRun run, CancellationToken ct)
    {
        var owner = await run.StartAsync(Limits, ct, "wait");
        var path = Path.Combine(door.FolderOf(owner.Id), "gateway.sock");
        var isThere = File.Exists(path);
        var thief = await run.RunAsync(Limits, ct, $"dial={path}", "knock");
        await run.StopAsync(owner, ct);
        return !isThere || thief.Reports.Of("dial")?.Text("outcome") is not { Length: > 0 } outcome ? Finding.Failed($"It could not be tried: {thief.How}")
            : outcome == "Connected" ? Finding.Failed("Another sandbox came to its socket.")
            : door.KnocksOf(thief.Id) == 0 ? Finding.Failed("Another sandbox did not come to its own socket.")
            : File.Exists(path) ? Finding.Failed("Its socket is there after its end.")
            : Finding.Ok("another sandbox sees only its own socket; it was gone with its sandbox");
    }

    public Task<IReadOnlyList<string>> RemainsAsync(IReadOnlyCollection<SandboxId> sandboxes, CancellationToken ct) =>
        Task.FromResult<IReadOnlyList<string>>([.. sandboxes.SelectMany(Remains)]);

    /// <summary>Whatever there is of any sandbox.</summary>
    public IReadOnlyList<string> Remains() => Directory.GetFileSystemEntries(SandboxLayout.RecordsOf(options.RuntimeDirectory));

    public async ValueTask DisposeAsync()
    {
        if (Driver is IAsyncDisposable driver)
        {
            await driver.DisposeAsync();
        }

        door.Dispose();
        bait.Dispose();
        Directory.Delete(options.RuntimeDirectory, recursive: true);
    }

    private IEnumerable<string> Remains(SandboxId sandbox)
    {
        var layout = new SandboxLayout(options.RuntimeDirectory, sandbox);
        return Directory.EnumerateFileSystemEntries(layout.Records, layout.Short + "*")
            .Concat(new[] { door.FolderOf(sandbox) }.Where(Directory.Exists))
            .Concat(cgroups?.FoldersOf(layout.Short).Where(Directory.Exists) ?? [])
            .Concat(Directory.EnumerateDirectories("/proc").Where(p => char.IsAsciiDigit(p[^1]) && Belongs(p, layout)));
    }

    // By its command line, or by the user that no other sandbox has.
    private static bool Belongs(string process, SandboxLayout layout)
    {
        try
        {
            var status = File.ReadAllLines(process + "/status");
            var user = layout.HostUser.ToString(CultureInfo.InvariantCulture);
            return !status.Any(l => l.StartsWith("State:\tZ", StringComparison.Ordinal)) // dead, and only to be collected
                && (File.ReadAllText(process + "/cmdline").Contains(layout.Short, StringComparison.Ordinal)
                    || status.Any(l => l.StartsWith("Uid:", StringComparison.Ordinal) && l.Contains(user, StringComparison.Ordinal)));
        }
        catch (Exception ended) when (ended is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
