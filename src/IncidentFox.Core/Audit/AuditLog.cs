using System.Security.Cryptography;
using System.Text;
using Dapper;
using IncidentFox.Core.Storage;
using Npgsql;

namespace IncidentFox.Core.Audit;

/// <summary>
/// Appends to the audit trail. An event goes into the transaction of the change it tells of: if it can't be written, the change does not happen.
/// </summary>
public sealed class AuditLog(Database database, ColumnCipher cipher)
{
    /// <summary>Longest string kept in parameters and details; longer ones are cut and marked, so that nobody can fill the table with one call.</summary>
    public const int MaxString = 2_000;

    /// <summary>Appends within the connection's open transaction.</summary>
    public async Task AppendAsync(NpgsqlConnection connection, AuditEvent e, CancellationToken cancellationToken)
    {
        byte[]? salt = null, payload = null;
        if (e.Query is not null)
        {
            salt = RandomNumberGenerator.GetBytes(16);
            payload = PayloadDigest(salt, e.Query);
        }
        var f = AuditFields.Of(e, payload);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            insert into app.audit_events (id, event_type, org_id, team_id, user_id, tool, parameters, duration_ms, status,
                                          investigation_id, approval_id, sandbox_id, correlation_id, details, payload_digest, digest)
            values (@Id, @EventType, @OrgId, @TeamId, @UserId, @Tool, @Parameters::json, @DurationMs, @Status,
                    @InvestigationId, @ApprovalId, @SandboxId, @CorrelationId, @Details::json, @payload, @Digest)
            """,
            new
            {
                f.Id, f.EventType, f.OrgId, f.TeamId, f.UserId, f.Tool, f.Parameters, f.DurationMs, f.Status,
                f.InvestigationId, f.ApprovalId, f.SandboxId, f.CorrelationId, f.Details, payload, f.Digest,
            },
            cancellationToken: cancellationToken));
        if (e.Query is not null)
        {
            await connection.ExecuteAsync(new CommandDefinition(
                "insert into app.audit_payloads (event_id, salt, ciphertext) values (@Id, @salt, @ciphertext)",
                new { e.Id, salt, ciphertext = cipher.Encrypt(PayloadCell(e.Id), e.Query) },
                cancellationToken: cancellationToken));
        }
    }

    /// <summary>Appends and commits one event of its own.</summary>
    public async Task AppendAsync(AuditEvent e, CancellationToken cancellationToken) =>
        await database.InTransactionAsync(async (connection, ct) =>
        {
            await AppendAsync(connection, e, ct);
            return true;
        }, cancellationToken);

    internal static Cell PayloadCell(Guid eventId) => new("audit_payloads", "ciphertext", eventId);

    internal static byte[] PayloadDigest(byte[] salt, string query) => SHA256.HashData([.. salt, .. Encoding.UTF8.GetBytes(query)]);
}
