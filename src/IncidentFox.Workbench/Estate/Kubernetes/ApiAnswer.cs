using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>An answer that is ready to be sent, or one that streams.</summary>
internal sealed record ApiAnswer(int Status, string ContentType, byte[] Content)
{
    public int? RetryAfterSeconds { get; init; }

    /// <summary>Sent as `Warning` headers of code 299.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Writes a watch or a followed log until it ends; <see cref="Content"/> is not used then.</summary>
    public Func<HttpResponse, CancellationToken, Task>? Stream { get; init; }

    /// <summary>Takes the connection over as a WebSocket; nothing else of this answer is sent then.</summary>
    public Func<HttpContext, CancellationToken, Task>? Upgrade { get; init; }

    public static ApiAnswer Json(JsonObject o, int status = 200) => new(status, "application/json", Encoding.UTF8.GetBytes(o.Compacted() + "\n"));

    public static ApiAnswer JsonText(string json) => new(200, "application/json", Encoding.UTF8.GetBytes(json + "\n"));

    public static ApiAnswer Text(string text, int status = 200) => new(status, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(text));

    public static ApiAnswer Refusal(ApiException refusal) => Json(refusal.Status, refusal.Code) with { RetryAfterSeconds = refusal.RetryAfterSeconds };
}
