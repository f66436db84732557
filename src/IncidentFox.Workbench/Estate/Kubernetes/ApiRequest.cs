using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>One request after its body was read.</summary>
internal sealed class ApiRequest(string method, string rawPath, string rawQuery, string contentType, string accept, byte[] body, Identity identity)
{
    private readonly Dictionary<string, StringValues> _query = QueryHelpers.ParseQuery(rawQuery);

    public string Method => method;

    public string RawPath => rawPath;

    public string ContentType => contentType.Split(';')[0].Trim();

    public string Accept => accept;

    public Identity Identity => identity;

    public bool HasBody => body.Length > 0;

    public string BodyText => Encoding.UTF8.GetString(body);

    public string? UserAgent { get; init; }

    /// <summary>The request as it was written down; null when it did not come over HTTP.</summary>
    public KubernetesRequest? Record { get; init; }

    /// <summary>The WebSocket subprotocols that were offered; null when no WebSocket was asked for.</summary>
    public IReadOnlyList<string>? Protocols { get; init; }

    public bool IsWatch => Query("watch") is "true" or "1";

    public string Query(string name) => _query.TryGetValue(name, out var values) ? values.ToString() : "";

    public IReadOnlyList<string> QueryAll(string name) => [.. _query.GetValueOrDefault(name).OfType<string>()];

    public long? QueryNumber(string name)
    {
        var text = Query(name);
        return text.Length == 0 ? null
            : long.TryParse(text, out var number) ? number
            : throw ApiException.BadRequest($"strconv.ParseInt: parsing \"{text}\": invalid syntax");
    }

    /// <summary>`dryRun=All` by query: what POST, PUT and PATCH go by.</summary>
    public bool IsDryRun(string optionsKind) => DryRun.Parse([.. _query.GetValueOrDefault("dryRun").OfType<string>().Where(v => v.Length > 0)], optionsKind);

    public JsonNode? Json()
    {
        try
        {
            return JsonNode.Parse(body, nodeOptions: null, new() { AllowDuplicateProperties = false });
        }
        catch (JsonException)
        {
            throw ApiException.BadRequest("couldn't get version/kind; json parse error: the body is not JSON");
        }
    }
}

internal static class DryRun
{
    public static bool Parse(IReadOnlyList<string> values, string optionsKind)
    {
        if (values.Any(v => v != "All"))
        {
            var listed = string.Join(", ", values.Select(v => $"\"{v}\""));
            throw ApiException.Invalid("meta.k8s.io", optionsKind, "", FieldError.Unsupported("dryRun", $"[]string{{{listed}}}", "\"All\""));
        }

        return values.Count > 0;
    }
}
