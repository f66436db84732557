using System.Text.Json;
using System.Text.Json.Nodes;
using Dapper;
using IncidentFox.Core.Storage;

namespace IncidentFox.Core.Safety;

/// <summary>The newest link of the audit chain.</summary>
/// <param name="Sequence">Its place; 0 when the chain is empty.</param>
/// <param name="Hash">32 bytes as lower-case hex; of the empty chain, zeros.</param>
public sealed record AuditHead(long Sequence, string Hash)
{
    private static readonly string Empty = new('0', 64);

    /// <summary>As it is written into the head file.</summary>
    public string ToJson() => new JsonObject { ["sequence"] = Sequence, ["hash"] = Hash }.ToJsonString() + "\n";

    /// <summary>Parses the head file, strictly; null when it is none.</summary>
    public static AuditHead? TryParse(string text)
    {
        try
        {
            return JsonNode.Parse(text) is JsonObject { Count: 2 } json
                && json["sequence"] is JsonValue s && s.TryGetValue<long>(out var sequence) && sequence >= 0
                && json["hash"] is JsonValue h && h.TryGetValue<string>(out var hash) && hash.Length == 64 && hash.All(char.IsAsciiHexDigitLower)
                ? new AuditHead(sequence, hash)
                : null;
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The database's newest link.</summary>
    public static async Task<AuditHead> NewestAsync(Database database, CancellationToken cancellationToken) =>
        await AtAsync(database, null, cancellationToken) ?? new AuditHead(0, Empty);

    /// <summary>The database's link at a place; null when it has none there.</summary>
    public static async Task<AuditHead?> AtAsync(Database database, long? sequence, CancellationToken cancellationToken)
    {
        if (sequence == 0)
            return new AuditHead(0, Empty);
        await using var connection = await database.OpenAsync(cancellationToken);
        var row = await connection.QuerySingleOrDefaultAsync<(long Sequence, byte[]? Hash)>(new CommandDefinition(
            sequence is null
                ? "select sequence, hash from app.audit_chain order by sequence desc limit 1"
                : "select sequence, hash from app.audit_chain where sequence = @sequence",
            new { sequence }, cancellationToken: cancellationToken));
        return row.Hash is null ? null : new AuditHead(row.Sequence, Convert.ToHexStringLower(row.Hash));
    }
}
