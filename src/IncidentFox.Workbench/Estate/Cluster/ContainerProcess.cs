namespace IncidentFox.Workbench.Estate.Cluster;

/// <summary>What runs the containers: the shop's programs in the estate, scripted ones in tests.</summary>
internal interface IContainerRuntime
{
    /// <summary>False for an image that cannot be pulled.</summary>
    bool HasImage(string image);

    IContainerProcess Start(ContainerStart start);
}

/// <summary>One run of a container.</summary>
internal interface IContainerProcess
{
    /// <summary>Null while ready, else why the readiness probe fails.</summary>
    string? ProbeReadiness();

    /// <summary>How it ended, or null while it runs. Asked several times a second.</summary>
    ContainerExit? Poll(DateTimeOffset now);

    /// <summary>The container was told to end; it serves nobody any more.</summary>
    void Stop();
}

/// <param name="Volume">The pod's emptyDir: shared by all runs of its containers, gone with the pod.</param>
internal sealed record ContainerStart(
    string Namespace, string PodName, string PodUid, string PodIp, string Container, string Image, long? MemoryLimit, PodVolume Volume, ContainerLog Log);

internal sealed record ContainerExit(int Code, string Reason)
{
    public static readonly ContainerExit OutOfMemory = new(137, "OOMKilled");
}

/// <summary>What is in a pod's emptyDir, as far as the programs of the estate need it.</summary>
internal sealed class PodVolume
{
    /// <summary>Requests spooled to disk and not yet replayed.</summary>
    public long SpooledBytes { get; set; }
}
