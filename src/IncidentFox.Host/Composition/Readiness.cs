using IncidentFox.Core.Storage;
using Npgsql;

namespace IncidentFox.Host.Composition;

/// <summary>
/// Whether a process may be sent work: it has started and is not ending, and its database answers and has this version's schema. Whatever else a process needs (rules, secrets,
/// a sandbox that isolates) it has before it listens, or it does not start. One look a second, however often it is asked.
/// </summary>
public sealed class Readiness(NpgsqlDataSource source, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan Keep = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly Database _database = new(source);
    private Task<string?>? _look;
    private long _lookedAt;
    private string? _phase = "this process is starting";

    /// <summary>Everything listens.</summary>
    public void Begin() => Enter(null);

    /// <summary>From now on nothing new is wanted.</summary>
    public void End() => Enter("this process is ending");

    /// <summary>Why it is not ready; null when it is.</summary>
    public Task<string?> ProblemAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_phase is not null)
                return Task.FromResult<string?>(_phase);
            if (_look is null || (_look.IsCompleted && time.GetElapsedTime(_lookedAt) >= Keep))
            {
                _lookedAt = time.GetTimestamp();
                _look = LookAsync();
            }
            return _look.WaitAsync(cancellationToken);
        }
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => source.DisposeAsync();

    private void Enter(string? phase)
    {
        lock (_gate)
            _phase = phase;
    }

    private async Task<string?> LookAsync()
    {
        using var patience = new CancellationTokenSource(Patience, time);
        try
        {
            return await Migrator.MissingAsync(_database, patience.Token) is { Count: > 0 } ? "the database's schema is not this version's: run incidentfox migrate" : null;
        }
        catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException or OperationCanceledException)
        {
            return "the database does not answer";
        }
    }
}
