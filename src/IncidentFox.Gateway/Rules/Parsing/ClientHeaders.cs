namespace IncidentFox.Gateway.Rules.Parsing;

/// <summary>Headers that a client of the base-URL door may send. None is passed on: those that a rule names are sent as the rule says.</summary>
internal static class ClientHeaders
{
    private static readonly HashSet<string> Harmless = new(StringComparer.OrdinalIgnoreCase)
    {
        "host", "user-agent", "accept", "accept-encoding", "accept-language", "connection", "content-type", "content-length",
        "transfer-encoding", "kubectl-command", "kubectl-session", "traceparent", "tracestate", "cache-control", "pragma", Contracts.Protocol.ReasonHeader,
    };

    /// <summary>Whether any client may send it.</summary>
    public static bool IsHarmless(string name) => Harmless.Contains(name);

    /// <summary>The first header that no rule of the integration names; null when there is none.</summary>
    public static string? Unlisted(Integration integration, IReadOnlyList<KeyValuePair<string, string>> headers)
    {
        foreach (var (name, _) in headers)
        {
            if (!Harmless.Contains(name) && !MayEncode(integration, name) && !integration.Rules.Any(r => r.Headers.Any(h => h.Name.Equals(name, StringComparison.OrdinalIgnoreCase))))
                return name;
        }
        return null;
    }

    private static bool IsEncoding(string name) => name.Equals("content-encoding", StringComparison.OrdinalIgnoreCase);

    private static bool MayEncode(Integration integration, string name) => IsEncoding(name) && integration.Rules.Any(r => r.OpaqueBytes is not null);

    /// <summary>Says which header the rule does not know, or knows with another value.</summary>
    public static void Bind(Binding binding, IncomingRequest request)
    {
        foreach (var (name, value) in request.Headers)
        {
            if (Harmless.Contains(name) || IsEncoding(name))
                continue;   // what a body is encoded with is the body's affair
            var named = binding.Rule.Headers.FirstOrDefault(h => h.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
            if (named is null)
                binding.Problems.Add($"the header {Arguments.Printable(name)} is not accepted");
            else if (named.Value != value)
                binding.Problems.Add($"the header {named.Name} must be {named.Value}");
        }
    }
}
