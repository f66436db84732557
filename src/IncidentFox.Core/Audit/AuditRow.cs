using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Core.Tools;

namespace IncidentFox.Core.Audit;

// An event as it stands in the table.
internal record AuditRow
{
    public const string Columns =
        """
        e.id, e.at, e.event_type as EventType, e.org_id as OrgId, e.team_id as TeamId, e.user_id as UserId, e.tool, e.parameters::text as Parameters,
        e.duration_ms as DurationMs, e.status, e.investigation_id as InvestigationId, e.approval_id as ApprovalId, e.sandbox_id as SandboxId,
        e.correlation_id as CorrelationId, e.details::text as Details, e.payload_digest as PayloadDigest
        """;

    public Guid Id { get; init; }
    public DateTime At { get; init; }
    public string EventType { get; init; } = "";
    public string? OrgId { get; init; }
    public string? TeamId { get; init; }
    public string? UserId { get; init; }
    public string? Tool { get; init; }
    public string? Parameters { get; init; }
    public long? DurationMs { get; init; }
    public string? Status { get; init; }
    public Guid? InvestigationId { get; init; }
    public Guid? ApprovalId { get; init; }
    public Guid? SandboxId { get; init; }
    public string? CorrelationId { get; init; }
    public string? Details { get; init; }
    public byte[]? PayloadDigest { get; init; }
    public byte[]? Salt { get; init; }
    public byte[]? Ciphertext { get; init; }

    public AuditEvent ToEvent(string? query = null) => new()
    {
        Id = Id,
        At = new DateTimeOffset(At),
        EventType = EventType,
        OrgId = OrgId,
        TeamId = TeamId,
        UserId = UserId,
        Tool = Tool,
        Parameters = Parse(Parameters),
        DurationMs = DurationMs,
        Status = Status,
        InvestigationId = InvestigationId,
        ApprovalId = ApprovalId,
        SandboxId = SandboxId,
        CorrelationId = CorrelationId,
        Details = Parse(Details),
        Query = query,
    };

    /// <summary>What the writer's digest must have been.</summary>
    public byte[] Digest() => AuditDigest.Of(
        new()
        {
            Id = Id,
            EventType = EventType,
            OrgId = OrgId,
            TeamId = TeamId,
            UserId = UserId,
            Tool = Tool,
            Parameters = Canonical(Parameters),
            DurationMs = DurationMs,
            Status = Status,
            InvestigationId = InvestigationId,
            ApprovalId = ApprovalId,
            SandboxId = SandboxId,
            CorrelationId = CorrelationId,
            Details = Canonical(Details),
        }, PayloadDigest);

    private static string? Canonical(string? json) => json is null ? null : Encoding.UTF8.GetString(CanonicalJson.Write(Parse(json)));

    // The columns hold any JSON text. What is no object with each name once was not written by the product; it must not stop the sealer or a reader.
    private static JsonObject? Parse(string? json)
    {
        if (json is null)
            return null;
        try
        {
            return CanonicalJson.Parse(json) as JsonObject ?? Unreadable(json);
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return Unreadable(json);
        }
    }

    private static JsonObject Unreadable(string json) => new() { ["unreadable"] = json };
}
