using Npgsql;

namespace IncidentFox.Benchmarks.Spine;

/// <summary>When the latest investigation's sandbox reached what, as the product wrote it down.</summary>
internal sealed class InvestigationTimeline(string ownerConnectionString) : IAsyncDisposable
{
    private readonly NpgsqlDataSource _source = NpgsqlDataSource.Create(ownerConnectionString);

    /// <summary>Moments of one sandbox: claimed, known to be caged, first tool call.</summary>
    public sealed record Times(DateTimeOffset SandboxMade, DateTimeOffset Caged, DateTimeOffset FirstCall);

    /// <summary>Waits until the latest investigation is over; anything but success throws.</summary>
    public async Task<Times> OfLatestAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await using var command = _source.CreateCommand(
                """
                select i.status, coalesce(i.failure, ''), s.created_at, s.caged_at, s.first_call_at
                  from app.investigations i left join app.sandboxes s on s.id = i.sandbox_id order by i.created_at desc limit 1
                """);
            await using var row = await command.ExecuteReaderAsync(cancellationToken);
            if (!await row.ReadAsync(cancellationToken))
                throw new InvalidOperationException("There is no investigation.");
            switch (row.GetString(0))
            {
                case "completed":
                    return new Times(row.GetFieldValue<DateTimeOffset>(2), row.GetFieldValue<DateTimeOffset>(3), row.GetFieldValue<DateTimeOffset>(4));
                case "failed" or "stopped":
                    throw new InvalidOperationException($"The investigation {row.GetString(0)}: {row.GetString(1)}");
            }
            await Task.Delay(TimeSpan.FromMilliseconds(50), cancellationToken);
        }
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();
}
