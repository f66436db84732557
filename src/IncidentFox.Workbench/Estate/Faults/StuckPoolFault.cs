namespace IncidentFox.Workbench.Estate.Faults;

/// <summary>
/// One checkout pod leaks its connections to payments: it runs, but its pool is exhausted, its readiness flaps and it
/// answers 503 whenever it is in rotation. A new process has an empty pool.
/// </summary>
internal sealed class StuckPoolFault : IDemoFault
{
    public FaultTruth Apply(FaultTarget target)
    {
        var checkout = target.PickCheckout();
        checkout.LeakConnections();
        var pod = checkout.Pod.PodName;
        return new(
            DemoFaults.StuckPool,
            $"Pod {pod} has exhausted its connection pool to payments (16 of 16 in use, none returned): its readiness probe flaps and it answers 503; "
            + "the remaining pod is over its rate limit. payments itself is healthy.",
            FaultTarget.RestartOf(pod),
            [
                $"pod {pod}: Running, readiness probe fails with 503, Unhealthy events",
                $"pod {pod}: log 'payments connection pool exhausted', payments_pool_in_use 16 of 16",
                "payments: no errors, latency unchanged",
            ]);
    }
}
