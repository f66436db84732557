using System.Net;
using IncidentFox.Workbench.Estate.Cluster;
using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Workbench.Estate.Shop;

/// <summary>Services: a name that leads to one ready pod after the other, over real HTTP.</summary>
internal sealed class ShopNetwork(ObjectStore store) : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, UseCookies = false }) { Timeout = Timeout };
    private int _turn;

    /// <summary>Where all pods listen; known once the server runs.</summary>
    public Uri? Base { get; set; }

    public async Task<ShopReply> CallAsync(string service, string path, CancellationToken cancellationToken)
    {
        var ready = EndpointsController.ReadyPods(store, ClusterSeed.Shop, service);
        if (ready.Count == 0)
        {
            return ShopReply.Unreachable($"dial tcp: lookup of {service}: connection refused (the Service has no ready endpoints)");
        }

        var pod = ready[(Interlocked.Increment(ref _turn) & int.MaxValue) % ready.Count];
        try
        {
            using var response = await _http.GetAsync(new Uri(Base!, $"/pods/{pod}{path}"), cancellationToken);
            return new((int)response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken));
        }
        catch (HttpRequestException)
        {
            return ShopReply.Unreachable($"connection to pod {pod} was reset");
        }
        catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return ShopReply.Unreachable($"pod {pod} did not answer within {Timeout.TotalSeconds:0} s");
        }
    }

    public void Dispose() => _http.Dispose();
}

/// <param name="Status">0 when nothing answered.</param>
internal readonly record struct ShopReply(int Status, string Text)
{
    public bool IsOk => Status is >= 200 and < 300;

    public string Outcome => Status == 0 ? "unreachable" : Status.ToString();

    public static ShopReply Unreachable(string why) => new(0, why);

    public static ShopReply Of(HttpStatusCode status, string text) => new((int)status, text);
}
