using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>`fieldValidation`: what happens when a body has fields that its kind does not know. Left out, it is Warn.</summary>
internal static class FieldValidation
{
    /// <returns>The warnings to send.</returns>
    public static List<string> Apply(ResourceType type, JsonObject o, ApiRequest request)
    {
        var mode = request.Query("fieldValidation");
        if (mode is not ("" or "Warn" or "Strict" or "Ignore"))
        {
            var options = request.Method switch
            {
                "POST" => "CreateOptions",
                "PUT" => "UpdateOptions",
                _ => "PatchOptions",
            };
            throw ApiException.Invalid(
                "meta.k8s.io", options, "", FieldError.Unsupported("fieldValidation", $"\"{mode}\"", "\"Ignore\", \"Strict\", \"Warn\""));
        }

        var isPatch = request.Method == "PATCH" && request.ContentType != "application/apply-patch+yaml";
        var sent = isPatch ? o.Compacted() : "";
        IReadOnlyList<string> unknown;
        try
        {
            unknown = BodyValidator.Check(type, o);
        }
        catch (ApiException refusal) when (isPatch)
        {
            throw DoesNotDecode(sent, refusal.Message[(refusal.Message.IndexOf($"as a {type.Kind}: ", StringComparison.Ordinal) + $"as a {type.Kind}: ".Length)..]);
        }

        if (unknown.Count == 0 || mode == "Ignore")
        {
            return [];
        }

        var named = unknown.Select(u => $"unknown field \"{u}\"").ToList();
        if (mode == "Strict")
        {
            var error = $"strict decoding error: {string.Join(", ", named)}";
            throw isPatch ? DoesNotDecode(sent, error) : ApiException.BadRequest($"{type.Kind} in version \"{type.Version}\" cannot be handled as a {type.Kind}: {error}");
        }

        return named;
    }

    /// <summary>What a patch makes of an object is no object of its kind: 422, the whole result quoted.</summary>
    private static ApiException DoesNotDecode(string result, string why) =>
        ApiException.Invalid("", "", "", FieldError.Value("patch", JsonValue.Create(result).Compacted(), why));
}
