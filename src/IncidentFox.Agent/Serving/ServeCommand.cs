using System.Net;
using IncidentFox.Agent.Cage;
using IncidentFox.Agent.Gateway;
using IncidentFox.Agent.Investigating;

namespace IncidentFox.Agent.Serving;

/// <summary>What the arguments of <c>serve</c> ask for.</summary>
internal sealed record ServeArguments(IPEndPoint Gateway, string Authority, string Token, IReadOnlyList<IPEndPoint> Probes);

/// <summary><c>incidentfox-agent serve https://ADDRESS:PORT --ca FILE --token FILE [--probe ADDRESS:PORT ...]</c>: the agent in a pod.</summary>
internal static class ServeCommand
{
    public const string Usage = "usage: incidentfox-agent serve https://ADDRESS:PORT --ca FILE --token FILE [--probe ADDRESS:PORT ...]";

    // With the agent's own they have to fit into one hello.
    private const int MostProbes = 24;
    private const string Scheme = "https://";

    /// <summary>Null when they can't be read. Addresses only: a sandbox has no DNS.</summary>
    public static ServeArguments? Parse(string[] arguments)
    {
        if (arguments is not [var url, .. var rest] || !url.StartsWith(Scheme, StringComparison.Ordinal) || Address(url[Scheme.Length..].TrimEnd('/')) is not { } gateway)
            return null;
        string? authority = null, token = null;
        var probes = new List<IPEndPoint>();
        for (var i = 0; i < rest.Length; i += 2)
        {
            var value = i + 1 < rest.Length ? rest[i + 1] : "";
            if (rest[i] == "--ca" && authority is null && value.StartsWith('/'))
                authority = value;
            else if (rest[i] == "--token" && token is null && value.StartsWith('/'))
                token = value;
            // The gateway's own door has to be within reach.
            else if (rest[i] == "--probe" && probes.Count < MostProbes && Address(value) is { } probe && !probe.Equals(gateway))
                probes.Add(probe);
            else
                return null;
        }
        return authority is null || token is null ? null : new(gateway, authority, token, probes);
    }

    public static async Task<int> RunAsync(string[] arguments, TextWriter says)
    {
        if (Parse(arguments) is not { } asked)
        {
            await says.WriteLineAsync(Usage);
            return ExitCodes.Usage;
        }
        // The runtime looks for certificates in the user's folder, and fails where there is neither user nor folder: an empty image. Nothing of the kind is wanted.
        Environment.SetEnvironmentVariable("HOME", "/nonexistent");
        using var gateway = new GatewayClient(new TlsDialer(asked.Gateway, asked.Authority, asked.Token), TimeProvider.System);
        CageTarget[] targets = [.. CageProbes.Everywhere(), .. asked.Probes.Select(address => new CageTarget("told", address))];
        var (code, said) = await new Session(gateway, TimeProvider.System, targets, settling: Settling.OfPod).RunAsync(CancellationToken.None);
        if (said is not null)
            await says.WriteLineAsync(said);
        return code;
    }

    private static IPEndPoint? Address(string text) => IPEndPoint.TryParse(text, out var address) && address.Port > 0 ? address : null;
}
