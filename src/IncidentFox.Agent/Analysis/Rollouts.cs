using IncidentFox.Agent.Estate;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Analysis;

/// <summary>Rollouts that do not finish, and what changed shortly before the question.</summary>
internal static class Rollouts
{
    private static readonly TimeSpan Recent = TimeSpan.FromMinutes(30);

    public static IEnumerable<Finding> Find(Snapshot s) => s.Deployments.SelectMany(d => Stuck(s, d).Concat(Changed(s, d)));

    private static IEnumerable<Finding> Stuck(Snapshot s, Deployment d)
    {
        if (d.Conditions.FirstOrDefault(c => c is { Type: "Progressing", Status: "False" } or { Type: "ReplicaFailure", Status: "True" }) is not { } condition)
            yield break;
        var old = s.ReplicaSets.Where(r => r.Namespace == d.Namespace && r.Deployment == d.Name && r.Revision < d.Revision).Sum(r => r.ReadyReplicas);
        yield return new()
        {
            Cause = Cause.RolloutStuck,
            Workload = new(d.Namespace, d.Name),
            Statement = $"The rollout of {d.Name} (revision {d.Revision}) does not finish: {condition.Reason}, {condition.Message.TrimEnd('.')}.{(old > 0 ? $" {old} pods of the old revision still serve." : "")}",
            Since = condition.Since,
            Evidence = [new($"Deployment {d.Name}: {condition.Type}={condition.Status}, {condition.Reason}{(old > 0 ? $"; {old} pods of the old revision still serve" : "")}", "list_deployments", condition.Message)],
            NextSteps = [$"Roll {d.Name} back to the revision before {d.Revision}, or mend the new one."],
        };
    }

    private static IEnumerable<Finding> Changed(Snapshot s, Deployment d)
    {
        var revisions = s.ReplicaSets.Where(r => r.Namespace == d.Namespace && r.Deployment == d.Name && r.Revision > 0).OrderByDescending(r => r.Revision).Take(2).ToArray();
        if (revisions is not [var latest, var earlier] || !(s.Now - latest.Created < Recent))
            yield break;
        var images = latest.Images.Except(earlier.Images, StringComparer.Ordinal).ToArray();
        var what = images.Length > 0
            ? $"from {string.Join(", ", earlier.Images.Except(latest.Images, StringComparer.Ordinal))} to {string.Join(", ", images)}"
            : "with the same images and another template";
        yield return new()
        {
            Cause = Cause.RecentChange,
            Workload = new(d.Namespace, d.Name),
            Statement = $"{d.Name} was changed at {Sentences.At(latest.Created!.Value)}: revision {earlier.Revision} to {latest.Revision}, {what}.",
            Since = latest.Created,
            Evidence = [new($"{d.Name} changed to revision {latest.Revision} at {Sentences.At(latest.Created.Value)}", "list_replicasets", $"{what}{(latest.ChangeCause.Length > 0 ? $"; change-cause: {latest.ChangeCause}" : "")}")],
            NextSteps = [$"Roll {d.Name} back to revision {earlier.Revision} ({string.Join(", ", earlier.Images)}) if the change is not needed at once."],
        };
    }
}
