using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>
/// Checks an object against the recorded schema of its kind, as the API server decodes one: a value of the wrong type is 400, a field that
/// does not exist is dropped and named.
/// </summary>
internal sealed partial class BodyValidator
{
    private const string QuantityRule = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    private readonly ResourceType _type;
    private readonly List<string> _unknown = [];

    private BodyValidator(ResourceType type) => _type = type;

    /// <summary>Takes unknown fields out of the object and returns their paths, `spec.containers[0].imag`.</summary>
    /// <exception cref="ApiException">A value has the wrong type.</exception>
    public static IReadOnlyList<string> Check(ResourceType type, JsonObject body)
    {
        if (OpenApiDocuments.Of(type) is not { } root)
        {
            return [];
        }

        var validator = new BodyValidator(type);
        validator.CheckObject(body, root.Name, root.Schema, "", "");
        return validator._unknown;
    }

    /// <summary>Fields that the schema requires and that are not there, other than whole objects, which Go takes for empty ones.</summary>
    public static IEnumerable<string> Missing(ResourceType type, JsonObject o) =>
        OpenApiDocuments.Of(type) is { } root ? new BodyValidator(type).Missing(o, root.Schema, "") : [];

    private IEnumerable<string> Missing(JsonObject o, JsonObject schema, string path)
    {
        foreach (var required in (schema["required"] as JsonArray ?? []).Select(r => r.Text()!))
        {
            var field = (JsonObject)schema.At("properties", required)!;
            if (o[required] is null && OpenApiDocuments.Resolve(_type.ApiVersion, field).Schema.Text("type") is "string" or "array" or "integer")
            {
                yield return Join(path, required);
            }
        }

        foreach (var (name, value) in o)
        {
            if (name is "status" or "metadata" || schema.At("properties", name) is not JsonObject field)
            {
                continue;
            }

            var resolved = OpenApiDocuments.Resolve(_type.ApiVersion, field).Schema;
            var within = value switch
            {
                JsonObject child => Missing(child, resolved, Join(path, name)),
                JsonArray list when resolved["items"] is JsonObject items => list.SelectMany((item, i) =>
                    item is JsonObject element ? Missing(element, OpenApiDocuments.Resolve(_type.ApiVersion, items).Schema, $"{Join(path, name)}[{i}]") : []),
                _ => [],
            };
            foreach (var missing in within)
            {
                yield return missing;
            }
        }
    }

    /// <param name="value">What is checked.</param>
    /// <param name="owner">The schema's name, whose last part is the Go type.</param>
    /// <param name="schema">Its schema.</param>
    /// <param name="path">With indexes, for unknown fields.</param>
    /// <param name="goPath">Without, as the decoder names it.</param>
    private void CheckObject(JsonObject value, string owner, JsonObject schema, string path, string goPath)
    {
        if (schema["properties"] is not JsonObject properties)
        {
            return; // FieldsV1, raw extensions: anything goes
        }

        foreach (var (name, child) in value.ToList())
        {
            if (properties[name] is JsonObject field)
            {
                CheckValue(child, field, ShortName(owner), Join(path, name), Join(goPath, name));
            }
            else
            {
                _unknown.Add(Join(path, name));
                value.Remove(name);
            }
        }
    }

    private void CheckValue(JsonNode? value, JsonObject field, string structName, string path, string goPath)
    {
        if (value is null)
        {
            return; // null is the same as nothing
        }

        var (name, schema) = OpenApiDocuments.Resolve(_type.ApiVersion, field);
        switch (name is null ? "" : ShortName(name))
        {
            case "Quantity":
                CheckQuantity(value);
                return;
            case "IntOrString":
                Require(value.GetValueKind() is JsonValueKind.String or JsonValueKind.Number, value, structName, goPath, "intstr.IntOrString");
                return;
            case "Time" or "MicroTime":
                CheckTime(value, name!.EndsWith("MicroTime", StringComparison.Ordinal));
                return;
            default:
                break;
        }

        switch (schema.Text("type"))
        {
            case "object" or null:
                Require(value is JsonObject, value, structName, goPath, GoType(field));
                if (schema["additionalProperties"] is JsonObject each)
                {
                    foreach (var (key, item) in (JsonObject)value)
                    {
                        CheckValue(item, each, structName, Join(path, key), goPath);
                    }
                }
                else
                {
                    CheckObject((JsonObject)value, name ?? structName, schema, path, goPath);
                }

                break;
            case "array":
                Require(value is JsonArray, value, structName, goPath, GoType(field));
                for (var i = 0; i < ((JsonArray)value).Count; i++)
                {
                    CheckValue(value[i], (JsonObject)schema["items"]!, structName, $"{path}[{i}]", goPath);
                }

                break;
            case "string":
                Require(value.GetValueKind() == JsonValueKind.String, value, structName, goPath, "string");
                break;
            case "boolean":
                Require(value.GetValueKind() is JsonValueKind.True or JsonValueKind.False, value, structName, goPath, "bool");
                break;
            case "integer":
                Require(value.GetValueKind() == JsonValueKind.Number && IsWhole(value, schema.Text("format")), value, structName, goPath, schema.Text("format") ?? "int64");
                break;
            default:
                break;
        }
    }

