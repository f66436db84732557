namespace IncidentFox.Core.Sandboxes;

/// <summary>Which pod is whose, as the driver of pods asks and writes it: the database's rows, or, where a check runs without one, memory.</summary>
public interface ISandboxPods
{
    /// <summary>A sandbox's pod; null when it has none yet.</summary>
    Task<SandboxPod?> OfSandboxAsync(SandboxId sandbox, CancellationToken cancellationToken);

    /// <summary>Every pod of the namespace that is not gone, oldest first.</summary>
    Task<IReadOnlyList<SandboxPod>> PresentAsync(string ns, CancellationToken cancellationToken);

    /// <summary>The bot made a pod: for a sandbox, or for the warm pool when there is none. Recording twice is harmless.</summary>
    Task RecordAsync(string uid, string ns, string name, string image, SandboxId? sandbox, string owner, CancellationToken cancellationToken);

    /// <summary>Its agent has shown that it is caged.</summary>
    Task<bool> IsCagedAsync(string uid, CancellationToken cancellationToken);

    /// <summary>The oldest idle pod of this image becomes the sandbox's; null when there is none.</summary>
    Task<SandboxPod?> ClaimAsync(SandboxId sandbox, string ns, string image, string owner, CancellationToken cancellationToken);

    /// <summary>It is gone, or is about to be. False when it was gone, or was claimed meanwhile although only an unclaimed one was meant.</summary>
    Task<bool> GoneAsync(string uid, bool unclaimedOnly, CancellationToken cancellationToken);
}
