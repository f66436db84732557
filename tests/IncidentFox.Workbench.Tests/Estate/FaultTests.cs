using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate;
using IncidentFox.Workbench.Estate.Faults;
using IncidentFox.Workbench.Estate.Kubernetes;
using Xunit;

namespace IncidentFox.Workbench.Tests.Estate;

/// <summary>Each fault with everything real: Prometheus scrapes what really happens, and the fixing call really mends it.</summary>
public sealed class FaultTests
{
    private const string CheckoutErrors =
        """sum(rate(http_requests_total{service="checkout",code=~"5.."}[8s])) / sum(rate(http_requests_total{service="checkout"}[8s])) > 0.05""";
    private const string CheckoutHealthy =
        """sum(rate(http_requests_total{service="checkout",code="200"}[8s])) > 5 and sum(rate(http_requests_total{service="checkout",code=~"5.."}[8s])) == 0""";

    // Nothing is judged by it: a busy machine takes longer.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(DemoFaults.MemoryLeak)]
    [InlineData(DemoFaults.StuckPool)]
    [InlineData(DemoFaults.ScaledToZero)]
    public async Task A_fault_shows_in_Prometheus_stays_without_its_action_and_ends_with_it(string fault)
    {
        await using var estate = await DemoEstate.StartAsync(new() { Fault = DemoFaults.None }, Cancel);
        using var prometheus = new PrometheusClient(estate);
        await prometheus.UntilAsync(CheckoutHealthy, Patience);
        Assert.Null(estate.FaultTruth);

        await estate.SeedAsync(fault);

        await prometheus.UntilAsync(CheckoutErrors, Patience);
        await prometheus.UntilAsync("""ALERTS{alertname="HighErrorRate",service="checkout",alertstate="firing"}""", Patience);

        // Nobody acts: it does not mend itself. A crash loop has better moments, so there it is asked whether it crashes again.
        if (fault == DemoFaults.MemoryLeak)
            await prometheus.UntilAsync("""kube_pod_container_status_restarts_total{namespace="shop",pod=~"checkout-.*"} >= 2""", Patience);
        else
            await prometheus.NeverAsync(CheckoutHealthy, TimeSpan.FromSeconds(4));
        await prometheus.UntilAsync(CheckoutErrors, Patience);

        await FixAsync(estate, estate.FaultTruth!.Fix!);
        await prometheus.UntilAsync(CheckoutHealthy, Patience);
        Assert.Equal(1, estate.Changes.PodsDeleted + estate.Changes.Scales);
    }

    [Fact]
    public async Task A_rollout_without_image_takes_checkout_away_after_a_healthy_time_and_no_action_mends_it()
    {
        await using var estate = await DemoEstate.StartAsync(new() { Fault = DemoFaults.BadImage, HealthyFor = TimeSpan.FromSeconds(18) }, Cancel);
        using var prometheus = new PrometheusClient(estate);
        await prometheus.UntilAsync("""sum(rate(http_requests_total{service="checkout",code="200"}[6s])) > 3""", Patience);

        var truth = await estate.FaultBegan.WaitAsync(Patience, Cancel);

        await prometheus.UntilAsync("""ALERTS{alertname="DeploymentWithoutReadyReplicas",deployment="checkout",alertstate="firing"}""", Patience);
        await prometheus.UntilAsync("""kube_pod_container_status_waiting_reason{reason="ImagePullBackOff"}""", Patience);
        await prometheus.UntilAsync("""sum(rate(http_requests_total{service="storefront",code="503"}[5s])) > 1""", Patience);
        Assert.Null(truth.Fix);
        Assert.Equal(DemoFaults.BadImage, estate.FaultName);
    }

    [Fact]
    public async Task Prometheus_and_Alertmanager_answer_nobody_without_their_password()
    {
        await using var estate = await DemoEstate.StartAsync(new() { Fault = DemoFaults.None }, Cancel);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });

        foreach (var url in new[] { new Uri(estate.PrometheusUrl, "/api/v1/query?query=up"), new Uri(estate.AlertmanagerUrl, "/api/v2/alerts") })
        {
            using var refused = await http.GetAsync(url, Cancel);
            Assert.Equal(401, (int)refused.StatusCode);
        }
    }

    private static async Task FixAsync(DemoEstate estate, FaultFix fix)
    {
        using var api = new KubernetesClient(estate, estate.KubernetesWriteToken);
        if (fix.Tool == "pod_restart")
        {
            var pod = await api.GetAsync($"/api/v1/namespaces/shop/pods/{fix.Parameters["pod"]}");
            var options = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "DeleteOptions", ["preconditions"] = new JsonObject { ["uid"] = pod.Uid() } };
            Assert.Equal(200, (await api.SendAsync("DELETE", $"/api/v1/namespaces/shop/pods/{pod.Name()}", options)).Status);
            return;
        }

        Assert.Equal("scale_deployment", fix.Tool);
        var patch = new JsonArray(
            new JsonObject { ["op"] = "test", ["path"] = "/spec/replicas", ["value"] = 0 },
            new JsonObject { ["op"] = "replace", ["path"] = "/spec/replicas", ["value"] = int.Parse(fix.Parameters["replicas"]) });
        var path = $"/apis/apps/v1/namespaces/shop/deployments/{fix.Parameters["deployment"]}";
        Assert.Equal(200, (await api.SendAsync("PATCH", path, patch, "application/json-patch+json")).Status);
    }

    private sealed class PrometheusClient : IDisposable
    {
        private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });
        private readonly Uri _url;

        public PrometheusClient(DemoEstate estate)
        {
            _url = estate.PrometheusUrl;
            var (user, password) = estate.PrometheusCredential;
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")));
        }

        public async Task<JsonArray> QueryAsync(string query)
        {
            var answer = JsonNode.Parse(await _http.GetStringAsync(new Uri(_url, $"/api/v1/query?query={Uri.EscapeDataString(query)}"), Cancel));
            return (JsonArray)answer.At("data", "result")!;
        }

        public async Task UntilAsync(string query, TimeSpan deadline)
        {
            var began = TimeProvider.System.GetTimestamp();
            while ((await QueryAsync(query)).Count == 0)
            {
                Assert.True(TimeProvider.System.GetElapsedTime(began) < deadline, $"Not within {deadline.TotalSeconds} s: {query}\n{await ShowAsync()}");
                await Task.Delay(200, Cancel);
            }
        }

        public async Task NeverAsync(string query, TimeSpan during)
        {
            var began = TimeProvider.System.GetTimestamp();
            while (TimeProvider.System.GetElapsedTime(began) < during)
            {
                Assert.True((await QueryAsync(query)).Count == 0, $"Not never: {query}");
                await Task.Delay(500, Cancel);
            }
        }

        public void Dispose() => _http.Dispose();

        private async Task<string> ShowAsync() =>
            (await QueryAsync("""sum by (pod, code) (rate(http_requests_total[8s])) or kube_pod_status_ready or up""")).ToJsonString();
    }
}
