using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Gateway.Rules.Reload;

/// <summary>
/// Looks at the integration files when something says that they changed, and every few seconds in any case: notifications get lost on network file
/// systems, and don't come at all for a mounted ConfigMap's swapped link on some.
/// </summary>
internal sealed class IntegrationWatcher(GatewayOptions options, IntegrationReload reload, TimeProvider time, ILogger<IntegrationWatcher> logger) : BackgroundService
{
    /// <summary>The longest that a change waits.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    // An editor or a copy writes in several steps: a half-written file would be refused and said to be wrong.
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(200);

    private readonly SemaphoreSlim _changed = new(0, 1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var watchers = Watch();
        try
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                await LookAsync(stoppingToken);
                using var wait = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
                var told = _changed.WaitAsync(wait.Token);
                await Task.WhenAny(told, Task.Delay(Every, time, wait.Token));
                if (told.IsCompletedSuccessfully)
                    await Task.Delay(Settle, time, stoppingToken);
                await wait.CancelAsync();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process ends.
        }
        finally
        {
            watchers.ForEach(w => w.Dispose());
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        try
        {
            await reload.CheckAsync(cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Whatever it is, the set in force stays, and the next look may succeed.
            logger.LogError(e, "Looking at the integration files failed");
        }
    }

    private List<FileSystemWatcher> Watch()
    {
        var watchers = new List<FileSystemWatcher>();
        foreach (var path in options.Integrations)
        {
            try
            {
                var full = Path.GetFullPath(path);
                var watcher = Directory.Exists(full) ? new FileSystemWatcher(full) : new FileSystemWatcher(Path.GetDirectoryName(full)!, Path.GetFileName(full));
                watchers.Add(watcher);
                watcher.Changed += Tell;
                watcher.Created += Tell;
                watcher.Deleted += Tell;
                watcher.Renamed += Tell;
                watcher.EnableRaisingEvents = true;
            }
            catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException)
            {
                logger.LogWarning("Changes of {Path} are not notified ({Reason}); it is looked at every {Seconds} s", path, e.Message, Every.TotalSeconds);
            }
        }
        return watchers;
    }

    private void Tell(object sender, FileSystemEventArgs e)
    {
        try
        {
            _changed.Release();
        }
        catch (SemaphoreFullException)
        {
            // Told already.
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _changed.Dispose();
    }
}
