using System.Globalization;
using System.Text.Json;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Tests;

/// <summary>
/// A shop of two checkout pods and one payments deployment whose state a test changes, with metrics and logs. Its answers are shaped like the
/// API server's and Prometheus'.
/// </summary>
internal sealed class SmallShop
{
    public static readonly DateTimeOffset Now = new(2026, 11, 22, 15, 0, 0, TimeSpan.Zero);
    public static readonly IReadOnlyList<string> Tools =
        [.. RecordedEstate.ReadTools, "query_metrics", "query_metrics_range", "list_firing_alerts", "pod_restart", "scale_deployment"];

    /// <summary>The pods of checkout: name, ready, and whether it is killed for memory.</summary>
    public List<(string Name, bool Ready, bool OutOfMemory)> Checkout { get; } = [("checkout-7d9f8c6b5d-aaaaa", true, false), ("checkout-7d9f8c6b5d-bbbbb", true, false)];

    public int PaymentsReplicas { get; set; } = 2;

    /// <summary>The share of checkout's requests that fail, minutes before now; the newest last.</summary>
    public Func<DateTimeOffset, double> ErrorShare { get; set; } = _ => 0;

    /// <summary>Failed and all requests per second by pod.</summary>
    public IReadOnlyList<(string Pod, double Failed, double All)> ByPod { get; set; } = [];

    public string Log { get; set; } = "level=info msg=\"listening on port 8080\"\n";

    public string Alerts { get; set; } = "[]";

    /// <summary>Tools that fail, and how.</summary>
    public Dictionary<string, ToolAnswer> Broken { get; } = [];

    /// <summary>What a write answers.</summary>
    public Func<string, JsonElement, ToolAnswer>? Write { get; set; }

    public AgentTask Ask(string question = "checkout is returning 5xx", int park = 120, ResumedWork? resume = null) => new()
    {
        InvestigationId = "inv_1",
        Question = question,
        AskedAt = Now,
        Deadline = Now.AddMinutes(15),
        ParkAfterSeconds = park,
        Resume = resume,
    };

    public void BreakByMemory()
    {
        Checkout[0] = (Checkout[0].Name, false, true);
        ErrorShare = at => at < Now.AddMinutes(-5) ? 0.004 : 0.5;
    }

    public ToolAnswer Answer(string tool, JsonElement arguments) => Broken.TryGetValue(tool, out var broken) ? broken : tool switch
    {
        "list_namespaces" => Items("""{"metadata":{"name":"shop"}}"""),
        "list_pods" => Items([.. Checkout.Select(Pod), .. Enumerable.Range(0, PaymentsReplicas).Select(i => Pod(($"payments-5dbfc7478b-p{i}", true, false)))]),
        "list_deployments" => Items(Deployment("checkout", 2, Checkout.Count(c => c.Ready), """[{"name":"PAYMENTS_URL","value":"http://payments:80"}]"""), Deployment("payments", PaymentsReplicas, PaymentsReplicas, "[]")),
        "list_replicasets" => Items(),
        "list_events" => PaymentsReplicas > 0 ? Items() : Items("""{"metadata":{"namespace":"shop"},"type":"Normal","reason":"ScalingReplicaSet","message":"Scaled down replica set payments-5dbfc7478b from 2 to 0","involvedObject":{"kind":"Deployment","name":"payments"},"lastTimestamp":"2026-11-22T14:54:50Z"}"""),
        "list_services" => Items(Service("checkout"), Service("payments")),
        "list_endpointslices" => Items(),
        "list_nodes" => Items("""{"metadata":{"name":"node-1"},"status":{"conditions":[{"type":"Ready","status":"True","reason":"KubeletReady"}]}}"""),
        "get_pod_logs" => ToolAnswer.Text(Log),
        "query_metrics_range" => arguments.GetProperty("query").GetString()!.Contains("kube_deployment", StringComparison.Ordinal) ? Matrix() : Matrix(Enumerable.Range(0, 181).Select(i => Now.AddSeconds((i - 180) * 10)).Select(at => (at, ErrorShare(at)))),
        "query_metrics" => Vector(arguments.GetProperty("query").GetString()!),
        "list_firing_alerts" => ToolAnswer.Json(Alerts),
        "pod_restart" or "scale_deployment" when Write is not null => Write(tool, arguments),
        _ => ToolAnswer.Error(403, "no_rule", $"No rule defines {tool}."),
    };

