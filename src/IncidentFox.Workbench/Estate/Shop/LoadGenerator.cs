namespace IncidentFox.Workbench.Estate.Shop;

/// <summary>The shop's customers: a steady stream of visits to the storefront, bounded whatever happens.</summary>
internal sealed class LoadGenerator(ShopNetwork network, TimeProvider clock) : IAsyncDisposable
{
    private const int VisitsPerSecond = 24;
    private const int MostAtOnce = 60;
    private const int MostToCatchUp = 6;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _room = new(MostAtOnce);
    private Task _running = Task.CompletedTask;

    public void Start() => _running = RunAsync();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / VisitsPerSecond), clock);
        try
        {
            var started = clock.GetTimestamp();
            var due = 0L;
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                // A busy machine's timer skips ticks: the visits are made up for, a few at a time, so that the load stays what the faults need.
                var ticks = (long)(clock.GetElapsedTime(started).TotalSeconds * VisitsPerSecond);
                for (var visits = Math.Min(ticks - due, MostToCatchUp); visits > 0 && _room.Wait(0); visits--)
                {
                    _ = VisitAsync();
                }
                due = ticks;
            }
        }
        catch (OperationCanceledException)
        {
            // Let the visits under way end, so that none outlives us.
            for (var i = 0; i < MostAtOnce; i++)
            {
                await _room.WaitAsync(CancellationToken.None);
            }
        }
    }

    private async Task VisitAsync()
    {
        try
        {
            await network.CallAsync("storefront", "/", _stop.Token);
        }
        catch (OperationCanceledException)
        {
            return; // closing time
        }
        finally
        {
            _room.Release();
        }
    }
}
