namespace IncidentFox.Slack.Tests.Support;

internal static class Eventually
{
    /// <summary>Waits for something another thread brings about; the limit only decides when to give up.</summary>
    public static async Task TrueAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(8));
        while (!condition())
        {
            await Task.Delay(10, limit.Token);
        }
    }
}
