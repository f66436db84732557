namespace IncidentFox.Contracts;

/// <summary>
/// The protocol between an agent in a sandbox and the gateway: HTTP/1.1 with JSON bodies over the sandbox's only way out.
/// The agent always dials; the gateway never connects to an agent.
/// </summary>
public static class Protocol
{
    /// <summary>The version that both sides put in <c>v</c>. A message of another version is refused by name, never guessed at.</summary>
    public const int Version = 1;

    /// <summary>Largest message in bytes that either side accepts, tool results excepted.</summary>
    public const int MaxMessageBytes = 256 * 1024;

    /// <summary>POST <see cref="AgentHello"/> -> <see cref="AgentWelcome"/>, or 403 when the agent is not caged.</summary>
    public const string HelloPath = "/v1/agent/hello";

    /// <summary>GET -> <see cref="AgentTask"/>, or 204 after at most 25 s when there is none yet. Refused before a good hello.</summary>
    public const string TaskPath = "/v1/agent/task";

    /// <summary>GET -> <see cref="ToolList"/>: what this investigation's team may call.</summary>
    public const string ToolsPath = "/v1/agent/tools";

    /// <summary>POST <see cref="EventBatch"/> -> 202. A sequence that was seen before is acknowledged and ignored.</summary>
    public const string EventsPath = "/v1/agent/events";

    /// <summary>POST <see cref="ModelTurn"/> -> <see cref="ModelAnswer"/>. 429 <c>budget_exceeded</c> when the investigation or its team may use no more.</summary>
    public const string ModelPath = "/v1/agent/model";

    /// <summary>
    /// POST <see cref="ToolRequest"/> to <c>/tools/{tool}</c>. 200 and other statuses with <see cref="SourceHeader"/> <c>upstream</c> are the target's
    /// own answer; 202 is <see cref="ApprovalRequired"/>; everything with <see cref="SourceHeader"/> <c>gateway</c> and status 4xx/5xx is <see cref="GatewayError"/>.
    /// </summary>
    public const string ToolPathPrefix = "/tools/";

    /// <summary>GET <c>/v1/approvals/{id}?wait=25</c> -> <see cref="ApprovalStatus"/>; answers early when the state changes. At most 25 s.</summary>
    public const string ApprovalPathPrefix = "/v1/approvals/";

    /// <summary>Base-URL door: <c>/i/{integration}/...</c> for clients that can be pointed at an address.</summary>
    public const string IntegrationPathPrefix = "/i/";

    /// <summary>Response header that says whose answer it is: <c>upstream</c> or <c>gateway</c>.</summary>
    public const string SourceHeader = "x-incidentfox-source";

    /// <summary>Request header of the base-URL door: why a write is asked for, shown to approvers as the agent's words. At most 1,000 characters.</summary>
    public const string ReasonHeader = "x-incidentfox-reason";
}
