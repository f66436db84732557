namespace IncidentFox.Core.Audit;

// A row of lines as it stands in the table.
internal record AuditLinesRow
{
    public const string Columns =
        "l.id as LinesId, l.at as LinesAt, l.org_id as LinesOrg, l.team_id as LinesTeam, l.investigation_id as LinesInvestigation, l.sandbox_id as LinesSandbox, "
        + "l.events as LinesEvents, l.lines as Lines";

    public Guid? LinesId { get; init; }
    public DateTime LinesAt { get; init; }
    public string? LinesOrg { get; init; }
    public string? LinesTeam { get; init; }
    public Guid? LinesInvestigation { get; init; }
    public Guid? LinesSandbox { get; init; }
    public int LinesEvents { get; init; }
    public byte[] Lines { get; init; } = [];

    /// <summary>Its events, in the order in which they were handed over.</summary>
    public List<AuditEvent> ToEvents()
    {
        var events = new List<AuditEvent>();
        for (var at = 0; at < Lines.Length;)
        {
            var end = Lines.AsSpan(at).IndexOf((byte)'\n');
            var length = end < 0 ? Lines.Length - at : end;
            events.Add(AuditLine.Read(Lines.AsSpan(at, length)) with
            {
                At = new DateTimeOffset(LinesAt),
                OrgId = LinesOrg,
                TeamId = LinesTeam,
                InvestigationId = LinesInvestigation,
                SandboxId = LinesSandbox,
            });
            at += length + 1;
        }
        return events;
    }

    /// <summary>What the writer's digest must have been.</summary>
    public byte[] Digest() => AuditLineRow.DigestOf(new AuditScope(LinesOrg, LinesTeam, LinesInvestigation, LinesSandbox), LinesEvents, Lines, []);
}
