using System.Globalization;
using IncidentFox.Core;

namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>
/// Where things of one sandbox are. Below the runtime directory (root's, 0711 when we are root: to be passed through, not listed):
/// <code>
/// roots/{owner}/                 what a sandbox sees as /, read-only: the agent and empty mount points; one per owning process
/// sandboxes/{short}.json         the record: who owns it, what to kill and remove; written before anything else, removed last
/// sandboxes/{short}/             bundle and state of the runtime
/// {8 hex}/gateway.sock           the door, made and removed by the gateway
/// </code>
/// </summary>
internal sealed record SandboxLayout(string RuntimeDirectory, SandboxId Id)
{
    /// <summary>Where the agent finds its door.</summary>
    public const string SocketInside = "/run/incidentfox/gateway.sock";

    public const string DoorInside = "/run/incidentfox";

    public const string AgentInside = "/agent";

    /// <summary>Short, because runsc keeps sockets below a folder of this name; 62 random bits of the id.</summary>
    public string Short { get; } = Id.Value.ToString("N", CultureInfo.InvariantCulture)[^16..];

    public string Records => RecordsOf(RuntimeDirectory);

    public string RecordPath => Path.Combine(Records, Short + ".json");

    public string Work => Path.Combine(Records, Short);

    public string RunscState => Path.Combine(Work, "runsc");

    /// <summary>
    /// When we are root, the user that this sandbox alone runs as: nobody else's files, nobody else's process limit. Above the ranges
    /// that systemd and container engines hand out.
    /// </summary>
    public uint HostUser => 0x7000_0000u | uint.Parse(Short.AsSpan()[^6..], NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    public static string RecordsOf(string runtimeDirectory) => Path.Combine(runtimeDirectory, "sandboxes");

    public static string RootsOf(string runtimeDirectory) => Path.Combine(runtimeDirectory, "roots");
}
