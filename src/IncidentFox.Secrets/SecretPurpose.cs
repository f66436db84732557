namespace IncidentFox.Secrets;

/// <summary>
/// On whose behalf a secret is asked for: it goes into the audit trail, and its team decides what <see cref="SecretScope"/>s allow.
/// Holds names only, never a secret.
/// </summary>
public sealed record SecretPurpose
{
    /// <summary>The product itself, by its own configuration: database logins, keys, Slack's tokens, the way into a store. No scope keeps it out.</summary>
    public static SecretPurpose Installation { get; } = new();

    /// <summary>The organization; null for <see cref="Installation"/>.</summary>
    public string? Org { get; init; }

    /// <summary>The team whose investigation or approved call needs it; null for <see cref="Installation"/> only.</summary>
    public string? Team { get; init; }

    /// <summary>The investigation it is needed in.</summary>
    public Guid? Investigation { get; init; }

    /// <summary>The sandbox that asked; null when an approved call runs.</summary>
    public Guid? Sandbox { get; init; }

    /// <summary>The approval that runs; null otherwise.</summary>
    public Guid? Approval { get; init; }

    /// <summary>The integration it is for.</summary>
    public string? Integration { get; init; }

    /// <summary>The person on whose behalf.</summary>
    public string? User { get; init; }

    /// <summary>Ties the audit rows and log lines of one call together.</summary>
    public string? CorrelationId { get; init; }
}
