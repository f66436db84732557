using IncidentFox.Core.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Core.Policy;

/// <summary>
/// Keeps the policies in force as the database has them: woken by a change, with a poll that finds what a wake-up missed. When they can't be read
/// for a minute everything is denied: nobody knows what was forbidden meanwhile.
/// </summary>
public sealed class PolicyRefresher(PolicySource policies, DatabaseSignals signals, TimeProvider time, ILogger<PolicyRefresher> logger) : BackgroundService
{
    /// <summary>How old policies may be at most when no wake-up comes through.</summary>
    public static readonly TimeSpan Poll = TimeSpan.FromSeconds(5);

    /// <summary>After this long without reading them nothing is allowed.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private long _read = time.GetTimestamp();

    /// <summary>Reads them before anything asks, and says what can't be read.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await RefreshAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var changed = new SemaphoreSlim(0, 1);
        using var subscription = signals.Subscribe("policy", _ => TryRelease(changed));
        while (!stoppingToken.IsCancellationRequested)
        {
            await changed.WaitAsync(Poll, stoppingToken);
            await RefreshAsync(stoppingToken);
        }
    }

    /// <summary>Reads them now. A failure is logged, and after <see cref="Patience"/> everything is denied.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        try
        {
            await policies.RefreshAsync(cancellationToken);
            _read = time.GetTimestamp();
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
        {
            logger.LogWarning("Policies could not be read ({Reason}); trying again", e.Message);
            if (time.GetElapsedTime(_read) >= Patience)
                policies.Forget("The policies could not be read from the database for a minute, so everything is denied until they can.");
        }
    }

    private static void TryRelease(SemaphoreSlim changed)
    {
        try
        {
            changed.Release();
        }
        catch (Exception e) when (e is SemaphoreFullException or ObjectDisposedException)
        {
            // Two wake-ups at once are one; one while stopping is none.
        }
    }
}
