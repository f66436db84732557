namespace IncidentFox.Gateway.Rules.Parsing;

/// <summary>A rule's path against a request's segments.</summary>
internal static class PathMatch
{
    /// <summary>Whether the path has the rule's form, whatever its parameters are.</summary>
    public static bool HasForm(ToolRule rule, CanonicalTarget target)
    {
        if (rule.Path.Count > 0 && rule.TrailingSlash != target.TrailingSlash)
            return false;
        var many = Many(rule, target.Segments.Count);
        return many >= 0 && Common(rule, target) == rule.Path.Count;
    }

    /// <summary>Whether each parameter may have the value that the path gives it.</summary>
    public static bool FitsAll(ToolRule rule, CanonicalTarget target)
    {
        foreach (var (segment, text) in Pairs(rule, target))
        {
            if (segment.Parameter is not null && !Fits(rule, segment, text))
                return false;
        }
        return true;
    }

    /// <summary>Whether a segment of a rule can be this text.</summary>
    public static bool Fits(ToolRule rule, PathSegment segment, string text)
    {
        if (segment.Literal is { } literal)
            return literal == text;
        return WireValue.Between(text, segment.Prefix, segment.Suffix) is { Length: > 0 } value
            && rule.Parameters.FirstOrDefault(p => p.Name == segment.Parameter) is { } parameter
            && WireValue.Read(parameter, value) is { } typed && Arguments.Problem(parameter, typed) is null;
    }

    /// <summary>Puts what the path gives. The path must have the rule's form.</summary>
    public static void Bind(Binding binding, CanonicalTarget target)
    {
        foreach (var (segment, text) in Pairs(binding.Rule, target))
        {
            if (segment.Parameter is { } name)
                binding.Put(name, WireValue.Between(text, segment.Prefix, segment.Suffix)!);
        }
    }

    /// <summary>How many segments from the beginning have the rule's form.</summary>
    public static int Common(ToolRule rule, CanonicalTarget target)
    {
        int common = 0, at = 0;
        foreach (var segment in rule.Path)
        {
            if (at >= target.Segments.Count)
                break;
            if (segment.IsMany)
                at += Math.Max(1, Many(rule, target.Segments.Count));
            else if (HasForm(segment, target.Segments[at]))
                at++;
            else
                break;
            common++;
        }
        return common;
    }

    private static bool HasForm(PathSegment segment, string text) =>
        segment.Literal is { } literal ? literal == text : WireValue.Between(text, segment.Prefix, segment.Suffix) is { Length: > 0 };

    // How many segments its {parameter...} takes; 0 when it has none, -1 when the count can't be right.
    private static int Many(ToolRule rule, int count)
    {
        var many = 0;
        foreach (var segment in rule.Path)
            many += segment.IsMany ? 1 : 0;
        if (many == 0)
            return count == rule.Path.Count ? 0 : -1;
        return count >= rule.Path.Count ? count - rule.Path.Count + 1 : -1;
    }

    private static IEnumerable<(PathSegment Segment, string Text)> Pairs(ToolRule rule, CanonicalTarget target)
    {
        var at = 0;
        foreach (var segment in rule.Path)
        {
            var take = segment.IsMany ? Many(rule, target.Segments.Count) : 1;
            yield return (segment, take == 1 ? target.Segments[at] : string.Join('/', target.Segments.Skip(at).Take(take)));
            at += take;
        }
    }
}
