using IncidentFox.Core;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Rules;

namespace IncidentFox.Gateway.Alerts;

/// <summary>A refusal that may be more than a mistake: what the door knows of it at no cost. Looking closer is not the caller's time.</summary>
internal sealed record RefusalReport
{
    public required SandboxId Sandbox { get; init; }

    /// <summary>The error code that the sandbox was answered with.</summary>
    public required string Code { get; init; }

    public required string Method { get; init; }

    /// <summary>Printable ASCII, cut.</summary>
    public required string Path { get; init; }

    public required string CorrelationId { get; init; }

    /// <summary>Whose integration or tool was named, when it is another team's and not the sandbox's.</summary>
    public TeamId? OtherTeam { get; init; }

    /// <summary>Which approval was asked for; null when none was.</summary>
    public ApprovalId? Approval { get; init; }

    /// <summary>The team that a name belongs to when the sandbox's own has none of it; null otherwise.</summary>
    public static TeamId? OwnerOfNamed(IntegrationCatalog catalog, TeamId own, string path)
    {
        if (Named(path, Contracts.Protocol.ToolPathPrefix) is { } tool)
        {
            return catalog.Of(own).Any(i => Has(i, tool)) ? null : catalog.All.FirstOrDefault(i => i.Team is not null && Has(i, tool))?.Team;
        }
        return Named(path, Contracts.Protocol.IntegrationPathPrefix) is { } name && catalog.Find(own, name) is null
            ? catalog.All.FirstOrDefault(i => i.Team is not null && i.Name == name)?.Team
            : null;
    }

    /// <summary>The team whose integration is at a place of the proxy door where the sandbox's own has none; null otherwise.</summary>
    public static TeamId? OwnerOfPlace(IntegrationCatalog catalog, string host, int port) =>
        catalog.All.FirstOrDefault(i => i.Team is not null && AgentDoor.Proxy.ProxyOrigins.IsAt(i, host, port))?.Team;

    private static string? Named(string path, string prefix)
    {
        if (!path.StartsWith(prefix, StringComparison.Ordinal))
            return null;
        var rest = path[prefix.Length..];
        var slash = rest.IndexOf('/');
        return slash < 0 ? rest : rest[..slash];
    }

    private static bool Has(Integration integration, string tool) => integration.Rules.Any(r => r.Tool == tool);
}
