using System.Net;
using System.Text;
using System.Text.Json;
using IncidentFox.Agent.Reporting;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Gateway;

/// <summary>One answer of the gateway, or why there is none.</summary>
/// <param name="Status">Null when no answer came.</param>
/// <param name="FromUpstream">The target's own answer, passed through.</param>
/// <param name="Body">At most <see cref="GatewayClient.MaxBodyBytes"/>.</param>
/// <param name="Problem">Why there is no usable answer.</param>
internal sealed record GatewayReply(HttpStatusCode? Status, bool FromUpstream, byte[] Body, string? Problem)
{
    public bool Succeeded => Problem is null && (int?)Status is >= 200 and < 300;

    /// <summary>Whoever answered did not prove to be the gateway: nothing was said to it.</summary>
    public bool Untrusted { get; init; }

    /// <summary>Nothing came back: worth trying again where that is harmless.</summary>
    public bool Unreachable => Status is null;

    /// <summary>True when trying again may help: no answer, or the gateway is busy or starting.</summary>
    public bool WorthRetrying => Unreachable || (!FromUpstream && Status is HttpStatusCode.ServiceUnavailable or HttpStatusCode.BadGateway or HttpStatusCode.TooManyRequests);

    /// <summary>Why it failed, in a sentence for people.</summary>
    public string Failure()
    {
        if (Problem is not null)
            return Problem;
        if (FromUpstream)
            return $"the target answered {(int?)Status}{UpstreamMessage()}";
        var error = MessageCodec.Read(Body, "error", ContractsJson.Default.GatewayError);
        return error.Value is { } known
            ? $"{Plain.Line(known.Code, 60)}: {Plain.Line(known.Message, 200)}"
            : $"the gateway answered {(int?)Status} ({error.Error})";
    }

    // Kubernetes puts its reason in "message", Prometheus in "error".
    private string UpstreamMessage()
    {
        try
        {
            using var json = JsonDocument.Parse(Body);
            foreach (var member in new[] { "message", "error" })
                if (json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty(member, out var text) && text.ValueKind == JsonValueKind.String)
                    return ": " + Plain.Line(text.GetString(), 160);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return Body.Length == 0 ? "" : ": " + Plain.Line(Encoding.UTF8.GetString(Body.AsSpan(0, Math.Min(Body.Length, 400))), 120);
        }
        return "";
    }
}
