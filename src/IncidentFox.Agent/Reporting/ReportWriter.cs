using IncidentFox.Agent.Analysis;
using IncidentFox.Agent.Estate;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Reporting;

/// <summary>Writes a verdict down for people, within the bounds of the protocol. Everything quoted is cleaned.</summary>
internal static class ReportWriter
{
    public const string Method = "built-in analyzers, no model";
    private const int MostEvidence = 10, MostSteps = 6, MostNotSeen = 10, MostElsewhere = 2;

    public static Report Write(Snapshot s, Verdict verdict, IReadOnlyList<string> notSeen, ProposedAction? action = null) => Bounded(new()
    {
        WhatHappened = WhatHappened(s, verdict),
        Why = Why(s, verdict),
        Confidence = verdict.Confidence,
        Evidence = Evidence(verdict),
        NextSteps = NextSteps(verdict),
        NotSeen = notSeen,
        Method = Method,
        Action = action,
    });

    /// <summary>The same report within the protocol's limits.</summary>
    public static Report Bounded(Report report) => report with
    {
        WhatHappened = Plain.Line(report.WhatHappened, 1000),
        Why = Plain.Line(report.Why, 1000),
        Evidence = [.. report.Evidence.Take(MostEvidence).Select(e => new Evidence(Plain.Line(e.Statement, 300), Plain.Line(e.Tool, 100), e.Excerpt is null ? null : Plain.Block(e.Excerpt, 600)))],
        NextSteps = [.. report.NextSteps.Take(MostSteps).Select(n => Plain.Line(n, 300))],
        NotSeen = [.. Shortened(report.NotSeen).Select(n => Plain.Line(n, 300))],
        Action = report.Action is { } action ? action with { Summary = Plain.Line(action.Summary, 300), Outcome = action.Outcome is null ? null : Plain.Line(action.Outcome, 300) } : null,
    };

    private static string WhatHappened(Snapshot s, Verdict verdict)
    {
        var lines = new List<string>();
        foreach (var asked in s.Asked)
            lines.Add(Health(s, asked));
        if (s.Asked.Count == 0)
            lines.Add(s.Pods.Count + s.Deployments.Count == 0
                ? "No workload could be seen."
                : "The question names no workload that was seen, so everything that was seen was judged.");
        foreach (var rate in s.Metrics.Services.Values.Where(r => r.Rose && !s.Asked.Contains(Topology.WorkloadOfService(s, r.Service))).OrderByDescending(r => r.Now).Take(MostElsewhere))
            lines.Add(ErrorRates.Describe(rate) + ".");
        if (verdict.Root is { } root && !s.Asked.Contains(root.Workload) && root.Affects.Count == 0 && root.Workload.Namespace.Length > 0)
            lines.Add(Pods(s, root.Workload));
        return string.Join(' ', lines.Where(l => l.Length > 0));
    }

    private static string Health(Snapshot s, WorkloadName asked)
    {
        var rate = s.Metrics.Services.Values.FirstOrDefault(r => Topology.WorkloadOfService(s, r.Service) == asked);
        // Pods that are gone leave their last, quiet values behind.
        var silent = rate is { Rose: false } && !s.PodsOf(asked).Any(p => p.Ready);
        return rate is null || silent ? Pods(s, asked) : $"{ErrorRates.Describe(rate)}. {Pods(s, asked)}";
    }

    private static string Pods(Snapshot s, WorkloadName workload)
    {
        var pods = s.PodsOf(workload).Where(p => !p.Finished && p.OwnerKind != "Job").ToArray();
        var wanted = s.Deployments.FirstOrDefault(d => d.Namespace == workload.Namespace && d.Name == workload.Name)?.Replicas ?? pods.Length;
        var ready = pods.Count(p => p.Ready);
        var since = ready < wanted ? Sentences.Since(pods.Where(p => !p.Ready).Min(p => p.NotReadySince)) : "";
        return wanted == 0 && pods.Length == 0 ? $"{workload.Name} (namespace {workload.Namespace}) has no pod."
            : $"{workload.Name} (namespace {workload.Namespace}): {ready} of {wanted} pods ready{since}.";
    }

    private static string Why(Snapshot s, Verdict verdict)
    {
        if (verdict.Root is not { } root)
        {
            var nothing = s.Asked.Count > 0 ? $"No cause was found: nothing that was seen is wrong with {string.Join(", ", s.Asked)} or what it calls." : "No cause was found in what was seen.";
            return verdict.Related.FirstOrDefault() is { } symptom ? $"{nothing} What stands out: {symptom.Statement}" : nothing;
        }
        var why = root.Statement;
        if (verdict.Via is { } via)
            why += $" {via} calls {root.Workload}, which explains its failures.";
        if (verdict.Related.FirstOrDefault(f => f.Cause == Cause.RecentChange && f.Workload == root.Workload) is { } change)
            why += $" Shortly before: {change.Statement}";
        if (verdict.Related.FirstOrDefault(f => f.Cause == Cause.RolloutStuck && f.Workload == root.Workload) is { } stuck)
            why += $" {stuck.Statement}";
        return why;
    }

    private static IReadOnlyList<Evidence> Evidence(Verdict verdict)
    {
        var all = verdict.Root?.Evidence ?? [];
        var others = verdict.Related.OrderBy(f => f.Workload == verdict.Root?.Workload ? 0 : 1)
            .ThenBy(f => f.Cause is Cause.ErrorRate or Cause.OnePodFails ? 0 : 1).ThenBy(f => f.Cause);
        return [.. all.Concat(others.SelectMany(f => f.Evidence)).DistinctBy(e => (e.Tool, e.Excerpt ?? e.Statement)).Take(MostEvidence)];
    }

    private static IReadOnlyList<string> NextSteps(Verdict verdict)
    {
        var steps = new List<string>(verdict.Root?.NextSteps ?? ["Ask again with the name of the workload, or look at what could not be seen."]);
        steps.AddRange(verdict.Related.Where(f => f.Workload == verdict.Root?.Workload && f.Cause is Cause.RecentChange).SelectMany(f => f.NextSteps));
        steps.AddRange(verdict.Related.Where(f => f.Explains && f.Workload != verdict.Root?.Workload).Take(MostElsewhere).Select(f => "Also wrong: " + f.Statement));
        steps.AddRange(verdict.Elsewhere.Take(MostElsewhere).Select(f => "Seen elsewhere, probably unrelated: " + f.Statement));
        return steps;
    }

    private static IEnumerable<string> Shortened(IReadOnlyList<string> notSeen) =>
        notSeen.Count <= MostNotSeen ? notSeen : notSeen.Take(MostNotSeen - 1).Append($"and {notSeen.Count - MostNotSeen + 1} more.");
}