    private void CheckQuantity(JsonNode value)
    {
        var text = value.GetValueKind() == JsonValueKind.Number ? value.ToJsonString() : value.Text();
        if (text is null || Quantities.TryParse(text) is null)
        {
            throw CannotBeHandled(QuantityRule);
        }
    }

    private void CheckTime(JsonNode value, bool micro)
    {
        var text = value.Text() ?? value.ToJsonString();
        var layout = micro ? "2006-01-02T15:04:05.000000Z07:00" : "2006-01-02T15:04:05Z07:00";
        var seconds = TimePattern().Match(text);
        if (!seconds.Success)
        {
            throw CannotBeHandled($"parsing time \"{text}\" as \"{layout}\": cannot parse \"{text}\" as \"2006\"");
        }

        var rest = text[seconds.Length..];
        if (micro && !MicrosPattern().IsMatch(rest))
        {
            throw CannotBeHandled($"parsing time \"{text}\" as \"{layout}\": cannot parse \"{rest}\" as \".000000\"");
        }

        if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out _) || (!micro && !ZonePattern().IsMatch(rest)))
        {
            throw CannotBeHandled($"parsing time \"{text}\" as \"{layout}\": cannot parse \"{rest}\" as \"Z07:00\"");
        }
    }

    private void Require(bool isRight, JsonNode value, string structName, string goPath, string goType)
    {
        if (isRight)
        {
            return;
        }

        var kind = value.GetValueKind() switch
        {
            JsonValueKind.String => "string",
            JsonValueKind.Number when goType.StartsWith("int", StringComparison.Ordinal) => $"number {value.ToJsonString()}",
            JsonValueKind.Number => "number",
            JsonValueKind.True or JsonValueKind.False => "bool",
            JsonValueKind.Array => "array",
            _ => "object",
        };
        throw CannotBeHandled($"json: cannot unmarshal {kind} into Go struct field {structName}.{goPath} of type {goType}");
    }

    private ApiException CannotBeHandled(string why) => ApiException.BadRequest($"{_type.Kind} in version \"{_type.Version}\" cannot be handled as a {_type.Kind}: {why}");

    private string GoType(JsonObject field)
    {
        var (name, schema) = OpenApiDocuments.Resolve(_type.ApiVersion, field);
        return name is not null ? $"v1.{ShortName(name)}" : schema.Text("type") switch
        {
            "array" => "[]" + GoType((JsonObject)schema["items"]!),
            "object" when schema["additionalProperties"] is JsonObject each => "map[string]" + GoType(each),
            "boolean" => "bool",
            "integer" => schema.Text("format") ?? "int64",
            var other => other ?? "object",
        };
    }

    private static bool IsWhole(JsonNode value, string? format) =>
        long.TryParse(value.ToJsonString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && (format != "int32" || number is >= int.MinValue and <= int.MaxValue);

    private static string ShortName(string schema) => schema[(schema.LastIndexOf('.') + 1)..];

    private static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";

    [GeneratedRegex(@"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex TimePattern();

    [GeneratedRegex(@"^\.\d{6}(Z|[+-]\d{2}:\d{2})\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex MicrosPattern();

    [GeneratedRegex(@"^(\.\d+)?(Z|[+-]\d{2}:\d{2})\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ZonePattern();
}
