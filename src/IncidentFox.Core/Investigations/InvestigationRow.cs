using IncidentFox.Core.Identity;
using IncidentFox.Core.Storage;

namespace IncidentFox.Core.Investigations;

// An investigation as it stands in the table.
internal sealed record InvestigationRow
{
    public const string Columns =
        """
        i.id, i.org_id as OrgId, i.team_id as TeamId, i.status, i.question, i.requested_by as RequestedBy, p.display_name as RequesterName,
        i.requester_label as RequesterLabel, i.workspace_id as WorkspaceId, i.channel_id as ChannelId, i.sandbox_id as SandboxId, i.attempt,
        i.waiting_for as WaitingFor, i.report, i.report_final as ReportFinal, i.failure, i.created_at as CreatedAt, i.ended_at as EndedAt
        """;

    public const string From = "app.investigations i join app.people p on p.id = i.requested_by";

    public Guid Id { get; init; }
    public string OrgId { get; init; } = "";
    public string TeamId { get; init; } = "";
    public string Status { get; init; } = "";
    public byte[] Question { get; init; } = [];
    public Guid RequestedBy { get; init; }
    public string RequesterName { get; init; } = "";
    public string RequesterLabel { get; init; } = "";
    public string WorkspaceId { get; init; } = "";
    public string ChannelId { get; init; } = "";
    public Guid? SandboxId { get; init; }
    public int Attempt { get; init; }
    public Guid? WaitingFor { get; init; }
    public byte[]? Report { get; init; }
    public bool ReportFinal { get; init; }
    public string? Failure { get; init; }
    public DateTime CreatedAt { get; init; }
    public DateTime? EndedAt { get; init; }

    public static Cell QuestionCell(Guid id) => new("investigations", "question", id);

    public static Cell ReportCell(Guid id) => new("investigations", "report", id);

    // Rows of events have a number for a key; the sandbox and the sequence in it are as unique and known before the insert.
    public static Cell EventCell(Guid sandbox, long sequence) => new($"investigation_events/{sequence}", "body", sandbox);

    public Investigation ToInvestigation(ColumnCipher cipher) => new()
    {
        Id = new InvestigationId(Id),
        Resource = new Resource(new OrgId(OrgId), new TeamId(TeamId)),
        State = Enum.Parse<InvestigationState>(Status, ignoreCase: true),
        Question = cipher.Decrypt(QuestionCell(Id), Question),
        RequestedBy = new PersonId(RequestedBy),
        RequesterName = RequesterName,
        RequesterLabel = RequesterLabel,
        WorkspaceId = WorkspaceId,
        ChannelId = ChannelId,
        Sandbox = SandboxId is { } s ? new SandboxId(s) : null,
        Attempt = Attempt,
        WaitingFor = WaitingFor is { } w ? new ApprovalId(w) : null,
        ReportJson = Report is null ? null : cipher.Decrypt(ReportCell(Id), Report),
        ReportFinal = ReportFinal,
        Failure = Failure,
        CreatedAt = CreatedAt,
        EndedAt = EndedAt is { } e ? new DateTimeOffset(e) : null,
    };
}