    private static ToolAnswer Items(params string[] items) => ToolAnswer.Json("{\"kind\":\"List\",\"items\":[" + string.Join(',', items) + "]}");

    private static string Pod((string Name, bool Ready, bool OutOfMemory) pod)
    {
        var owner = pod.Name[..pod.Name.LastIndexOf('-')];
        var (workload, hash) = (owner[..owner.LastIndexOf('-')], owner[(owner.LastIndexOf('-') + 1)..]);
        return Fill(
            """
            {"metadata":{"name":"@pod","namespace":"shop","uid":"@pod-uid","creationTimestamp":"2026-11-22T14:00:00Z","labels":{"app":"@workload","pod-template-hash":"@hash"},"ownerReferences":[{"kind":"ReplicaSet","name":"@owner"}]},
             "spec":{"nodeName":"node-1","containers":[{"name":"@workload","image":"shop/@workload:1","resources":{"limits":{"memory":"128Mi"}}}]},
             "status":{"phase":"Running","conditions":[{"type":"Ready","status":"@condition","lastTransitionTime":"2026-11-22T14:55:00Z"}],
                       "containerStatuses":[{"name":"@workload","ready":@ready,"restartCount":@restarts,"state":@state,"lastState":@last}]}}
            """,
            ("pod", pod.Name), ("workload", workload), ("hash", hash), ("owner", owner), ("condition", pod.Ready.ToString()), ("ready", pod.Ready ? "true" : "false"),
            ("restarts", pod.OutOfMemory ? "4" : "0"),
            ("state", pod.OutOfMemory ? """{"waiting":{"reason":"CrashLoopBackOff"}}""" : """{"running":{"startedAt":"2026-11-22T14:00:00Z"}}"""),
            ("last", pod.OutOfMemory ? """{"terminated":{"reason":"OOMKilled","exitCode":137,"finishedAt":"2026-11-22T14:55:05Z"}}""" : "{}"));
    }

    private static string Deployment(string name, int replicas, int ready, string environment) => Fill(
        """{"metadata":{"name":"@name","namespace":"shop"},"spec":{"replicas":@replicas,"template":{"spec":{"containers":[{"name":"@name","image":"shop/@name:1","env":@environment}]}}},"status":{"readyReplicas":@have}}""",
        ("name", name), ("replicas", $"{replicas}"), ("have", $"{ready}"), ("environment", environment));

    private static string Service(string name) => Fill("""{"metadata":{"name":"@name","namespace":"shop"},"spec":{"selector":{"app":"@name"}}}""", ("name", name));

    private static ToolAnswer Matrix(IEnumerable<(DateTimeOffset At, double Share)>? points = null) => ToolAnswer.Json(Fill(
        """{"status":"success","data":{"resultType":"matrix","result":[@series]}}""",
        ("series", points is null ? "" : Fill("""{"metric":{"service":"checkout"},"values":[@values]}""", ("values", string.Join(',', points.Select(p => $"[{p.At.ToUnixTimeSeconds()},\"{Number(p.Share)}\"]")))))));

    private ToolAnswer Vector(string query)
    {
        string Sample(string labels, double value) => Fill("""{"metric":{@labels},"value":[1795358400,"@number"]}""", ("labels", labels), ("number", Number(value)));
        var samples = query.StartsWith("sum by (pod)", StringComparison.Ordinal)
            ? ByPod.Select(p => Sample($"\"pod\":\"{p.Pod}\"", query.Contains("5..", StringComparison.Ordinal) ? p.Failed : p.All))
            : [Sample("", ErrorShare(Now))];
        return ToolAnswer.Json(Fill("""{"status":"success","data":{"resultType":"vector","result":[@samples]}}""", ("samples", string.Join(',', samples))));
    }

    private static string Number(double value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Fill(string template, params ReadOnlySpan<(string Name, string Value)> values)
    {
        foreach (var (name, value) in values)
            template = template.Replace("@" + name, value, StringComparison.Ordinal);
        return template;
    }
}
