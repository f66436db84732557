using System.Globalization;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Tools;

namespace IncidentFox.Core.Administration;

/// <summary>Tools, workflows and versions of policies as lines of text with aligned columns: the same in Slack and on a terminal.</summary>
public static class PolicyText
{
    private static readonly Role[] Roles = [Role.Viewer, Role.Operator, Role.Admin, Role.OrgAdmin];

    /// <summary>One line a tool: what it does, from which role on, what policy asks for.</summary>
    /// <param name="policy">The policy in force.</param>
    /// <param name="tools">Those to show.</param>
    /// <param name="now">For conditions on hours.</param>
    public static IReadOnlyList<string> Tools(ToolPolicy policy, IReadOnlyList<ListedTool> tools, DateTimeOffset now)
    {
        var rows = new List<string[]> { new[] { "TOOL", "INTEGRATION", "EFFECT", "FROM ROLE", "POLICY" } };
        var depends = false;
        foreach (var tool in tools)
        {
            var (role, words, conditional) = Standing(policy, tool, now);
            depends |= conditional;
            rows.Add([tool.Tool, tool.Integration, Effect(tool.Effect), role, tool.HasCredential ? words + (conditional ? " *" : "") : $"no credential; else {words}"]);
        }
        var lines = Columns(rows);
        return depends ? [.. lines, "* depends on where and when it acts; tools explain says more"] : lines;
    }

    /// <summary>Everything about one tool: its rule, what is in force, and what each layer says of it.</summary>
    public static IReadOnlyList<string> Tool(ToolPolicy policy, ListedTool tool, DateTimeOffset now)
    {
        var (role, words, conditional) = Standing(policy, tool, now);
        var lines = new List<string>
        {
            $"{tool.Tool} of {tool.Integration}: {Effect(tool.Effect)}{(tool.HasCredential ? "" : ", no credential is set up for it")}", tool.Description,
            $"from role:  {role}", $"policy:     {words}{(conditional ? " (depends on where and when it acts; tools explain says more)" : "")}",
        };
        if (tool.OtherNames.Count > 0)
            lines.Add($"also named: {string.Join(", ", tool.OtherNames)}; entries of either name hold");
        var entries = policy.Tools.Cast<IPolicySetting>().Concat(policy.Workflows).Where(s => Means(s.Name, tool)).Select(s => Where(s)).ToList();
        lines.Add(entries.Count == 0 ? "entries:    none; the defaults answer" : $"entries:    {string.Join(", ", entries)}");
        return lines;
    }

    /// <summary>The default workflow and every action that has one of its own.</summary>
    public static IReadOnlyList<string> Workflows(ToolPolicy policy)
    {
        if (policy.Unreadable is { } why)
            return [why];
        var rows = new List<string[]> { new[] { "ACTION", "ASKS" }, new[] { PolicyEdit.DefaultWorkflow, Terms(policy.Default) } };
        rows.AddRange(policy.Workflows.Select(w => new[] { $"{w.Name}{(w.When is null ? "" : " (when…)")}", Terms(w.Over(policy.Default)) }));
        var lines = Columns(rows);
        return policy.WorkflowsEnabled ? lines : ["Approvals are switched off (approval_workflows.enabled): whatever needs one is denied.", .. lines];
    }

    /// <summary>Versions, the newest first.</summary>
    public static IReadOnlyList<string> History(IReadOnlyList<PolicyVersion> versions)
    {
        var rows = new List<string[]> { new[] { "VERSION", "WHEN", "WHO", "NOTE" } };
        rows.AddRange(versions.Select(v => new[]
        {
            v.Version.ToString(CultureInfo.InvariantCulture), v.ChangedAt.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture), v.ChangedBy, v.Note ?? "",
        }));
        return Columns(rows);
    }

    /// <summary>One line a value: <c>-</c> was, <c>+</c> is.</summary>
    public static IReadOnlyList<string> Diff(IReadOnlyList<PolicyDifference> differences) => [.. differences.SelectMany(d => ((string?[])
    [
        d.Before is null ? null : $"- {d.Path} = {d.Before}", d.After is null ? null : $"+ {d.Path} = {d.After}",
    ]).OfType<string>())];

    /// <summary>Terms in one line.</summary>
    public static string Terms(Workflow terms)
    {
        var who = terms.Approvers.Count > 0 ? string.Join(", ", terms.Approvers) : $"role {terms.ApproverRole.Name()} or above";
        var extras = new List<string>();
        if (terms.Escalation.Count > 0)
            extras.Add($"escalates after {string.Join(", ", terms.Escalation.Select(s => s.AfterMinutes.ToString("0.##", CultureInfo.InvariantCulture)))} min");
        if (terms.ReminderMinutes is { } reminder)
            extras.Add($"reminds every {reminder.ToString("0.##", CultureInfo.InvariantCulture)} min");
        if (terms.AllowSelfApproval)
            extras.Add("self-approval outside production");
        if (terms.BreakGlass)
            extras.Add("break-glass");
        var minutes = terms.TimeoutMinutes.ToString("0.##", CultureInfo.InvariantCulture);
        return $"{terms.RequiredApprovers} of {who}, within {minutes} min, {terms.NotifyChannel}{string.Concat(extras.Select(e => "; " + e))}";
    }

    /// <summary>Left-aligned columns two spaces apart; nothing after the last.</summary>
    public static IReadOnlyList<string> Columns(IReadOnlyList<string[]> rows)
    {
        var widths = Enumerable.Range(0, rows.Max(r => r.Length)).Select(i => rows.Max(r => i < r.Length ? r[i].Length : 0)).ToArray();
        return [.. rows.Select(r => string.Join("  ", r.Select((cell, i) => cell.PadRight(widths[i]))).TrimEnd())];
    }

    // From which role on it is not denied, and what is asked then; while the place is open, the most open answer that a call could get.
    private static (string Role, string Words, bool Conditional) Standing(ToolPolicy policy, ListedTool tool, DateTimeOffset now)
    {
        ToolFacts Facts(Role role) => new(tool.Tool, tool.Effect, role) { Integration = tool.Integration, OtherNames = tool.OtherNames, At = now, AnyNamespace = true };
        var facts = Facts(Role.OrgAdmin);
        var conditional = policy.ToolIndex.Of(facts, policy.Environments).Exists(a => a.Setting.When is not null)
            || policy.WorkflowIndex.Of(facts, policy.Environments).Exists(a => a.Setting.When is not null);
        foreach (var role in Roles)
        {
            switch (ToolDecider.Decide(policy, Facts(role)))
            {
                case ToolDecision.Allow:
                    return (role.Name(), "runs at once", conditional);
                case ToolDecision.NeedsApproval needs:
                    return (role.Name(), $"asks {Terms(needs.Workflow)}", conditional);
            }
        }
        return ("-", ToolDecider.Decide(policy, facts) is ToolDecision.Deny deny ? $"denied: {deny.Reason}" : "denied", conditional);
    }

    private static bool Means(ToolPattern name, ListedTool tool) =>
        (name.Tool is null || tool.IsCalled(name.Tool)) && (name.Integration is null || name.Integration == tool.Integration);

    private static string Where(IPolicySetting setting) => setting.Path.TrimStart('$', '.') + (setting.When is null ? "" : " (when…)");

    private static string Effect(ToolEffect effect) => effect.ToString().ToLowerInvariant();
}
