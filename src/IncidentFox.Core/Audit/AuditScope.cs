namespace IncidentFox.Core.Audit;

/// <summary>Whose events of a row of lines are: it stands in the row, not in the lines.</summary>
internal readonly record struct AuditScope(string? Org, string? Team, Guid? Investigation, Guid? Sandbox)
{
    /// <summary>What all of them have in common.</summary>
    /// <exception cref="ArgumentException">There are none, they are not of one scope, or one of them is nothing for a batch.</exception>
    public static AuditScope Of(IReadOnlyList<AuditEvent> events)
    {
        if (events.Count == 0)
            throw new ArgumentException("A batch takes one or more events.", nameof(events));
        var scope = Of(events[0]);
        for (var i = 0; i < events.Count; i++)
        {
            if (events[i].Query is not null || events[i].ApprovalId is not null)
                throw new ArgumentException("A question, or what belongs to an approval, is written in the transaction of its change.", nameof(events));
            if (events[i].EventType is not { Length: > 0 and <= 60 } type || type.AsSpan().ContainsAnyExcept(TypeCharacters))
                throw new ArgumentException($"An event's type has lower-case letters and underscores: {events[i].EventType}.", nameof(events));
            if (i > 0 && Of(events[i]) != scope)
                throw new ArgumentException("Events that are written together belong to one investigation.", nameof(events));
        }
        return scope with { Org = Clean(scope.Org), Team = Clean(scope.Team) };
    }

    private static readonly System.Buffers.SearchValues<char> TypeCharacters = System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyz_");

    private static AuditScope Of(AuditEvent e) => new(e.OrgId, e.TeamId, e.InvestigationId, e.SandboxId);

    private static string? Clean(string? text) => text is null ? null : AuditText.Clean(text);
}
