using System.Globalization;
using System.Text;
using IncidentFox.Core;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Rules.Parsing;
using IncidentFox.Gateway.Tests.HostileAgent;

namespace IncidentFox.Fuzz.Door;

/// <summary>Reads the bytes that left the gateway as the strictest server would: nothing but requests that rules allow, one after the other.</summary>
internal static class WireCheck
{
    private static readonly HashSet<string> Headers = new(StringComparer.OrdinalIgnoreCase)
    {
        "Host", "Authorization", "Accept", "Accept-Encoding", "Content-Type", "Content-Length", "User-Agent", "Connection", "traceparent", "tracestate", "Correlation-Context", "baggage",
    };

    /// <summary>How many whole requests there are and where they end, or what is wrong with them.</summary>
    public static (int Requests, int End, string? Problem) Read(string bytes, Integration integration, IntegrationCatalog catalog)
    {
        var (at, requests) = (0, 0);
        while (at < bytes.Length)
        {
            var end = bytes.IndexOf("\r\n\r\n", at, StringComparison.Ordinal);
            if (end < 0)
                return (requests, at, null);   // on its way
            var lines = bytes[at..end].Split("\r\n");
            var length = 0;
            foreach (var line in lines.Skip(1))
            {
                var colon = line.IndexOf(": ", StringComparison.Ordinal);
                if (colon < 0 || !Headers.Contains(line[..colon]))
                    return (requests, at, $"a header that no rule sends: {line}");
                if (line.Any(c => c is < ' ' or > '~'))
                    return (requests, at, $"a header with characters that none has: {Uri.EscapeDataString(line)}");
                if (line[..colon].Equals("Content-Length", StringComparison.OrdinalIgnoreCase))
                    length = int.Parse(line[(colon + 2)..], CultureInfo.InvariantCulture);
                if (line[..colon].Equals("Authorization", StringComparison.OrdinalIgnoreCase) && !IsOurs(line[(colon + 2)..]))
                    return (requests, at, "a credential that is not the gateway's");
            }
            if (lines.Count(l => l.StartsWith("Host: ", StringComparison.OrdinalIgnoreCase)) != 1)
                return (requests, at, "not one Host header");
            if (bytes.Length < end + 4 + length)
                return (requests, at, null);
            var body = bytes.Substring(end + 4, length);
            if (Problem(lines, body, integration, catalog) is { } problem)
                return (requests, at, problem);
            requests++;
            at = end + 4 + length;
        }
        return (requests, at, null);
    }

    private static string? Problem(string[] lines, string body, Integration integration, IntegrationCatalog catalog)
    {
        if (lines[0].Split(' ') is not [var method, var target, "HTTP/1.1"])
            return $"a request line in pieces: {lines[0]}";
        var prefix = integration.BaseUrl.AbsolutePath.TrimEnd('/');
        if (!target.StartsWith(prefix + "/", StringComparison.Ordinal))
            return $"a target that is not below {prefix}: {target}";
        // Preparing a write asks the target what would happen, in a body that only the gateway writes.
        var isDryRun = method == "DELETE" && body.Contains("\"dryRun\":[\"All\"]", StringComparison.Ordinal);
        var parsed = BaseUrlDoor.Parse(catalog, new TeamId("sre"), integration.Name, method, target[prefix.Length..], isDryRun ? default : Encoding.Latin1.GetBytes(body));
        return parsed switch
        {
            ParsedCall.Refused refused => $"{method} {target} {body} is nothing that a rule allows: {refused.Sentence}",
            ParsedCall.Call { Rule.Effect: not Core.Tools.ToolEffect.Read } when !isDryRun => $"{method} {target} changed something and nobody was asked",
            _ => null,
        };
    }

    private static bool IsOurs(string value) => value is $"Bearer {HostileWorld.ReadSecret}" or $"Bearer {HostileWorld.WriteSecret}";
}
