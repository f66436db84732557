namespace IncidentFox.Chaos.Histories;

/// <summary>What a person did and what they saw of it.</summary>
/// <param name="Request">The signed request; a replay has that of its original.</param>
/// <param name="Person">Their Slack id.</param>
/// <param name="Act">What they did.</param>
/// <param name="Status">The product's answer; null when there was none.</param>
/// <param name="Quick">True when it came before Slack's patience ends, so that it is the answer to what was done.</param>
/// <param name="Told">What only they were told; null when nothing arrived.</param>
internal sealed record Click(string Request, string Person, Act Act, int? Status, bool Quick, string? Told);

/// <summary>One change that the witness saw.</summary>
internal sealed record Witnessed(string What, Guid? Person, string Xid);

/// <summary>One audit row of the approval.</summary>
internal sealed record Audited(string Type, string? Status, string Xid, string? Identity, string? Decision, string? Purpose);

/// <summary>Everything that is known of a history when it is over.</summary>
internal sealed record HistoryFacts
{
    public required int Required { get; init; }
    public required Guid Requester { get; init; }

    /// <summary>The four admins by Slack id; nobody else may decide.</summary>
    public required IReadOnlyDictionary<string, Guid> Admins { get; init; }

    public required bool Provable { get; init; }
    public required string State { get; init; }
    public required int Effects { get; init; }
    public required int Arrivals { get; init; }
    public required IReadOnlyList<Click> Clicks { get; init; }
    public required IReadOnlyList<Witnessed> Changes { get; init; }
    public required IReadOnlyList<Audited> Audit { get; init; }
}
