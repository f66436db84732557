namespace IncidentFox.Workbench.Estate.Shop;

/// <summary>The shop's customers: a steady stream of visits to the storefront, bounded whatever happens.</summary>
internal sealed class LoadGenerator(ShopNetwork network, TimeProvider clock) : IAsyncDisposable
{
    private const int VisitsPerSecond = 24;
    private const int MostAtOnce = 60;
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
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                if (_room.Wait(0))
                {
                    _ = VisitAsync();
                }
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
