namespace IncidentFox.Agent;

/// <summary>How the program ends, for whoever started the sandbox.</summary>
internal static class ExitCodes
{
    /// <summary>Reported, or parked while people decide.</summary>
    public const int Done = 0;

    /// <summary>The sandbox is not a cage: something answered that must be out of reach.</summary>
    public const int NotCaged = 3;

    /// <summary>The gateway could not be reached any more.</summary>
    public const int GatewayGone = 4;

    /// <summary>The gateway refused this agent, or spoke another language.</summary>
    public const int Refused = 5;

    /// <summary>What answered at the gateway's address could not prove to be the gateway.</summary>
    public const int GatewayUntrusted = 6;

    /// <summary>Wrong arguments.</summary>
    public const int Usage = 64;

    /// <summary>SIGTERM.</summary>
    public const int Terminated = 143;
}
