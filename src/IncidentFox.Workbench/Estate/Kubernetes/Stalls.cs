namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>Holds the answer of one request back, after it was carried out.</summary>
public sealed class Stall : IDisposable
{
    private readonly TaskCompletionSource<KubernetesRequest> _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal Stall(Func<KubernetesRequest, bool> predicate) => Predicate = predicate;

    /// <summary>Ends when a request that matches was carried out and its answer is being held.</summary>
    public Task<KubernetesRequest> Reached => _reached.Task;

    /// <summary>Ends when the answer was let go or its connection was lost.</summary>
    public Task Ended => _ended.Task;

    internal Func<KubernetesRequest, bool> Predicate { get; }

    /// <summary>Lets the answer go. A stall that nothing reached holds nothing any more.</summary>
    public void Release() => _released.TrySetResult();

    public void Dispose() => Release();

    internal bool IsReleased => _released.Task.IsCompleted;

    internal async Task HoldAsync(KubernetesRequest request, CancellationToken connectionLost)
    {
        _reached.TrySetResult(request);
        try
        {
            await _released.Task.WaitAsync(connectionLost);
        }
        finally
        {
            _ended.TrySetResult();
        }
    }
}

internal sealed class Stalls
{
    private readonly List<Stall> _waiting = [];

    public Stall Next(Func<KubernetesRequest, bool> predicate)
    {
        var stall = new Stall(predicate);
        lock (_waiting)
        {
            _waiting.Add(stall);
        }

        return stall;
    }

    /// <summary>The stall that this request runs into, once.</summary>
    public Stall? Take(KubernetesRequest request)
    {
        lock (_waiting)
        {
            _waiting.RemoveAll(s => s.IsReleased);
            var match = _waiting.Find(s => s.Predicate(request));
            if (match is not null)
            {
                _waiting.Remove(match);
            }

            return match;
        }
    }
}
