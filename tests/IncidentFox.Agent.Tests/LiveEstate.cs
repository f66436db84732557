using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using IncidentFox.Contracts;
using IncidentFox.Workbench.Estate;
using IncidentFox.Workbench.Estate.Monitoring;

namespace IncidentFox.Agent.Tests;

/// <summary>The demo estate behind the tools: its Kubernetes API, Prometheus and Alertmanager, each with its credential.</summary>
internal sealed class LiveEstate(DemoEstate estate) : IDisposable
{
    public static readonly IReadOnlyList<string> Tools = SmallShop.Tools;

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });

    public ToolAnswer Answer(string tool, JsonElement arguments)
    {
        string Argument(string name) => arguments.ValueKind == JsonValueKind.Object && arguments.TryGetProperty(name, out var value) ? value.ToString() : "";
        string Query(params string[] names) => string.Join('&', names.Where(n => arguments.TryGetProperty(n, out _)).Select(n => $"{n}={Uri.EscapeDataString(Argument(n))}"));
        var ns = Argument("namespace");
        return tool switch
        {
            "list_namespaces" => Kubernetes("/api/v1/namespaces"),
            "list_pods" or "list_services" or "list_events" => Kubernetes($"/api/v1/namespaces/{ns}/{tool[5..]}"),
            "list_deployments" or "list_replicasets" => Kubernetes($"/apis/apps/v1/namespaces/{ns}/{tool[5..]}"),
            "list_endpointslices" => Kubernetes($"/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices"),
            "list_nodes" => Kubernetes("/api/v1/nodes"),
            "get_pod_logs" => Kubernetes($"/api/v1/namespaces/{ns}/pods/{Argument("pod")}/log?container={Argument("container")}&previous={(arguments.TryGetProperty("previous", out _) ? "true" : "false")}&tailLines={Argument("tail_lines")}"),
            "query_metrics" => Send(HttpMethod.Get, new Uri(estate.PrometheusUrl, "/api/v1/query?" + Query("query", "time")), Basic(estate.PrometheusCredential)),
            "query_metrics_range" => Send(HttpMethod.Get, new Uri(estate.PrometheusUrl, "/api/v1/query_range?" + Query("query", "start", "end", "step")), Basic(estate.PrometheusCredential)),
            "list_firing_alerts" => Send(HttpMethod.Get, new Uri(estate.AlertmanagerUrl, "/api/v2/alerts"), Basic(estate.AlertmanagerCredential)),
            "pod_restart" or "scale_deployment" => ToolAnswer.Approval("apr_1", TimeProvider.System.GetUtcNow().AddMinutes(30)),
            _ => ToolAnswer.Error(403, "no_rule", $"No rule defines {tool}."),
        };
    }

    /// <summary>What the gateway does once people approved.</summary>
    public ApprovalStatus Execute(string approval, string tool, JsonElement arguments)
    {
        var ns = arguments.GetProperty("namespace").GetString();
        var answer = tool == "pod_restart"
            ? Send(HttpMethod.Delete, new Uri(estate.KubernetesUrl, $"/api/v1/namespaces/{ns}/pods/{arguments.GetProperty("pod").GetString()}"), new("Bearer", estate.KubernetesWriteToken))
            : Send(HttpMethod.Patch, new Uri(estate.KubernetesUrl, $"/apis/apps/v1/namespaces/{ns}/deployments/{arguments.GetProperty("deployment").GetString()}"), new("Bearer", estate.KubernetesWriteToken),
                new StringContent($$"""[{"op":"replace","path":"/spec/replicas","value":{{arguments.GetProperty("replicas").GetInt32()}}}]""", Encoding.UTF8, "application/json-patch+json"));
        return new() { ApprovalId = approval, Tool = tool, Parameters = arguments, State = answer.Status == 200 ? "executed" : "failed", Detail = $"{answer.Status}", Final = true };
    }

    public bool Shows(string query) =>
        Send(HttpMethod.Get, new Uri(estate.PrometheusUrl, "/api/v1/query?query=" + Uri.EscapeDataString(query)), Basic(estate.PrometheusCredential)) is { Status: 200 } answer
        && JsonDocument.Parse(answer.Body).RootElement.GetProperty("data").GetProperty("result").GetArrayLength() > 0;

    /// <summary>Whether Alertmanager has an alert that names the workload: only then can the agent see what Prometheus saw.</summary>
    public bool Alerts(string workload) =>
        Answer("list_firing_alerts", default) is { Status: 200 } answer && Encoding.UTF8.GetString(answer.Body).Contains($"\"{workload}\"", StringComparison.Ordinal);

    public void Dispose() => _http.Dispose();

    private ToolAnswer Kubernetes(string path) => Send(HttpMethod.Get, new Uri(estate.KubernetesUrl, path), new("Bearer", estate.KubernetesReadToken));

    private static AuthenticationHeaderValue Basic(BasicCredential credential) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{credential.User}:{credential.Password}")));

    private ToolAnswer Send(HttpMethod method, Uri url, AuthenticationHeaderValue credential, HttpContent? content = null)
    {
        using var request = new HttpRequestMessage(method, url) { Content = content };
        request.Headers.Authorization = credential;
        using var response = _http.Send(request);
        using var body = new MemoryStream();
        response.Content.ReadAsStream().CopyTo(body);
        return new((int)response.StatusCode, body.ToArray());
    }
}
