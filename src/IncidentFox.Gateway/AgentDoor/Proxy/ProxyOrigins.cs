using System.Globalization;
using IncidentFox.Core;
using IncidentFox.Gateway.Rules;

namespace IncidentFox.Gateway.AgentDoor.Proxy;

/// <summary>Which integrations of a team are at a host and port. Everybody else's, and everything else, is not there.</summary>
internal static class ProxyOrigins
{
    /// <summary>Those at this place; several where they live below different paths.</summary>
    public static IReadOnlyList<Integration> At(IntegrationCatalog catalog, TeamId team, string host, int port) =>
        [.. catalog.Of(team).Where(i => IsAt(i, host, port))];

    /// <summary>Whether an integration is at this place.</summary>
    public static bool IsAt(Integration integration, string host, int port) => integration.BaseUrl.Port == port && HostOf(integration) == host;

    /// <summary>The one that a path belongs to, and the path below its base URL.</summary>
    public static (Integration Integration, string Remainder)? Below(IReadOnlyList<Integration> integrations, string path)
    {
        foreach (var integration in integrations)
        {
            var prefix = integration.BaseUrl.AbsolutePath.TrimEnd('/');
            if (path.StartsWith(prefix, StringComparison.Ordinal) && (path.Length == prefix.Length || path[prefix.Length] == '/'))
                return (integration, path[prefix.Length..]);
        }
        return null;
    }

    /// <summary>As a CONNECT names it: in lower case, a name as DNS knows it, an IPv6 address in brackets.</summary>
    public static string HostOf(Integration integration) =>
        (integration.BaseUrl.HostNameType == UriHostNameType.IPv6 ? integration.BaseUrl.Host : integration.BaseUrl.IdnHost).ToLowerInvariant();

    /// <summary>What the team may connect to, for people.</summary>
    public static string Known(IntegrationCatalog catalog, TeamId team)
    {
        var known = catalog.Of(team).Select(i => $"{HostOf(i)}:{i.BaseUrl.Port.ToString(CultureInfo.InvariantCulture)}").Distinct().Take(20).ToList();
        return known.Count == 0 ? "nothing" : string.Join(", ", known);
    }
}
