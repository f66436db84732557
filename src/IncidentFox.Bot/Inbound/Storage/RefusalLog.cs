using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Dapper;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Storage;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Inbound.Storage;

/// <summary>
/// Requests refused at the door: one audit row per source and minute, over all replicas, the rest counted. An IPv6 source is its /64, and past
/// <see cref="MaxSources"/> sources a minute the others share one row: nobody can fill the table, however many addresses they have.
/// </summary>
internal sealed class RefusalLog(Database database, AuditLog audit) : ISlackRefusals
{
    public const int MaxSources = 50;
    private const string Others = "others";

    public async ValueTask RecordAsync(SlackRefusal refusal, CancellationToken cancellationToken) =>
        await database.InTransactionAsync(async (connection, ct) =>
        {
            // The first row of a source and minute tells of it; xmax is 0 for a row that was inserted, not updated.
            var (source, first) = await connection.QuerySingleAsync<(string Source, bool First)>(new CommandDefinition(
                """
                insert into app.slack_refusals (source, minute, count)
                select case when known.n < @MaxSources or exists (select 1 from app.slack_refusals s where s.source = @source and s.minute = known.minute)
                            then @source else @Others end, known.minute, 1 + @Suppressed
                  from (select date_trunc('minute', app.clock()) as minute,
                               (select count(*) from app.slack_refusals r where r.minute = date_trunc('minute', app.clock())) as n) known
                on conflict (source, minute) do update set count = slack_refusals.count + excluded.count
                returning source, xmax = 0
                """, new { source = Source(refusal.SourceAddress), MaxSources, Others, refusal.Suppressed }, cancellationToken: ct));
            if (first)
            {
                await audit.AppendAsync(connection, new AuditEvent
                {
                    EventType = AuditEventTypes.RequestRefused,
                    UserId = source,
                    Status = "denied",
                    Details = new JsonObject
                    {
                        ["path"] = refusal.Path,
                        ["reason"] = refusal.Reason,
                        ["suppressed_before"] = refusal.Suppressed,
                    },
                }, ct);
            }
            return first;
        }, cancellationToken);

    /// <summary>Counts older than a day go; the audit rows stay.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            "delete from app.slack_refusals where minute < app.clock() - interval '1 day'", cancellationToken: cancellationToken));
    }

    internal static string Source(string address)
    {
        if (!IPAddress.TryParse(address, out var ip))
            return address.Length == 0 ? "unknown" : address[..Math.Min(address.Length, 64)];
        if (ip.IsIPv4MappedToIPv6)
            ip = ip.MapToIPv4();
        if (ip.AddressFamily != AddressFamily.InterNetworkV6)
            return ip.ToString();
        var bytes = ip.GetAddressBytes();
        Array.Clear(bytes, 8, 8);
        return $"{new IPAddress(bytes)}/64";
    }
}
