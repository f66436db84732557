using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate;

namespace IncidentFox.EndToEnd.Kit;

/// <summary>Mends the demo shop as a person with kubectl would, so that one test's fault is not the next one's.</summary>
internal sealed class Shop : IDisposable
{
    private readonly DemoEstate _estate;
    private readonly HttpClient _http;

    public Shop(DemoEstate estate)
    {
        _estate = estate;
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = estate.KubernetesUrl };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", estate.KubernetesWriteToken);
    }

    public async Task MendAsync()
    {
        if (_estate.FaultTruth?.Fix is not { } fix)
            return;
        if (fix.Parameters.TryGetValue("pod", out var pod) && _estate.PodNames("shop").Contains(pod))
        {
            using var deleted = await _http.DeleteAsync($"api/v1/namespaces/shop/pods/{pod}");
            deleted.EnsureSuccessStatusCode();
        }
        if (fix.Parameters.TryGetValue("deployment", out var deployment))
        {
            using var patch = new StringContent($$$"""{"spec":{"replicas":{{{fix.Parameters["replicas"]}}}}}""", Encoding.UTF8, "application/merge-patch+json");
            using var scaled = await _http.PatchAsync($"apis/apps/v1/namespaces/shop/deployments/{deployment}", patch);
            scaled.EnsureSuccessStatusCode();
        }
        while (!await IsWholeAsync())
            await Task.Delay(TimeSpan.FromMilliseconds(100), TestContext.Current.CancellationToken);
    }

    public void Dispose() => _http.Dispose();

    private async Task<bool> IsWholeAsync()
    {
        var list = JsonNode.Parse(await _http.GetStringAsync("apis/apps/v1/namespaces/shop/deployments"))!;
        return list["items"]!.AsArray().All(d => (int?)d!["spec"]!["replicas"] == ((int?)d["status"]?["readyReplicas"] ?? 0));
    }
}
