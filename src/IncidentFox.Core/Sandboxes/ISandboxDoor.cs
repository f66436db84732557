namespace IncidentFox.Core.Sandboxes;

/// <summary>
/// A sandbox's only way out, opened by the gateway and handed to the local driver, which binds it into the sandbox.
/// The socket is the sandbox's identity: who speaks through it is that sandbox and no other.
/// </summary>
public interface ISandboxDoor
{
    /// <summary>
    /// Opens the door and returns the path of a listening Unix socket that is alone in its directory (so that the directory can be bound into the sandbox).
    /// The path is at most 100 bytes long.
    /// </summary>
    ValueTask<string> OpenAsync(SandboxId sandbox, CancellationToken cancellationToken);

    /// <summary>Cuts every connection and removes the socket and its directory. Closing twice is harmless.</summary>
    ValueTask CloseAsync(SandboxId sandbox, CancellationToken cancellationToken);
}
