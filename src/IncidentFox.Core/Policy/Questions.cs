namespace IncidentFox.Core.Policy;

/// <summary>What a policy is asked of a call. The decision and its explanation ask the same.</summary>
internal static class Questions
{
    public static readonly Func<ToolSetting, bool> Enabled = static s => s.Enabled is not null;
    public static readonly Func<ToolSetting, bool> AllowedRoles = static s => s.AllowedRoles.Count > 0;
    public static readonly Func<ToolSetting, bool> RequireApproval = static s => s.RequireApproval is not null;
    public static readonly Func<WorkflowSetting, bool> RequiredApprovers = static s => s.RequiredApprovers is not null;
    public static readonly Func<WorkflowSetting, bool> TimeoutMinutes = static s => s.TimeoutMinutes is not null;
    public static readonly Func<WorkflowSetting, bool> Approvers = static s => s.Who is not null;
    public static readonly Func<WorkflowSetting, bool> Escalation = static s => s.Escalation is not null;
    public static readonly Func<WorkflowSetting, bool> AllowSelfApproval = static s => s.AllowSelfApproval is not null;
    public static readonly Func<WorkflowSetting, bool> BreakGlass = static s => s.BreakGlass is not null;
}
