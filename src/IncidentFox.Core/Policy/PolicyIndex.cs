using System.Collections.Frozen;

namespace IncidentFox.Core.Policy;

/// <summary>An entry that speaks of a call.</summary>
/// <param name="Setting">The entry.</param>
/// <param name="Rank">The higher, the more specific.</param>
/// <param name="Certain">False: whether its condition holds can't be told.</param>
internal readonly record struct Applying<T>(T Setting, int Rank, bool Certain);

/// <summary>
/// Finds which entries speak of a call and which of them settle a question. The most specific name settles it; of one name, an entry with a condition
/// that holds goes before one without.
/// </summary>
internal sealed class PolicyIndex<T>(IEnumerable<T> settings) where T : class, IPolicySetting
{
    private readonly FrozenDictionary<ToolPattern, T[]> _byName = settings.GroupBy(s => s.Name)
        .ToFrozenDictionary(g => g.Key, g => g.OrderBy(s => s.When is null).ToArray());   // stable: else in the policy's order

    /// <summary>All that speak of the call, the most specific first.</summary>
    public List<Applying<T>> Of(in ToolFacts facts, EnvironmentMap environments)
    {
        var found = new List<Applying<T>>();
        if (_byName.Count == 0)
            return found;
        // What has no integration is a part of the product, and no name with a star means it.
        if (facts.Integration is { } integration)
            AddNamed(found, integration, facts, environments);
        AddNamed(found, null, facts, environments);
        if (facts.Integration is { } any)
        {
            Add(found, new(any, null), facts, environments);
            Add(found, ToolPattern.Any, facts, environments);
        }
        return found;
    }

    /// <summary>The entries that answer a question: those of the most specific rank with a certain answer, and every uncertain one before them.</summary>
    /// <param name="applying">The most specific first.</param>
    /// <param name="answers">Does an entry answer the question at all?</param>
    /// <param name="settled">False: none answers for certain, so that the default is among the possible answers, too.</param>
    public static List<Applying<T>> Answering(List<Applying<T>> applying, Func<T, bool> answers, out bool settled)
    {
        var answering = new List<Applying<T>>();
        var rank = int.MinValue;
        foreach (var a in applying)
        {
            if (a.Rank < rank)
                break;
            if (!answers(a.Setting))
                continue;
            answering.Add(a);
            if (a.Certain)
                rank = a.Rank;
        }
        settled = rank != int.MinValue;
        return answering;
    }

    // Whatever it is called by: names of one tool are equally specific, and of all their entries those with a condition go first.
    private void AddNamed(List<Applying<T>> found, string? integration, in ToolFacts facts, EnvironmentMap environments)
    {
        var first = found.Count;
        Add(found, new(integration, facts.Tool), facts, environments);
        if (facts.OtherNames is not { Count: > 0 } others)
            return;
        foreach (var other in others)
            Add(found, new(integration, other), facts, environments);
        var named = found.GetRange(first, found.Count - first).OrderByDescending(a => a.Rank).ToList();   // stable
        found.RemoveRange(first, found.Count - first);
        found.AddRange(named);
    }

    private void Add(List<Applying<T>> found, ToolPattern name, in ToolFacts facts, EnvironmentMap environments)
    {
        foreach (var setting in _byName.GetValueOrDefault(name) ?? [])
        {
            var truth = setting.When?.Judge(facts, environments) ?? Truth.Yes;
            if (truth != Truth.No)
                found.Add(new(setting, (name.Rank * 2) + (setting.When is null ? 0 : 1), truth == Truth.Yes));
        }
    }
}
