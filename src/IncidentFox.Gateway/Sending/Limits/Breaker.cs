using Polly;
using Polly.CircuitBreaker;

namespace IncidentFox.Gateway.Sending.Limits;

/// <summary>Opens when half of at least ten calls within thirty seconds failed; after thirty seconds one call is let through to see.</summary>
internal sealed class Breaker
{
    /// <summary>How long it stays open.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);

    /// <summary>How many calls it takes to judge.</summary>
    public const int Least = 10;

    private readonly CircuitBreakerStateProvider _state = new();
    private readonly ResiliencePipeline<UpstreamResult> _pipeline;
    private readonly TimeProvider _time;
    private long _openedAt;

    public Breaker(TimeProvider time, Func<UpstreamResult, bool> fails)
    {
        _time = time;
        _pipeline = new ResiliencePipelineBuilder<UpstreamResult> { TimeProvider = time }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions<UpstreamResult>
            {
                FailureRatio = 0.5,
                MinimumThroughput = Least,
                SamplingDuration = TimeSpan.FromSeconds(30),
                BreakDuration = Pause,
                // Whoever left, and bugs, say nothing of the target: they neither open nor, as a probe, close it.
                ShouldHandle = args => ValueTask.FromResult(args.Outcome.Result is { } result ? fails(result) : _state!.CircuitState == CircuitState.HalfOpen),
                OnOpened = _ =>
                {
                    Volatile.Write(ref _openedAt, time.GetTimestamp());
                    return ValueTask.CompletedTask;
                },
                StateProvider = _state,
            })
            .Build();
    }

    public long LastUsed { get; set; }

    /// <summary>How long it stays open; null: it is not, or it is time for a probe.</summary>
    public TimeSpan? OpenFor =>
        _state.CircuitState == CircuitState.Open && Pause - _time.GetElapsedTime(Volatile.Read(ref _openedAt)) is var left && left > TimeSpan.Zero ? left : null;

    /// <summary>Closed: calls go as they come, and are counted by <see cref="Record"/> when they end. Otherwise one at most is let through, by <see cref="SendAsync"/>.</summary>
    public bool IsClosed => _state.CircuitState == CircuitState.Closed;

    public async Task<UpstreamResult> SendAsync(Func<Task<UpstreamResult>> send, Func<TimeSpan, UpstreamResult> open)
    {
        try
        {
            return await _pipeline.ExecuteAsync(async (s, _) => await s(), send, CancellationToken.None);
        }
        catch (BrokenCircuitException)
        {
            return open(OpenFor ?? TimeSpan.FromSeconds(1));
        }
    }

    /// <summary>Counts what was sent past it; an open one stays as it is.</summary>
    public void Record(UpstreamResult result)
    {
        try
        {
            _pipeline.Execute(static r => r, result);
        }
        catch (BrokenCircuitException)
        {
            // open already
        }
    }
}
