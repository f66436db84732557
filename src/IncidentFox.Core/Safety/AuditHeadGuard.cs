using System.Text.Json.Nodes;
using Dapper;
using IncidentFox.Core.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Core.Safety;

/// <summary>
/// Keeps the head of the audit chain in a file outside the database (<c>Audit:HeadFile</c>) and compares the two, before anything starts and every half
/// minute. A database that does not have the link that the file names was restored from a backup, or is another one: what it believes to be open may have run
/// already. Then the product goes into safe mode. The file stays as it is until an org admin has left safe mode.
/// </summary>
public sealed partial class AuditHeadGuard(string file, Database database, Stops stops, TimeProvider time, ILogger<AuditHeadGuard> logger) : IHostedService, IAsyncDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(30);
    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;

    /// <summary>Compares before the start goes on: what comes after it finds safe mode in force.</summary>
    /// <exception cref="InvalidDataException">The file is there and is no head.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await CheckAsync(cancellationToken);
        _loop = LoopAsync(_stop.Token);
    }

    /// <inheritdoc />
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        _stop.Dispose();
    }

    /// <summary>Once: true when database and file agree, and then the file has the newest head.</summary>
    public async Task<bool> CheckAsync(CancellationToken cancellationToken)
    {
        var kept = await ReadAsync(cancellationToken);
        if (kept is not null && await AuditHead.AtAsync(database, kept.Sequence, cancellationToken) != kept && !await WasLeftAsync(kept, cancellationToken))
        {
            var newest = await AuditHead.NewestAsync(database, cancellationToken);
            var evidence = new JsonObject
            {
                ["file_sequence"] = kept.Sequence, ["file_hash"] = kept.Hash, ["database_sequence"] = newest.Sequence, ["database_hash"] = newest.Hash,
            };
            var reason = kept.Sequence > newest.Sequence
                ? $"The audit trail in the database ends at {newest.Sequence}, but it had reached {kept.Sequence}: the database was restored from a backup."
                : $"Line {kept.Sequence} of the audit trail in the database is not the one that was there: this is another database, or it was changed.";
            if (await stops.EnterSafeModeAsync(reason, evidence, cancellationToken))
                SafeMode(logger, reason);
            return false;
        }
        await WriteAsync(await AuditHead.NewestAsync(database, cancellationToken), cancellationToken);
        return true;
    }

    // An org admin has seen this very difference and gone on.
    private async Task<bool> WasLeftAsync(AuditHead kept, CancellationToken ct)
    {
        await using var connection = await database.OpenAsync(ct);
        return await connection.QuerySingleAsync<bool>(new CommandDefinition(
            """
            select exists (select from app.stops where kind = 'safe_mode' and lifted_at is not null
                             and evidence ->> 'file_hash' = @Hash and (evidence ->> 'file_sequence')::bigint = @Sequence)
               and not exists (select from app.stops where kind = 'safe_mode' and lifted_at is null)
            """, new { kept.Hash, kept.Sequence }, cancellationToken: ct));
    }

    private async Task<AuditHead?> ReadAsync(CancellationToken ct)
    {
        if (!File.Exists(file))
            return null;
        var text = new FileInfo(file).Length > 1_000 ? "" : await File.ReadAllTextAsync(file, ct);
        return AuditHead.TryParse(text)
            ?? throw new InvalidDataException($"Audit:HeadFile {file} holds no head of an audit chain. If you know why, move it away and start again; until then nothing starts.");
    }

    // Whole or not at all: a torn file would keep the next start from starting.
    private async Task WriteAsync(AuditHead head, CancellationToken ct)
    {
        var next = $"{file}.{Guid.NewGuid():N}";
        await using (var stream = new FileStream(next, FileMode.CreateNew, FileAccess.Write))
        {
            await stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes(head.ToJson()), ct);
            stream.Flush(flushToDisk: true);
        }
        File.Move(next, file, overwrite: true);
    }

    private async Task LoopAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            await Task.Delay(Every, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                await CheckAsync(stopping);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException or UnauthorizedAccessException or InvalidDataException)
            {
                NotKept(logger, file, e.Message);
            }
        }
    }

    [LoggerMessage(90, LogLevel.Critical, "SAFE MODE: {Reason} Open approvals are cancelled and nothing runs until an org admin leaves safe mode with /incidentfox-admin unfreeze org and a reason.")]
    private static partial void SafeMode(ILogger logger, string reason);

    [LoggerMessage(91, LogLevel.Error, "The head of the audit chain could not be kept in {File} ({Reason}); trying again")]
    private static partial void NotKept(ILogger logger, string file, string reason);
}
