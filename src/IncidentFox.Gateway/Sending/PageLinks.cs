using System.Net.Http.Headers;
using IncidentFox.Gateway.Rules;

namespace IncidentFox.Gateway.Sending;

/// <summary>
/// What of a <c>Link</c> header (RFC 8288) is passed on: where the other pages are, as path and query. An agent needs that to read on;
/// addresses of elsewhere, and what else targets link to, are none of its business.
/// </summary>
internal static class PageLinks
{
    /// <summary>Most characters of it; links that don't fit are left out whole.</summary>
    public const int Longest = 4 * 1024;

    private const int MostLinks = 4;
    private static readonly string[] Pages = ["first", "prev", "previous", "next", "last"];

    /// <summary>The links to pages at the integration itself; empty: there are none.</summary>
    public static string Of(HeaderStringValues values, Integration integration)
    {
        var links = new List<string>();
        var length = 0;
        foreach (var link in values.Where(v => v.Length <= 4 * Longest).SelectMany(v => Links(v, integration)).Take(MostLinks))
        {
            length += link.Length + 2;
            if (length > Longest)
                break;
            links.Add(link);
        }
        return string.Join(", ", links);
    }

    // <uri>; rel="next"; other="...", <uri>; ...
    private static IEnumerable<string> Links(string value, Integration integration)
    {
        for (var at = 0; ;)
        {
            var open = value.IndexOf('<', at);
            var close = open < 0 ? -1 : value.IndexOf('>', open);
            if (close < 0)
                yield break;
            var end = value.IndexOf('<', close) is var next and >= 0 ? next : value.Length;
            var parameters = value[(close + 1)..end].TrimEnd(' ', ',').Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            if (Find(parameters, "rel") is { } rel && Pages.Contains(rel, StringComparer.Ordinal) && Find(parameters, "anchor") is null && Within(value[(open + 1)..close], integration) is { } path)
            {
                // Sentry's sign of whether there is anything on that page: https://docs.sentry.io/api/pagination/
                var results = Find(parameters, "results") is "true" or "false" ? $"; results=\"{Find(parameters, "results")}\"" : "";
                yield return $"<{path}>; rel=\"{rel}\"{results}";
            }
            at = end;
        }
    }

    private static string? Find(string[] parameters, string name) =>
        parameters.FirstOrDefault(p => p.StartsWith(name + "=", StringComparison.OrdinalIgnoreCase))?[(name.Length + 1)..].Trim('"');

    private static string? Within(string uri, Integration integration)
    {
        if (uri.StartsWith(integration.Origin + "/", StringComparison.OrdinalIgnoreCase))
            uri = uri[integration.Origin.Length..];
        return uri.StartsWith('/') && !uri.StartsWith("//", StringComparison.Ordinal) && uri.AsSpan().IndexOfAnyExceptInRange('!', '~') < 0 && uri.AsSpan().IndexOfAny('\\', '"', '#') < 0
            ? uri
            : null;
    }
}
