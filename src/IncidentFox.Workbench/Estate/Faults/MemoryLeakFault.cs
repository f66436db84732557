namespace IncidentFox.Workbench.Estate.Faults;

/// <summary>
/// One checkout pod is OOM-killed at each start: its spool is on an emptyDir, which outlives the container, and is
/// replayed into memory. The other pod is left over its rate limit. Only a new pod has an empty spool.
/// </summary>
internal sealed class MemoryLeakFault : IDemoFault
{
    private const long SpooledBytes = 310L << 20;

    public FaultTruth Apply(FaultTarget target)
    {
        var checkout = target.PickCheckout();
        checkout.SpoolUp(SpooledBytes);
        var pod = checkout.Pod.PodName;
        return new(
            DemoFaults.MemoryLeak,
            $"Pod {pod} is OOMKilled again and again: at start checkout replays the 310 MiB spool of its emptyDir into memory, over its limit of 128 MiB. "
            + "The emptyDir survives container restarts, so it cannot recover by itself; the remaining pod is over its rate limit and refuses orders.",
            FaultTarget.RestartOf(pod),
            [
                $"pod {pod}: lastState.terminated.reason=OOMKilled, exit code 137, restartCount rising, CrashLoopBackOff",
                $"pod {pod}: log 'spool: replaying into memory', ends near the limit without an error",
                "checkout: 503 'over 10 orders/s' on the other pod; http_requests_total{service=\"checkout\",code=\"503\"} rises",
            ]);
    }
}
