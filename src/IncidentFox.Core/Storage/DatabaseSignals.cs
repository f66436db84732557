using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Core.Storage;

/// <summary>What changed: a kind (<c>investigation</c>, <c>approval</c>, ...) and an id. Null id: anything may have changed (after a reconnect).</summary>
public readonly record struct Signal(string Kind, Guid? Id);

/// <summary>
/// Wakes those who wait for a row. A wake-up only says "look again": one that is lost costs a poll interval, never an event.
/// One connection listens; when it breaks, everybody is woken after it is back.
/// </summary>
public sealed class DatabaseSignals(Database database, ILogger<DatabaseSignals> logger) : BackgroundService
{
    private readonly ConcurrentDictionary<Guid, Subscription> _subscriptions = new();

    /// <summary>Calls back on each signal of the kind until disposed. The callback must be quick and must not throw.</summary>
    public IDisposable Subscribe(string kind, Action<Guid?> onSignal)
    {
        var subscription = new Subscription(this, Guid.NewGuid(), kind, onSignal);
        _subscriptions[subscription.Key] = subscription;
        return subscription;
    }

    /// <summary>Completes when the row may have changed, or after the time given, whichever comes first. Subscribe before you read: see <see cref="Watch"/>.</summary>
    public Watch WatchFor(string kind, Guid id) => new(this, kind, id);

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ListenAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException)
            {
                logger.LogWarning("Listening for database signals broke ({Reason}); trying again in 1 s", e.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task ListenAsync(CancellationToken stoppingToken)
    {
        await using var connection = await database.OpenAsync(stoppingToken);
        connection.Notification += (_, e) =>
        {
            var colon = e.Payload.IndexOf(':');
            if (colon > 0 && Guid.TryParse(e.Payload.AsSpan(colon + 1), out var id))
                Dispatch(e.Payload[..colon], id);
        };
        await using (var listen = new NpgsqlCommand("listen incidentfox", connection))
            await listen.ExecuteNonQueryAsync(stoppingToken);
        foreach (var kind in _subscriptions.Values.Select(s => s.Kind).Distinct())
            Dispatch(kind, null);
        while (true)
            await connection.WaitAsync(stoppingToken);
    }

    private void Dispatch(string kind, Guid? id)
    {
        foreach (var subscription in _subscriptions.Values.Where(s => s.Kind == kind))
            subscription.OnSignal(id);
    }

    private sealed record Subscription(DatabaseSignals Owner, Guid Key, string Kind, Action<Guid?> OnSignal) : IDisposable
    {
        public void Dispose() => Owner._subscriptions.TryRemove(Key, out _);
    }

    /// <summary>Watches one row. Create it, read the row, then wait: a change in between is not missed.</summary>
    public sealed class Watch : IDisposable
    {
        private readonly SemaphoreSlim _changed = new(0);
        private readonly IDisposable _subscription;

        internal Watch(DatabaseSignals signals, string kind, Guid id) =>
            _subscription = signals.Subscribe(kind, changed =>
            {
                // Many changes before the next look are one.
                if ((changed is null || changed == id) && _changed.CurrentCount == 0)
                    _changed.Release();
            });

        /// <summary>True when the row may have changed, false when the time is over.</summary>
        public Task<bool> WaitAsync(TimeSpan atMost, CancellationToken cancellationToken) => _changed.WaitAsync(atMost, cancellationToken);

        /// <inheritdoc />
        public void Dispose() => _subscription.Dispose();
    }
}
