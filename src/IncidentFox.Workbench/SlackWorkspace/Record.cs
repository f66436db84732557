namespace IncidentFox.Workbench.SlackWorkspace;

/// <summary>Everything that happened, in order, for assertions and for the page's log; the oldest entries go when it is full.</summary>
public sealed class Record<T>
    where T : class
{
    private const int Kept = 20_000;
    private readonly Lock gate = new();
    private readonly Queue<T> entries = [];
    private readonly List<(Func<T, bool> Wanted, TaskCompletionSource<T> Found)> waiters = [];

    public IReadOnlyList<T> All
    {
        get
        {
            lock (gate) return [.. entries];
        }
    }

    internal void Add(T entry)
    {
        lock (gate)
        {
            entries.Enqueue(entry);
            if (entries.Count > Kept) entries.Dequeue();
            foreach (var (_, found) in waiters.Where(w => w.Wanted(entry)).ToList()) found.TrySetResult(entry);
            waiters.RemoveAll(w => w.Found.Task.IsCompleted);
        }
    }

    /// <summary>The first entry that fits, past or to come; throws <see cref="TimeoutException"/> after <paramref name="patience"/> (10 s unless told).</summary>
    public async Task<T> WaitForAsync(Func<T, bool> wanted, TimeSpan? patience = null)
    {
        var found = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            if (entries.FirstOrDefault(wanted) is { } past) return past;
            waiters.Add((wanted, found));
        }

        return await found.Task.WaitAsync(patience ?? TimeSpan.FromSeconds(30));
    }
}
