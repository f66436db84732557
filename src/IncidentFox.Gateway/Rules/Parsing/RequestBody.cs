using System.Text.Json.Nodes;

namespace IncidentFox.Gateway.Rules.Parsing;

/// <summary>
/// A client's body against a rule's template. Every member must stand in the template with the same literal, or where a parameter is.
/// What only the gateway knows (preconditions, the approval) can't come from a client.
/// </summary>
internal static class RequestBody
{
    /// <summary>Puts what the body gives.</summary>
    public static void Bind(Binding binding, IncomingRequest request)
    {
        var rule = binding.Rule;
        if (rule.OpaqueBytes is { } atMost)
        {
            OpaqueBody.Bind(binding, request, atMost);
            return;
        }
        if (request.Header("content-encoding") is not null)
            binding.Problems.Add("its body is in no encoding");
        if (!request.HasBody)
            return;
        if (rule.Body is null && rule.Form is null)
            binding.Problems.Add("it takes no body");
        else if (request.MediaType is { } stated && stated != rule.ContentType.Split(';')[0].Trim().ToLowerInvariant())
            binding.Problems.Add($"its body is {rule.ContentType}, not {Arguments.Printable(stated)}");
        else if (rule.Form is not null)
        {
            var (pairs, problem) = request.Form();
            if (pairs is null)
                binding.Problems.Add($"its body is not a form ({problem})");
            else
                FieldBinder.Bind(binding, "form", rule.Form, pairs);
        }
        else
            BindJson(binding, request);
    }

    private static void BindJson(Binding binding, IncomingRequest request)
    {
        var (node, isJson) = request.Json();
        try
        {
            if (!isJson)
                binding.Problems.Add("its body is not JSON, or has a member twice");
            else if (!Match(binding.Rule.Body, node, binding))
                binding.Problems.Add($"its body holds something that the rule does not; call POST /tools/{binding.Rule.Tool} instead");
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            // Broken text shows when it is read.
            binding.Problems.Add("its body is not JSON");
        }
    }

    private static bool Match(JsonNode? template, JsonNode? body, Binding binding)
    {
        switch (template)
        {
            case JsonObject o:
                return body is JsonObject members && members.All(m => o.TryGetPropertyValue(m.Key, out var t) && Match(t, m.Value, binding));
            case JsonArray a:
                return body is JsonArray items && a.Count == items.Count && a.Zip(items).All(p => Match(p.First, p.Second, binding));
            case JsonValue v when v.TryGetValue<string>(out var text) && Template.Names(text).Any():
                if (Template.Single(text) is not { } single || single.Name.Contains('.') || body is null)
                    return false;
                if (single is { Before: "", After: "" })
                    binding.Put(single.Name, body.DeepClone());
                else if (body is JsonValue sent && sent.TryGetValue<string>(out var whole) && WireValue.Between(whole, single.Before, single.After) is { } inside)
                    binding.Put(single.Name, inside);
                else
                    return false;
                return true;
            default:
                return JsonNode.DeepEquals(template, body);
        }
    }
}
