using System.Collections.Frozen;

namespace IncidentFox.Gateway.Rules.Parsing;

/// <summary>An integration and its rules as a request looks them up.</summary>
internal sealed record IndexedIntegration(Integration Integration, RuleIndex Rules);

/// <summary>Rules by method and number of segments: the few that a request could mean.</summary>
internal sealed class RuleIndex
{
    private readonly FrozenDictionary<(string Method, int Segments), ToolRule[]> _exact;
    private readonly ToolRule[] _many;

    public RuleIndex(IReadOnlyList<ToolRule> rules)
    {
        _exact = rules.Where(r => !r.Path.Any(s => s.IsMany)).GroupBy(r => (r.Method, r.Path.Count)).ToFrozenDictionary(g => g.Key, g => g.ToArray());
        _many = [.. rules.Where(r => r.Path.Any(s => s.IsMany))];
    }

    /// <summary>Rules whose path has the form of the request's, whatever their parameters are.</summary>
    public List<ToolRule> OfForm(IncomingRequest request)
    {
        var found = new List<ToolRule>(2);
        if (_exact.TryGetValue((request.Method, request.Target.Segments.Count), out var exact))
        {
            foreach (var rule in exact)
            {
                if (PathMatch.HasForm(rule, request.Target))
                    found.Add(rule);
            }
        }
        foreach (var rule in _many)
        {
            if (rule.Method == request.Method && PathMatch.HasForm(rule, request.Target))
                found.Add(rule);
        }
        return found;
    }
}
