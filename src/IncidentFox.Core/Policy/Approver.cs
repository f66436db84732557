using System.Text.RegularExpressions;
using IncidentFox.Core.Identity;

namespace IncidentFox.Core.Policy;

/// <summary>How an approver is named.</summary>
public enum ApproverKind
{
    /// <summary>One person, by e-mail address.</summary>
    Email,

    /// <summary>One person, by Slack user id.</summary>
    SlackUser,

    /// <summary>Everybody in a Slack user group.</summary>
    Group,

    /// <summary>Everybody with at least this role in the approval's team.</summary>
    Role,

    /// <summary>Whoever is on call by a schedule.</summary>
    OnCall,
}

/// <summary>
/// Somebody who may approve, as a policy names them: <c>ada@acme.example</c>, <c>U0123ABC</c>, <c>group:@sre-leads</c>, <c>group:S0123ABC</c>,
/// <c>role:admin</c>, <c>oncall:pagerduty/PABC123</c>.
/// </summary>
/// <param name="Kind">How they are named.</param>
/// <param name="Value">
/// What stands behind the kind: the e-mail address in lower case, the Slack user id, <c>@handle</c> or id of the group, the role's name, <c>integration/schedule</c>.
/// </param>
public sealed partial record Approver(ApproverKind Kind, string Value)
{
    /// <summary>What may stand here, for error messages.</summary>
    public const string Forms = "an e-mail address, a Slack user id (U…), group:@handle or group:S…, role:admin, or oncall:<integration>/<schedule id>";

    /// <summary>The role of a <see cref="ApproverKind.Role"/>; none for the other kinds.</summary>
    public Role Role => Kind == ApproverKind.Role && RoleNames.TryParse(Value, out var role) ? role : Role.None;

    /// <summary>Parses the written form, strictly.</summary>
    public static bool TryParse(string? text, out Approver approver)
    {
        approver = text switch
        {
            null or { Length: > 300 } => Nobody,
            _ when text.StartsWith("group:", StringComparison.Ordinal) => Of(ApproverKind.Group, text[6..], Group()),
            _ when text.StartsWith("oncall:", StringComparison.Ordinal) => Of(ApproverKind.OnCall, text[7..], Schedule()),
            _ when text.StartsWith("role:", StringComparison.Ordinal) => RoleNames.TryParse(text[5..], out _) ? new(ApproverKind.Role, text[5..]) : Nobody,
            _ when text.Contains('@', StringComparison.Ordinal) => Of(ApproverKind.Email, text.ToLowerInvariant(), Email()),
            _ => Of(ApproverKind.SlackUser, text, SlackUser()),
        };
        return !ReferenceEquals(approver, Nobody);
    }

    /// <summary>The written form, which <see cref="TryParse"/> reads back.</summary>
    public override string ToString() => Kind switch
    {
        ApproverKind.Group => $"group:{Value}",
        ApproverKind.Role => $"role:{Value}",
        ApproverKind.OnCall => $"oncall:{Value}",
        _ => Value,
    };

    private static readonly Approver Nobody = new(ApproverKind.Email, "");

    private static Approver Of(ApproverKind kind, string value, Regex form) => form.IsMatch(value) ? new(kind, value) : Nobody;

    [GeneratedRegex(@"\A[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){0,8}\z", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Email();

    [GeneratedRegex(@"\A[UW][A-Z0-9]{2,30}\z", RegexOptions.NonBacktracking)]
    private static partial Regex SlackUser();

    [GeneratedRegex(@"\A(@[\p{Ll}\p{Lo}\p{N}._-]{1,80}|S[A-Z0-9]{2,30})\z", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Group();

    [GeneratedRegex(@"\A[a-z0-9_-]{1,64}/[A-Za-z0-9_.:-]{1,100}\z", RegexOptions.NonBacktracking)]
    private static partial Regex Schedule();
}

/// <summary>Whom else to ask when nobody decided for a while. It widens who may approve and never lowers how many must.</summary>
/// <param name="AfterMinutes">Counted from when the approval was asked for.</param>
/// <param name="Approvers">Who may approve from then on, besides those before. May be empty when only a channel is told.</param>
/// <param name="NotifyChannel">Where they are told; null: in the approval's own channel.</param>
public sealed record EscalationStep(decimal AfterMinutes, IReadOnlyList<Approver> Approvers, string? NotifyChannel)
{
    /// <inheritdoc />
    public bool Equals(EscalationStep? other) =>
        other is not null && AfterMinutes == other.AfterMinutes && NotifyChannel == other.NotifyChannel && Approvers.SequenceEqual(other.Approvers);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(AfterMinutes, NotifyChannel, Approvers.Count);
}
