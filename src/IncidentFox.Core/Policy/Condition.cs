namespace IncidentFox.Core.Policy;

/// <summary>Whether a condition holds. What can't be told is not guessed: see <see cref="ToolDecider"/>.</summary>
public enum Truth
{
    /// <summary>It does not.</summary>
    No,

    /// <summary>It can't be told, e.g. of a call that names no namespace.</summary>
    Unknown,

    /// <summary>It does.</summary>
    Yes,
}

/// <summary>Under which circumstances an entry counts (<c>when</c>): all that is named must hold, and of each list one.</summary>
public sealed record Condition
{
    /// <summary>Integrations by name; empty: any.</summary>
    public IReadOnlyList<string> Integrations { get; init; } = [];

    /// <summary>Namespaces, <c>*</c> standing for any characters; empty: any.</summary>
    public IReadOnlyList<string> Namespaces { get; init; } = [];

    /// <summary>Environments by name; empty: any.</summary>
    public IReadOnlyList<string> Environments { get; init; } = [];

    /// <summary>Hours of the week; null: any.</summary>
    public WorkingHours? WorkingHours { get; init; }

    /// <summary>Does it hold for this call?</summary>
    public Truth Judge(in ToolFacts facts, EnvironmentMap environments)
    {
        var truth = Truth.Yes;
        if (Integrations.Count > 0)
            truth = Least(truth, facts.Integration is { } integration ? Of(Integrations.Contains(integration)) : Truth.Unknown);
        if (Namespaces.Count > 0)
            truth = Least(truth, facts.Namespace is { } name ? Of(Namespaces.Any(p => Glob.Matches(p, name))) : Truth.Unknown);
        if (Environments.Count > 0)
            truth = Least(truth, environments.IsOneOf(Environments, facts));
        if (WorkingHours is not null)
            truth = Least(truth, facts.At is { } at ? Of(WorkingHours.Contains(at)) : Truth.Unknown);
        return truth;
    }

    private static Truth Of(bool holds) => holds ? Truth.Yes : Truth.No;

    private static Truth Least(Truth a, Truth b) => a < b ? a : b;
}

/// <summary>Hours of the week by a wall clock.</summary>
/// <param name="Days">The days on which the hours begin.</param>
/// <param name="From">Minute of the day, 0 to 1439.</param>
/// <param name="To">Minute of the day, 1 to 1440, not included. Less than <paramref name="From"/>: on the next day.</param>
/// <param name="TimeZone">Whose wall clock, with its summer time.</param>
public sealed record WorkingHours(IReadOnlySet<DayOfWeek> Days, int From, int To, TimeZoneInfo TimeZone)
{
    /// <summary>True when the time is within them.</summary>
    public bool Contains(DateTimeOffset at)
    {
        var local = TimeZoneInfo.ConvertTime(at, TimeZone);
        var minute = (local.Hour * 60) + local.Minute;
        if (From < To)
            return Days.Contains(local.DayOfWeek) && minute >= From && minute < To;
        var yesterday = (DayOfWeek)(((int)local.DayOfWeek + 6) % 7);
        return (Days.Contains(local.DayOfWeek) && minute >= From) || (Days.Contains(yesterday) && minute < To);
    }
}

/// <summary>Names for sets of integrations and namespaces. What no set holds is production.</summary>
/// <param name="Sets">As the policy defines them.</param>
public sealed record EnvironmentMap(IReadOnlyList<EnvironmentSet> Sets)
{
    /// <summary>The environment that is assumed of whatever is not known to be another.</summary>
    public const string Production = "production";

    /// <summary>None is defined: all is production.</summary>
    public static EnvironmentMap Empty { get; } = new([]);

    /// <summary>True unless the call is known to be in another environment.</summary>
    public bool IsProduction(ToolFacts facts)
    {
        var known = false;
        foreach (var set in Sets)
        {
            if (!set.Holds(facts))
                continue;
            if (set.Name == Production)
                return true;
            known = true;
        }
        return !known;
    }

    internal Truth IsOneOf(IReadOnlyList<string> names, ToolFacts facts)
    {
        if (facts.AnyNamespace && Sets.Count > 0)
            return Truth.Unknown;
        if (IsProduction(facts))
            return names.Contains(Production) ? Truth.Yes : Truth.No;
        return Sets.Any(s => names.Contains(s.Name) && s.Holds(facts)) ? Truth.Yes : Truth.No;
    }
}

/// <summary>One environment.</summary>
/// <param name="Name">Its name, e.g. <c>staging</c>.</param>
/// <param name="Integrations">Empty: any.</param>
/// <param name="Namespaces">With <c>*</c>; empty: any.</param>
public sealed record EnvironmentSet(string Name, IReadOnlyList<string> Integrations, IReadOnlyList<string> Namespaces)
{
    internal bool Holds(ToolFacts facts) =>
        (Integrations.Count == 0 || (facts.Integration is { } integration && Integrations.Contains(integration)))
        && (Namespaces.Count == 0 || (facts.Namespace is { } name && Namespaces.Any(p => Glob.Matches(p, name))));
}

internal static class Glob
{
    // Linear in text times stars: no pattern can make it slow.
    public static bool Matches(ReadOnlySpan<char> pattern, ReadOnlySpan<char> text)
    {
        int p = 0, t = 0, star = -1, mark = 0;
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
                (star, mark) = (p++, t);
            else if (p < pattern.Length && pattern[p] == text[t])
                (p, t) = (p + 1, t + 1);
            else if (star >= 0)
                (p, t) = (star + 1, ++mark);
            else
                return false;
        }
        return pattern[p..].TrimEnd('*').IsEmpty;
    }
}
