using System.Text.Json.Serialization.Metadata;
using IncidentFox.Contracts;
using IncidentFox.Core;
using IncidentFox.Core.Investigations;
using Microsoft.AspNetCore.Http;

namespace IncidentFox.Gateway.AgentDoor;

/// <summary>One request of a sandbox: who it is, from the connection; what ties its audit rows together, made here; and how it is answered.</summary>
internal sealed class AgentRequest(HttpContext http, SandboxId sandbox, string path, string query)
{
    public HttpContext Http { get; } = http;

    public SandboxId Sandbox { get; } = sandbox;

    /// <summary>As it was sent, up to the question mark.</summary>
    public string Path { get; } = path;

    /// <summary>As it was sent, after the question mark.</summary>
    public string Query { get; } = query;

    public string CorrelationId { get; } = OrderedUuid.New().ToString("N");

    /// <summary>From the database, read for this request.</summary>
    public SandboxSession? Session { get; set; }

    public CancellationToken Aborted => Http.RequestAborted;

    public Task AnswerAsync<T>(int status, T message, JsonTypeInfo<T> type) where T : Message
    {
        var body = MessageCodec.Write(message, type);
        var response = Http.Response;
        response.StatusCode = status;
        response.ContentType = "application/json";
        response.ContentLength = body.Length;
        response.Headers[Protocol.SourceHeader] = "gateway";
        response.Headers[CorrelationHeader] = CorrelationId;
        return response.Body.WriteAsync(body, Aborted).AsTask();
    }

    public Task AnswerAsync(int status)
    {
        Http.Response.StatusCode = status;
        Http.Response.Headers[Protocol.SourceHeader] = "gateway";
        Http.Response.Headers[CorrelationHeader] = CorrelationId;
        return Task.CompletedTask;
    }

    /// <summary>The approval that it names; null without one.</summary>
    public ApprovalId? NamedApproval { get; set; }

    /// <summary>The code of the error that it was answered with; null without one.</summary>
    public string? RefusedWith { get; private set; }

    /// <summary>The one shape of an error.</summary>
    public Task RefuseAsync(int status, string code, string sentence)
    {
        RefusedWith = code;
        return AnswerAsync(status, new GatewayError { Code = code, Message = sentence, CorrelationId = CorrelationId }, ContractsJson.Default.GatewayError);
    }

    /// <summary>Nothing is done for a sandbox whose investigation is over.</summary>
    public Task RefuseSessionOverAsync() => RefuseAsync(403, "session_over", SessionOver);

    public const string SessionOver = "This sandbox has no open investigation: it ended, was stopped, or never began.";

    public const string CorrelationHeader = "x-incidentfox-correlation-id";
}
