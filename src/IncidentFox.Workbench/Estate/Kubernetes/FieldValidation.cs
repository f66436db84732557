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

        var unknown = BodyValidator.Check(type, o);
        if (unknown.Count == 0 || mode == "Ignore")
        {
            return [];
        }

        var named = unknown.Select(u => $"unknown field \"{u}\"").ToList();
        if (mode == "Strict")
        {
            var error = $"strict decoding error: {string.Join(", ", named)}";
            throw ApiException.BadRequest(request.Method == "PATCH" ? error : $"{type.Kind} in version \"{type.Version}\" cannot be handled as a {type.Kind}: {error}");
        }

        return named;
    }
}
