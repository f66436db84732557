using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Core.Identity;

namespace IncidentFox.Core.Policy;

/// <summary>Who must agree, how soon and where they are asked: the terms of one approval, everything filled in.</summary>
public sealed record Workflow
{
    /// <summary>Distinct people, 1 to 20.</summary>
    public int RequiredApprovers { get; init; } = 1;

    /// <summary>Silence denies after this. Up to 7 days; fractions of a minute are fine.</summary>
    public decimal TimeoutMinutes { get; init; } = 30;

    /// <summary>Channel name with <c>#</c>, or a Slack channel id.</summary>
    public string NotifyChannel { get; init; } = "#sre-approvals";

    /// <summary>The lowest role whose approval counts; only where <see cref="Approvers"/> is empty.</summary>
    public Role ApproverRole { get; init; } = Role.Admin;

    /// <summary>Whose approval counts. Empty: everybody with <see cref="ApproverRole"/>.</summary>
    public IReadOnlyList<Approver> Approvers { get; init; } = [];

    /// <summary>Whom else to ask, and when; by time.</summary>
    public IReadOnlyList<EscalationStep> Escalation { get; init; } = [];

    /// <summary>True: those who asked may approve, too. Never for production.</summary>
    public bool AllowSelfApproval { get; init; }

    /// <summary>True: an admin may act alone, with a reason, in front of everybody.</summary>
    public bool BreakGlass { get; init; }

    /// <summary>How often those who did not decide yet are reminded; null: never.</summary>
    public decimal? ReminderMinutes { get; init; }

    /// <summary>
    /// Why what was agreed under other terms is not enough under these; null: it is. Deadlines, channels and reminders don't matter here: they are over.
    /// </summary>
    public string? WhyStricterThan(Workflow agreed)
    {
        if (RequiredApprovers > agreed.RequiredApprovers)
            return $"Policy asks for {RequiredApprovers} approvers now; this was asked of {agreed.RequiredApprovers}.";
        if (ApproverRole > agreed.ApproverRole && Approvers.Count == 0 && agreed.Approvers.Count == 0)
            return "Policy asks for approvers with another role now than when this was asked.";
        if (Approvers.Count > 0 != agreed.Approvers.Count > 0 || Who(agreed).Except(Who(this)).Any())
            return "Policy names other approvers now than when this was asked.";
        if (agreed.AllowSelfApproval && !AllowSelfApproval)
            return "Policy does not let people approve what they asked for any more.";
        return null;
    }

    /// <summary>In words: how many of whom, where, how soon; and what else is agreed.</summary>
    public string Describe()
    {
        static string Minutes(decimal minutes) => minutes.ToString("0.##", CultureInfo.InvariantCulture);
        var who = Approvers.Count == 0 ? $"role {ApproverRole.Name()} or above" : string.Join(", ", Approvers);
        var text = $"{RequiredApprovers} of {who} approve it in {NotifyChannel}, within {Minutes(TimeoutMinutes)} minutes";
        foreach (var step in Escalation)
        {
            text += $"; after {Minutes(step.AfterMinutes)} minutes {(step.Approvers.Count == 0 ? "it is told" : $"{string.Join(", ", step.Approvers)} may, too, and are told")} "
                + $"in {step.NotifyChannel ?? NotifyChannel}";
        }
        if (ReminderMinutes is { } every)
            text += $"; a reminder every {Minutes(every)} minutes";
        if (AllowSelfApproval)
            text += "; those who asked may approve";
        if (BreakGlass)
            text += "; an admin may break the glass";
        return text;
    }

    /// <summary>All members, always: equal terms have equal canonical JSON.</summary>
    public JsonObject ToJson() => new()
    {
        ["required_approvers"] = RequiredApprovers,
        ["timeout_minutes"] = TimeoutMinutes / 1.0000000000000000000000000000m,   // 30 and 30.0 are one value: no trailing zeros
        ["notify_channel"] = NotifyChannel,
        ["approver_role"] = ApproverRole.Name(),
        ["approvers"] = List(Approvers),
        ["escalation"] = new JsonArray([.. Escalation.Select(s => new JsonObject
        {
            ["after_minutes"] = s.AfterMinutes / 1.0000000000000000000000000000m, ["approvers"] = List(s.Approvers), ["notify_channel"] = s.NotifyChannel,
        })]),
        ["allow_self_approval"] = AllowSelfApproval,
        ["break_glass"] = BreakGlass,
        ["reminder_minutes"] = ReminderMinutes / 1.0000000000000000000000000000m,
    };

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="JsonException">It is not that.</exception>
    public static Workflow Parse(string json)
    {
        if (JsonNode.Parse(json) is not JsonObject o)
            throw new JsonException("Terms are a JSON object.");
        foreach (var empty in o.Where(m => m.Value is null).Select(m => m.Key).ToList())
            o.Remove(empty);
        foreach (var step in o["escalation"] as JsonArray ?? [])
        {
            if (step is JsonObject s && s.ContainsKey("notify_channel") && s["notify_channel"] is null)
                s.Remove("notify_channel");
        }
        var errors = new Errors();
        var terms = WorkflowParser.Parse(o, "$", errors, frozen: true);
        return errors.All.Count == 0
            ? terms.Over(new Workflow())
            : throw new JsonException($"Terms that can't be read: {string.Join("; ", errors.All)}");
    }

    /// <inheritdoc />
    public bool Equals(Workflow? other) =>
        other is not null && RequiredApprovers == other.RequiredApprovers && TimeoutMinutes == other.TimeoutMinutes && NotifyChannel == other.NotifyChannel
        && ApproverRole == other.ApproverRole && AllowSelfApproval == other.AllowSelfApproval && BreakGlass == other.BreakGlass
        && ReminderMinutes == other.ReminderMinutes && Approvers.SequenceEqual(other.Approvers) && Escalation.SequenceEqual(other.Escalation);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(RequiredApprovers, TimeoutMinutes, NotifyChannel, ApproverRole, Approvers.Count, Escalation.Count);

    // Everybody who may ever approve by name.
    private static IEnumerable<Approver> Who(Workflow workflow) => workflow.Approvers.Concat(workflow.Escalation.SelectMany(s => s.Approvers));

    private static JsonArray List(IEnumerable<Approver> approvers) => new([.. approvers.Select(a => (JsonNode)a.ToString())]);
}
