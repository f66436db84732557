using System.Security.Cryptography;
using Dapper;
using IncidentFox.Core.Storage;

namespace IncidentFox.Core.Audit;

/// <summary>Which events to read.</summary>
public sealed record AuditFilter
{
    /// <summary>Only this investigation's.</summary>
    public Guid? InvestigationId { get; init; }

    /// <summary>Only this type.</summary>
    public string? EventType { get; init; }

    /// <summary>Only this organization's.</summary>
    public string? OrgId { get; init; }

    /// <summary>Only this team's; a team's id is unique within its organization only.</summary>
    public string? TeamId { get; init; }
}

/// <summary>Reads the trail in the order in which it was written.</summary>
public sealed class AuditReader(Database database, ColumnCipher cipher)
{
    /// <summary>The last events, oldest first.</summary>
    public async Task<IReadOnlyList<AuditEvent>> LastAsync(int count, AuditFilter filter, CancellationToken cancellationToken)
    {
        var events = await ReadAsync("true", "desc", count, filter, default, cancellationToken);
        return [.. events.Reverse()];
    }

    /// <summary>Events after one that was read before, oldest first.</summary>
    public Task<IReadOnlyList<AuditEvent>> AfterAsync(AuditEvent? last, int count, AuditFilter filter, CancellationToken cancellationToken) =>
        ReadAsync(last is null ? "true" : "(e.at, e.id) > (@afterAt, @afterId)", "asc", count, filter, (last?.At.UtcDateTime, last?.Id), cancellationToken);

    private async Task<IReadOnlyList<AuditEvent>> ReadAsync(
        string where, string direction, int count, AuditFilter filter, (DateTime? At, Guid? Id) after, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<AuditRow>(new CommandDefinition(
            $"""
            select {AuditRow.Columns}, p.salt, p.ciphertext
              from app.audit_events e left join app.audit_payloads p on p.event_id = e.id
             where {where}
               and (@InvestigationId::uuid is null or e.investigation_id = @InvestigationId)
               and (@EventType::text is null or e.event_type = @EventType)
               and (@OrgId::text is null or e.org_id = @OrgId)
               and (@TeamId::text is null or e.team_id = @TeamId)
             order by e.at {direction}, e.id {direction} limit @count
            """,
            new { filter.InvestigationId, filter.EventType, filter.OrgId, filter.TeamId, count, afterAt = after.At, afterId = after.Id },
            cancellationToken: cancellationToken));
        return [.. rows.Select(r => r.ToEvent(Query(r)))];
    }

    private string? Query(AuditRow row)
    {
        if (row.Ciphertext is null)
            return null;
        try
        {
            return cipher.Decrypt(AuditLog.PayloadCell(row.Id), row.Ciphertext);
        }
        catch (CryptographicException)
        {
            return "[can't be decrypted with the configured keys]";
        }
    }
}
