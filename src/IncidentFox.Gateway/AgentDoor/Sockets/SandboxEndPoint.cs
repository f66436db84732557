using System.Net;
using IncidentFox.Core;

namespace IncidentFox.Gateway.AgentDoor.Sockets;

/// <summary>The one endpoint that Kestrel listens on for all sandboxes, however many sockets stand behind it.</summary>
internal sealed class SandboxEndPoint : EndPoint
{
    public override string ToString() => "sandboxes";
}

/// <summary>Put on every connection by the socket it came through: whose it is. Nothing that a client sends can change it.</summary>
internal sealed record SandboxConnection(SandboxId Sandbox);
