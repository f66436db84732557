using System.Collections.Concurrent;
using IncidentFox.Bot.Investigations.Storage;
using IncidentFox.Bot.Sandboxes;
using IncidentFox.Core;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Bot.Investigations;

/// <summary>
/// Holds the sandboxes that this process runs, from start to end: pauses their clock while people decide, stops them when the investigation is over, and
/// draws the conclusion when one is gone.
/// </summary>
internal sealed class SandboxSupervisor(
    SupervisionStore reads, SandboxConclusion conclusion, DatabaseSignals signals, ISandboxDriver driver, BotOptions options, TimeProvider time,
    ILogger<SandboxSupervisor> logger)
    : IHostedService, IDisposable
{
    /// <summary>How long an agent that has reported may take to leave by itself.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(3.5);

    private readonly ConcurrentDictionary<InvestigationId, Held> _held = new();
    private readonly SemaphoreSlim _room = new(options.MaxSandboxes, options.MaxSandboxes);
    private volatile bool _stopping;

    /// <summary>Takes a place for one more sandbox; false when there is none or the bot is stopping.</summary>
    public bool TryReserve() => !_stopping && _room.Wait(0);

    /// <summary>How many more sandboxes could start now.</summary>
    public int FreePlaces => _stopping ? 0 : _room.CurrentCount;

    /// <summary>Gives the place back when nothing came of it.</summary>
    public void Release() => _room.Release();

    /// <summary>This process is responsible for the investigation's sandbox.</summary>
    public bool Holds(InvestigationId id) => _held.ContainsKey(id);

    /// <summary>Marks the investigation as this process's before its sandbox starts.</summary>
    public Held Expect(InvestigationId id) => _held[id] = new Held();

    /// <summary>Forgets one whose sandbox did not start.</summary>
    public void Forget(InvestigationId id, Held held) => _held.TryRemove(KeyValuePair.Create(id, held));

    /// <summary>Watches a sandbox until it is gone, in the background. The place taken before is given back then.</summary>
    public void Watch(InvestigationId id, Held held, ISandbox sandbox)
    {
        held.Sandbox = sandbox;
        held.Work = Task.Run(() => WatchAsync(id, held, sandbox));
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Stops every sandbox and leaves its investigation to be resumed; those that outlive the bot are let go, for another to take over.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _stopping = true;
        var work = _held.Values.Select(async held =>
        {
            if (held.Sandbox is { } sandbox && !driver.SandboxesOutliveTheBot)
                await sandbox.StopAsync(cancellationToken);
            await held.Work;
        }).ToArray();
        try
        {
            await Task.WhenAll(work).WaitAsync(StopLimit, time, cancellationToken);
        }
        catch (Exception e)
        {
            logger.LogWarning("Not every sandbox was seen off in time ({Reason}); the next start does the rest", e.Message);
        }
    }

    public void Dispose() => _room.Dispose();

    private async Task WatchAsync(InvestigationId id, Held held, ISandbox sandbox)
    {
        try
        {
            if (!await AttendAsync(id, sandbox))
                return;
            var exit = await sandbox.Exited;
            var end = _stopping && exit.Kind == SandboxExitKind.Stopped ? SandboxEnd.BotStopped : EndOf(exit);
            logger.LogInformation("Sandbox {Sandbox} of {Investigation} ended: {End}, exit code {Code}", sandbox.Id, id, end, exit.ExitCode);
            await ConcludeAsync(id, sandbox.Id, end, exit);
        }
        catch (Exception e)
        {
            // The sweep finds the investigation without a holder and treats the sandbox as lost.
            logger.LogError(e, "Supervising {Investigation} failed", id);
            await sandbox.StopAsync(CancellationToken.None);
        }
        finally
        {
            // By this very entry: a fresh sandbox of the same investigation may have its own already.
            Forget(id, held);
            _room.Release();
        }
    }

    // False when the bot ends and the sandbox does not.
    private async Task<bool> AttendAsync(InvestigationId id, ISandbox sandbox)
    {
        using var changed = new SemaphoreSlim(1);
        void Poke(Guid? which)
        {
            if (changed.CurrentCount == 0)
                changed.Release();
        }
        using var investigation = signals.Subscribe("investigation", which => { if (which is null || which == id.Value) Poke(which); });
        using var approvals = signals.Subscribe("approval", Poke);
        var suspended = false;
        while (!sandbox.Exited.IsCompleted)
        {
            using var waiting = new CancellationTokenSource();
            await Task.WhenAny(sandbox.Exited, changed.WaitAsync(waiting.Token), Task.Delay(LookAgain, time, waiting.Token));
            await waiting.CancelAsync();
            var now = sandbox.Exited.IsCompleted || (_stopping && driver.SandboxesOutliveTheBot) ? null : await ReadAsync(id);
            // Looked at once: a stop of the bot that comes a moment later lets go in the next round.
            var stopping = _stopping;
            if (stopping && driver.SandboxesOutliveTheBot)
                return false;
            if (now is null)
                continue;
            // A start that overlapped with the stop of the bot ends here.
            if (stopping || now.State.IsFinal() || now.Sandbox != sandbox.Id)
            {
                await sandbox.StopAsync(CancellationToken.None);
            }
            else if (now.ReportFinal)
            {
                await Task.WhenAny(sandbox.Exited, Task.Delay(Grace, time));
                await sandbox.StopAsync(CancellationToken.None);
            }
            else if (now.Deciding != suspended)
            {
                suspended = now.Deciding;
                if (suspended)
                    sandbox.SuspendClock();
                else
                    sandbox.ResumeClock();
            }
        }
        return true;
    }

    // The database may be away for a while; the sandbox's own limits still hold.
    private async Task<Supervised?> ReadAsync(InvestigationId id)
    {
        try
        {
            return await reads.FindAsync(id, CancellationToken.None);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            logger.LogWarning("The state of {Investigation} could not be read ({Reason})", id, e.Message);
            return null;
        }
    }

    private async Task ConcludeAsync(InvestigationId id, SandboxId sandbox, SandboxEnd end, SandboxExit exit)
    {
        while (true)
        {
            try
            {
                await conclusion.DrawAsync(id, sandbox, end, exit.LogTail, CancellationToken.None, exit.Fault);
                return;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException && !_stopping)
            {
                logger.LogWarning("The end of sandbox {Sandbox} could not be written ({Reason}); trying again in 1 s", sandbox, e.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), time);
            }
        }
    }

    internal static SandboxEnd EndOf(SandboxExit exit) => exit switch
    {
        { Kind: SandboxExitKind.Finished } => SandboxEnd.Finished,
        { Kind: SandboxExitKind.TimedOut } => SandboxEnd.TimedOut,
        { Kind: SandboxExitKind.OutOfMemory } => SandboxEnd.OutOfMemory,
        { Kind: SandboxExitKind.Stopped } => SandboxEnd.Stopped,
        { ExitCode: NotCagedExitCode } or { Fault.Code: "not_caged" } => SandboxEnd.NotCaged,
        _ => SandboxEnd.Crashed,
    };

    // The agent's way to say that something answered which must be out of reach.
    private const int NotCagedExitCode = 3;

    /// <summary>One investigation that this process is responsible for.</summary>
    internal sealed class Held
    {
        public ISandbox? Sandbox { get; set; }

        public Task Work { get; set; } = Task.CompletedTask;
    }
}
