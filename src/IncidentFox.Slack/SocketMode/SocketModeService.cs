using IncidentFox.Slack.BlockKit;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Slack.SocketMode;

/// <summary>Keeps several connections open. Each is replaced before it is closed, so that there is always one for Slack to deliver to.</summary>
internal sealed partial class SocketModeService(
    SocketOpener opener,
    EnvelopeHandler handler,
    SlackOptions options,
    TimeProvider clock,
    ILogger<SocketModeService> log) : BackgroundService
{
    /// <summary>A connection that lived this long was a good one: the next failure counts as the first.</summary>
    private static readonly TimeSpan Stable = TimeSpan.FromSeconds(30);

    /// <summary>How long a replaced connection is still read before it is closed.</summary>
    private static readonly TimeSpan Overlap = TimeSpan.FromSeconds(10);

    private const int SwitchedOff = 8;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(Enumerable.Range(1, options.SocketConnections).Select(slot => KeepOpenAsync(slot, stoppingToken)));

    private async Task KeepOpenAsync(int slot, CancellationToken stopping)
    {
        SocketConnection? current = null;
        var retired = Task.CompletedTask;
        var failures = 0;
        try
        {
            while (true)
            {
                var started = clock.GetTimestamp();
                if (await TryOpenAsync(slot, stopping) is { } next)
                {
                    LogOpened(slot);
                    retired = Task.WhenAll(retired, RetireAsync(current, stopping));
                    current = next;
                    var reason = await UntilItMustBeReplacedAsync(current, stopping);
                    LogReplacing(slot, reason);
                    failures = reason == "link_disabled" ? SwitchedOff : clock.GetElapsedTime(started) >= Stable ? 0 : failures + 1;
                }
                else
                {
                    failures++;
                }

                if (failures > 0)
                {
                    await Task.Delay(Backoff.After(failures, Random.Shared.NextDouble()), clock, stopping);
                }
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            await Task.WhenAll(retired, current?.DisposeAsync().AsTask() ?? Task.CompletedTask);
        }
    }

    private async Task<SocketConnection?> TryOpenAsync(int slot, CancellationToken stopping)
    {
        try
        {
            return await SocketConnection.OpenAsync(opener, handler, clock, stopping);
        }
        catch (Exception exception) when (!stopping.IsCancellationRequested)
        {
            LogNotOpened(slot, exception is SocketOpenException ? exception.Message : exception.GetType().Name);
            return null;
        }
    }

    private static async Task<string> UntilItMustBeReplacedAsync(SocketConnection connection, CancellationToken stopping)
    {
        await Task.WhenAny(connection.Ended, connection.ReplacementWanted).WaitAsync(stopping);
        return connection.ReplacementWanted.IsCompletedSuccessfully ? SlackText.Inert(await connection.ReplacementWanted, 40) : "closed";
    }

    private async Task RetireAsync(SocketConnection? old, CancellationToken stopping)
    {
        if (old is null)
        {
            return;
        }

        try
        {
            await old.Ended.WaitAsync(Overlap, clock, stopping);
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            // Slack did not close it in time, or we are stopping: close it ourselves.
        }

        await old.DisposeAsync();
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Socket Mode connection {Slot} is open")]
    private partial void LogOpened(int slot);

    [LoggerMessage(Level = LogLevel.Information, Message = "Socket Mode connection {Slot} is being replaced: {Reason}")]
    private partial void LogReplacing(int slot, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Socket Mode connection {Slot} could not be opened: {Reason}")]
    private partial void LogNotOpened(int slot, string reason);
}
