using IncidentFox.Workbench.Estate.Cluster;

namespace IncidentFox.Workbench.Estate.Shop;

/// <summary>One running container of the shop: answers requests, writes its log, counts.</summary>
internal abstract class ShopProcess(ContainerStart start, TimeProvider clock) : IContainerProcess, ICommandRunner
{
    protected const long MiB = 1 << 20;
    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(1);
    private readonly CancellationTokenSource _stopped = new();
    private DateTimeOffset _nextRepeatedLine = DateTimeOffset.MinValue;
    private int _suppressed;

    public ContainerStart Pod => start;

    public bool IsStopped => _stopped.IsCancellationRequested;

    protected ProcessMetrics Metrics { get; } = new();

    protected TimeProvider Clock => clock;

    /// <summary>Ends with the process: a request in flight is cut off.</summary>
    protected CancellationToken Stopped => _stopped.Token;

    protected virtual long MemoryBytes => 44 * MiB + Random.Shared.NextInt64(MiB);

    public virtual string? ProbeReadiness() => null;

    public virtual ContainerExit? Poll(DateTimeOffset now) => null;

    public void Stop() => _stopped.Cancel();

    public bool TryRun(IReadOnlyList<string> command, out Task<CommandResult> running, CancellationToken cancellationToken) =>
        ShopCommands.TryRun(this, command, clock, out running, cancellationToken);

    /// <summary>Answers one request and counts it.</summary>
    public async Task<ShopReply> ServeAsync()
    {
        var began = clock.GetTimestamp();
        var reply = await AnswerAsync(Stopped);
        Metrics.Request(reply.Status, clock.GetElapsedTime(began));
        return reply;
    }

    public string RenderMetrics() => Metrics.Render(
        [new("process_resident_memory_bytes", "", MemoryBytes), new("container_memory_limit_bytes", "", start.MemoryLimit ?? 0), .. Gauges()]);

    protected abstract Task<ShopReply> AnswerAsync(CancellationToken cancellationToken);

    protected virtual IReadOnlyList<Gauge> Gauges() => [];

    protected void Log(string level, string message)
    {
        var version = start.Image[(start.Image.LastIndexOf(':') + 1)..];
        start.Log.Write($"ts={clock.GetUtcNow().UtcDateTime:yyyy-MM-dd'T'HH:mm:ss.fff'Z'} level={level} app={start.Container} version={version} msg=\"{message}\"");
    }

    /// <summary>For what may happen with every request: at most a line a second, saying how many it stands for.</summary>
    protected void LogRepeated(string level, string message)
    {
        lock (_stopped)
        {
            if (clock.GetUtcNow() < _nextRepeatedLine)
            {
                _suppressed++;
                return;
            }

            _nextRepeatedLine = clock.GetUtcNow() + LogInterval;
            var more = _suppressed == 0 ? "" : $" (and {_suppressed} more like it)";
            _suppressed = 0;
            Log(level, message + more);
        }
    }

    protected Task WorkAsync(int fromMs, int toMs, CancellationToken cancellationToken) =>
        Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(fromMs, toMs)), clock, cancellationToken);
}
