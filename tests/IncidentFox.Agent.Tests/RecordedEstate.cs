using System.IO.Compression;
using System.Text.Json;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Tests;

/// <summary>A recorded namespace, served through the tools as the API server answered.</summary>
internal sealed class RecordedEstate
{
    public static readonly IReadOnlyList<string> ReadTools =
        ["list_namespaces", "list_pods", "get_pod", "get_pod_logs", "list_deployments", "list_replicasets", "list_events", "list_services", "list_endpointslices", "list_nodes"];

    private readonly JsonElement _objects, _logs;

    public RecordedEstate(string name)
    {
        using var file = new GZipStream(File.OpenRead(Path.Combine(AppContext.BaseDirectory, "Estates", name + ".json.gz")), CompressionMode.Decompress);
        var json = JsonDocument.Parse(file).RootElement;
        (_objects, _logs) = (json.GetProperty("objects"), json.GetProperty("logs"));
        Namespace = json.GetProperty("namespace").GetString()!;
        RecordedAt = json.GetProperty("recorded_at").GetDateTimeOffset();
    }

    public string Namespace { get; }

    public DateTimeOffset RecordedAt { get; }

    public AgentTask Ask(string question) => new()
    {
        InvestigationId = "inv_1",
        Question = question,
        AskedAt = RecordedAt,
        Deadline = RecordedAt.AddMinutes(15),
        ParkAfterSeconds = 120,
    };

    public ToolAnswer Answer(string tool, JsonElement arguments)
    {
        string Argument(string name) => arguments.TryGetProperty(name, out var value) ? value.GetString()! : "";
        var ns = Argument("namespace");
        return tool switch
        {
            "list_namespaces" => ToolAnswer.Json($$$"""{"kind":"NamespaceList","items":[{"metadata":{"name":"default"}},{"metadata":{"name":"kube-system"}},{"metadata":{"name":"{{{Namespace}}}"}}]}"""),
            "list_pods" => List($"/api/v1/namespaces/{ns}/pods"),
            "list_services" => List($"/api/v1/namespaces/{ns}/services"),
            "list_events" => List($"/api/v1/namespaces/{ns}/events"),
            "list_deployments" => List($"/apis/apps/v1/namespaces/{ns}/deployments"),
            "list_replicasets" => List($"/apis/apps/v1/namespaces/{ns}/replicasets"),
            "list_endpointslices" => List($"/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices"),
            "list_nodes" => List("/api/v1/nodes"),
            "get_pod_logs" => Log($"/api/v1/namespaces/{ns}/pods/{Argument("pod")}/log?container={Argument("container")}{(arguments.TryGetProperty("previous", out _) ? "&previous=true" : "")}"),
            _ => ToolAnswer.Error(403, "no_rule", $"No rule defines {tool}."),
        };
    }

    private ToolAnswer List(string path) => ToolAnswer.Json(_objects.TryGetProperty(path, out var list) ? list.GetRawText() : """{"items":[]}""");

    private ToolAnswer Log(string path)
    {
        var log = _logs.EnumerateArray().FirstOrDefault(l => l.GetProperty("path").GetString() == path);
        if (log.ValueKind == JsonValueKind.Undefined)
            return new(404, "{}"u8.ToArray());
        var status = log.GetProperty("status").GetInt32();
        return status == 200 ? ToolAnswer.Text(log.GetProperty("text").GetString()!) : new(status, log.TryGetProperty("body", out var body) ? System.Text.Encoding.UTF8.GetBytes(body.GetRawText()) : []);
    }
}

/// <summary>A clock that starts at a moment and runs as fast as the real one.</summary>
internal sealed class ClockStartingAt(DateTimeOffset start) : TimeProvider
{
    private readonly long _started = System.GetTimestamp();

    public override DateTimeOffset GetUtcNow() => start + System.GetElapsedTime(_started);
}
