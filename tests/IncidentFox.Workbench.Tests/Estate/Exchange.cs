using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Workbench.Tests.Estate;

/// <summary>One request of a transcript and what the real server answered.</summary>
internal sealed class Exchange(JsonObject line)
{
    private static readonly Identity Admin = new("admin", [Grant.OfPaths("/*"), new(["*"], ["*"], ["*"])]);
    private static readonly Identity Reader = new(
        "system:serviceaccount:rbac-a:reader", [Grant.OfPaths("/api"), new([""], ["pods", "pods/log"], ["get", "list"]) { Namespace = "rbac-a" }]);

    public string Method => line.Text("request", "method")!;

    public string Target => line.Text("request", "path")!;

    public string Path => Target.Split('?')[0];

    public string Query => Target.Contains('?') ? Target.Split('?', 2)[1] : "";

    public JsonObject Line => line;

    public int Status => (int)line.Number("response", "status")!;

    public JsonObject? Body { get; } = line.At("response", "body") as JsonObject;

    public string BodyText => line.Text("response", "body_text") ?? "";

    /// <summary>A conflict because a controller wrote between the request before and this one.</summary>
    public bool RacedAController => Status == 409 && line.Text("note") is { } note && note.Contains("controller wrote", StringComparison.Ordinal);

    /// <summary>The version that the request named, or that it read, and that was the present one; a watch may have seen that write a little later.</summary>
    public ulong MatchedVersion =>
        Status == 200 && (IsWrite ? line.At("request", "body") : Body).Text("metadata", "resourceVersion") is { Length: > 0 } version ? ulong.Parse(version) : 0;

    public long At => line.Number("at_ms") ?? 0;

    /// <summary>What a watch saw, by the time it saw it.</summary>
    public IEnumerable<(long At, JsonObject Object)> Seen =>
        line.Objects("response", "stream").Where(e => e.Text("event", "type") is "ADDED" or "MODIFIED").Select(e => (e.Number("at_ms") ?? 0, (JsonObject)e.At("event", "object")!));

    public bool IsWrite => Method is "DELETE" or "PATCH" or "PUT" && Status == 200
        && line.At("request", "body", "dryRun") is null
        && (!Query.Contains("dryRun", StringComparison.Ordinal) || (Method == "DELETE" && line.At("request", "body") is not null));

    private string ContentType => line.Text("request", "headers", "content-type") ?? "";

    private string Accept => line.Text("request", "headers", "accept") ?? "";

    private string? IdentityName => line.Text("request", "identity");

    public static IReadOnlyList<Exchange> Read(string file) =>
    [
        .. Lines(System.IO.Path.Combine(AppContext.BaseDirectory, "Estate", "Transcripts", $"{file}.jsonl"))
            .Select(l => (JsonObject)JsonNode.Parse(l)!).Where(l => l.ContainsKey("request")).Select(l => new Exchange(l)),
    ];

    private static IEnumerable<string> Lines(string path)
    {
        if (File.Exists(path))
        {
            return File.ReadLines(path);
        }

        using var unzipped = new GZipStream(File.OpenRead($"{path}.gz"), CompressionMode.Decompress);
        using var reader = new StreamReader(unzipped);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>Why this exchange is not the double's to answer, or null.</summary>
    public string? WhySkipped()
    {
        var path = ApiPath.Parse(Path);
        return this switch
        {
            _ when line.At("response", "stream") is not null || Query.Contains("watch=", StringComparison.Ordinal) && Status == 200 => "a watch: tested by itself",
            _ when Method == "POST" && Status is not 405 and not 403 => "creating objects is not served",
            _ when Method == "POST" && Status == 403 && IdentityName is null => "admission is not served",
            _ when path?.Subresource == "log" && Status == 200 => "what a container wrote: tested by itself",
            _ when path?.Resource == "events" && path.Group.Length > 0 => "a view of stored events: tested by itself",
            _ when Status == 401 => "tokens are checked before the API: tested over HTTP",
            _ when IdentityName == "system:anonymous" => "tested over HTTP",
            _ when ContentType == "application/apply-patch+yaml" => "server-side apply is not served",
            _ when Accept.Contains("as=", StringComparison.Ordinal) || Accept == "text/html" => "tables are not served; 406 lists other formats",
            _ when Query.Contains("pretty=", StringComparison.Ordinal) => "pretty printing is not served",
            _ when path is { Name: "" } && Method == "DELETE" => "collections are not changed",
            _ when Query.Contains("resourceVersion=99999999999", StringComparison.Ordinal) => "names the version of that moment: tested by itself",
            _ when Query.Contains("resourceVersionMatch=", StringComparison.Ordinal) && Status == 200 => "a version of another store",
            _ when Query.Contains("continue=garbage", StringComparison.Ordinal) => "the message quotes the parser of another language",
            _ when path?.Resource is "serviceaccounts" or "roles" or "rolebindings" && Method != "GET" => "not served",
            _ when path?.Group is "authorization.k8s.io" or "authentication.k8s.io" => "reviews are not served",
            _ when IdentityName is not null && path?.Resource == "deployments" && path.Subresource.Length == 0 => "grants by resourceNames are not modelled",
            _ when path is null && Path is not ("/metrics" or "/healthz") => "discovery: tested by itself",
            _ when path?.Resource == "pods" && path.Name.Length == 0 && Status == 200 && path.Namespace is "delete-a" or "scale-a" => "pods come and go without controllers",
            _ when path?.Resource == "events" && path.Name.Length == 0 && path.Namespace == "delete-a" => "events come without controllers",
            _ when Query.Contains("propagationPolicy", StringComparison.Ordinal) || Foreground || (Status == 404 && Path.EndsWith("/scale-a/deployments/web", StringComparison.Ordinal)) => "foreground deletion is not served",
            _ => null,
        };
    }

    private bool Foreground => line.Text("request", "body", "propagationPolicy") == "Foreground" || Body.At("metadata", "deletionGracePeriodSeconds") is not null && Path.Contains("deployments", StringComparison.Ordinal);

    public ApiRequest Request()
    {
        var body = line.At("request", "body")?.Compacted() ?? line.Text("request", "body_text") ?? "";
        var identity = IdentityName is null ? Admin : Reader;
        return new(Method, Path, Query, ContentType, Accept, Encoding.UTF8.GetBytes(body), identity) { UserAgent = "recorder/1" };
    }

    public override string ToString() => $"{Method} {Target} {line.At("request", "body")?.Compacted()}";
}
