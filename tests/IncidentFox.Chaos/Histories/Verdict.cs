namespace IncidentFox.Chaos.Histories;

/// <summary>What must hold of every history, whatever happened. Pure, so that tests can show that each rule catches what it is for.</summary>
internal static class Verdict
{
    private static readonly Dictionary<string, string> RowOf = new()
    {
        ["pending"] = "approval_requested", ["approved"] = "approval_granted", ["denied"] = "approval_denied", ["expired"] = "approval_expired",
        ["cancelled"] = "approval_cancelled", ["executing"] = "tool_requested", ["executed"] = "tool_executed", ["failed"] = "tool_executed",
        ["unknown"] = "tool_executed", ["vote"] = "approval_voted", ["unvote"] = "approval_vote_withdrawn",
    };

    private static readonly Dictionary<string, string[]> Next = new()
    {
        ["pending"] = ["approved", "denied", "expired", "cancelled"], ["approved"] = ["executing", "denied", "cancelled"],
        ["executing"] = ["executing", "executed", "failed", "unknown"],
    };

    /// <summary>Every rule that does not hold; empty when all do.</summary>
    public static IReadOnlyList<string> Of(HistoryFacts facts) =>
        [.. Once(facts), .. Path(facts), .. Quorum(facts), .. Decisions(facts), .. Rows(facts)];

    private static IEnumerable<string> Once(HistoryFacts facts)
    {
        if (facts.Effects > 1)
            yield return $"It took effect {facts.Effects} times.";
        if (!facts.Provable && facts.Arrivals > 1)
            yield return $"What can't be proven was sent {facts.Arrivals} times.";
        if (facts.Effects > 0 && facts.State is not ("executed" or "unknown"))
            yield return $"It took effect and is {facts.State}.";
        if (facts.Effects == 0 && facts.State == "executed")
            yield return "It is executed and did not take effect.";
        if (facts.Provable && facts.State == "unknown" && facts.Audit.All(a => a.Purpose != "proof"))
            yield return "It is unknown, and nobody looked at the target.";
    }

    private static IEnumerable<string> Path(HistoryFacts facts)
    {
        var states = facts.Changes.Where(c => c.Person is null).Select(c => c.What).ToArray();
        if (states is not ["pending", ..])
            yield return $"It began as {states.FirstOrDefault()}.";
        for (var i = 1; i < states.Length; i++)
        {
            if (!Next.GetValueOrDefault(states[i - 1], []).Contains(states[i]))
                yield return $"From {states[i - 1]} it became {states[i]}.";
        }
        if (Next.ContainsKey(facts.State))
            yield return $"It never ended: it is {facts.State}.";
        if (states[^1] != facts.State)
            yield return $"It is {facts.State}, and the last that was seen is {states[^1]}.";
        if (facts.Arrivals > 0 && !states.Contains("executing"))
            yield return "It was sent and never executing.";
    }

    private static IEnumerable<string> Quorum(HistoryFacts facts)
    {
        var agreed = new HashSet<Guid>();
        foreach (var change in facts.Changes)
        {
            if (change.What == "vote" && !agreed.Add(change.Person!.Value))
                yield return $"{change.Person} has two votes.";
            if (change.What == "unvote")
                agreed.Remove(change.Person!.Value);
            if (change.What == "approved" && agreed.Count(p => p != facts.Requester && facts.Admins.Values.Contains(p)) < facts.Required)
                yield return $"It was approved by {agreed.Count} of {facts.Required}.";
        }
        if (agreed.Contains(facts.Requester))
            yield return "Whoever asked has a vote.";
        if (agreed.Except(facts.Admins.Values).Any())
            yield return "Somebody who may not decide has a vote.";
    }

    private static IEnumerable<string> Decisions(HistoryFacts facts)
    {
        foreach (var click in facts.Clicks)
        {
            var voted = facts.Admins.TryGetValue(click.Person, out var person) && facts.Changes.Any(c => c.What == "vote" && c.Person == person);
            // What they were told is a promise.
            if (Counts(click) && !voted)
                yield return $"{click.Person} was told '{click.Told}', and there is no vote.";
            if (click.Told?.StartsWith("Denied", StringComparison.Ordinal) == true && facts.State != "denied")
                yield return $"{click.Person} was told '{click.Told}', and it is {facts.State}.";
            // Slack was answered: the decision, or why it does not count, is written down.
            if (click is { Status: 200, Quick: true } && !Recorded(facts, click))
                yield return $"{click.Person}'s {click.Act} was answered, and nothing is written down.";
        }
        // Whichever of the two came first.
        foreach (var twice in facts.Clicks.Where(c => c.Status == 200).GroupBy(c => c.Request).Where(g => g.Count() > 1))
            yield return $"{twice.First().Person}'s request was taken {twice.Count()} times.";
    }

    /// <summary>The person was told that their vote is there.</summary>
    public static bool Counts(Click click) => click.Told is "Your approval counts." or "Your approval was already counted.";

    private static bool Recorded(HistoryFacts facts, Click click) => facts.Audit.Any(a =>
        a.Identity?.EndsWith(click.Person, StringComparison.Ordinal) == true
        && (a.Type == "access_denied"
            || (click.Act == Act.Approve && (a.Type == "approval_voted" || a is { Type: "approval_refused", Decision: "approve" }))
            || (click.Act == Act.Deny && (a.Type == "approval_denied" || a is { Type: "approval_refused", Decision: "deny" }))));

    // Each change has its row, and each row its change, in one and the same transaction.
    private static IEnumerable<string> Rows(HistoryFacts facts)
    {
        foreach (var type in RowOf.Values.Distinct())
        {
            var changes = facts.Changes.Where(c => RowOf.GetValueOrDefault(c.What) == type).Select(c => c.Xid).Order(StringComparer.Ordinal).ToArray();
            var rows = facts.Audit.Where(a => a.Type == type && a.Purpose is null).Select(a => a.Xid).Order(StringComparer.Ordinal).ToArray();
            if (!changes.SequenceEqual(rows))
                yield return $"{changes.Length} changes in transactions [{string.Join(' ', changes)}], {rows.Length} rows {type} in [{string.Join(' ', rows)}].";
        }
        if (facts.Audit.Where(a => a is { Type: "tool_executed", Purpose: null }).Any(a => a.Status != (facts.State switch { "executed" => "success", "failed" => "error", _ => facts.State })))
            yield return $"It is {facts.State}, and its row says something else.";
    }
}
