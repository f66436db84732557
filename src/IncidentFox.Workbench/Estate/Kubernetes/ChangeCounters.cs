namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>How often requests really changed the cluster; dry runs, refusals and controllers do not count.</summary>
public sealed class ChangeCounters
{
    private int _podsDeleted;
    private int _scales;
    private int _otherChanges;

    public int PodsDeleted => Volatile.Read(ref _podsDeleted);

    /// <summary>Changes of a Deployment's replicas, by the scale subresource or by the Deployment itself.</summary>
    public int Scales => Volatile.Read(ref _scales);

    public int OtherChanges => Volatile.Read(ref _otherChanges);

    internal void PodDeleted() => Interlocked.Increment(ref _podsDeleted);

    internal void Scaled() => Interlocked.Increment(ref _scales);

    internal void Changed() => Interlocked.Increment(ref _otherChanges);
}
