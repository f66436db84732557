using System.Text.Json;
using System.Text.Json.Nodes;

namespace IncidentFox.Gateway.Execution;

/// <summary>What a target answered to the gateway itself, read whole and bounded; or why there is no answer.</summary>
/// <param name="Status">The target's status; null without an answer.</param>
/// <param name="Text">The body, bounded.</param>
/// <param name="Code">Machine-readable reason when there is no answer.</param>
/// <param name="Sentence">The same for people.</param>
/// <param name="MayHaveRun">True when the request may have reached the target although no answer came.</param>
public sealed record TargetAnswer(int? Status, string Text, string? Code, string? Sentence, bool MayHaveRun)
{
    /// <summary>A 2xx answer.</summary>
    public bool Succeeded => Status is >= 200 and < 300;

    /// <summary>The body as JSON, also when it is XML (see <see cref="XmlAnswer"/>); null when it is neither.</summary>
    public JsonNode? Json()
    {
        if (Text.AsSpan().TrimStart() is ['<', ..])
            return XmlAnswer.Parse(Text);
        try
        {
            return Text.Length == 0 ? null : JsonNode.Parse(Text, documentOptions: new JsonDocumentOptions { MaxDepth = 64 });
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The target's own message, inert and short; where it gives one as Kubernetes and most APIs do (<c>message</c> or <c>error</c>).</summary>
    public string Message()
    {
        var o = Json() as JsonObject;
        var text = Find(o, "message") ?? Find(o, "error") ?? Find(XmlError(o), "Message") ?? Text;
        return InertText.Of(text, 300);
    }

    // As AWS's Query protocol puts it: Error, below Errors for EC2.
    private static JsonObject? XmlError(JsonObject? o) =>
        (o?.TryGetPropertyValue("Errors", out var errors) == true ? errors as JsonObject : o)?.TryGetPropertyValue("Error", out var error) == true ? error as JsonObject : null;

    private static string? Find(JsonObject? o, string name) =>
        o is not null && o.TryGetPropertyValue(name, out var node) && node is JsonValue v && v.TryGetValue<string>(out var text) ? text : null;
}
