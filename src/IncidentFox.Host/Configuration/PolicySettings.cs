using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Core.Policy;
using Microsoft.Extensions.Configuration.Json;

namespace IncidentFox.Host.Configuration;

/// <summary>
/// The configuration's policy: the documented blocks (<c>tools</c>, <c>approval_workflows</c>, …) as they stand in <c>appsettings.json</c> itself, or in the
/// file that <c>Policy:File</c> names. Read as JSON and not through <see cref="IConfiguration"/>, which knows neither numbers nor lists.
/// </summary>
public static class PolicySettings
{
    private static readonly string[] Members = ["tools", "approval_workflows", "environments", "max_pending_per_team"];

    private static readonly JsonDocumentOptions AsConfigurationReadsIt = new()
    {
        CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, AllowDuplicateProperties = false,
    };

    /// <summary>The policy of this configuration; the product's own when it says nothing. Null: errors say why.</summary>
    public static ToolPolicy? Read(IConfiguration? configuration, List<string> errors)
    {
        var before = errors.Count;
        var inline = Inline(configuration, errors);
        var file = configuration?["Policy:File"];
        if (errors.Count > before)
            return null;
        if (string.IsNullOrEmpty(file))
            return Parse(inline?.ToJsonString() ?? "{}", "appsettings.json", errors);
        if (inline is not null)
        {
            errors.Add($"Policy:File names {file}, and {string.Join(", ", inline.Select(m => m.Key))} stand in the configuration file itself: keep one of the two, so that nobody reads the wrong one.");
            return null;
        }
        try
        {
            return Parse(File.ReadAllText(file), $"Policy:File {file}", errors);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errors.Add($"Policy:File {file} can't be read: {e.Message}");
            return null;
        }
    }

    private static ToolPolicy? Parse(string json, string where, List<string> errors)
    {
        var parsed = ToolPolicyParser.Parse(json);
        errors.AddRange(parsed.Errors.Select(e => $"{where}: {e}"));
        return parsed.Policy;
    }

    private static JsonObject? Inline(IConfiguration? configuration, List<string> errors)
    {
        JsonObject? policy = null;
        foreach (var provider in (configuration as IConfigurationRoot)?.Providers ?? [])
        {
            if (provider is JsonConfigurationProvider { Source: { Path: { } path, FileProvider: { } files } })
                Take(files.GetFileInfo(path), ref policy, errors);
            else if (Members.FirstOrDefault(m => provider.GetChildKeys([], null).Contains(m, StringComparer.OrdinalIgnoreCase)) is { } member)
                errors.Add($"{member} is given by an environment variable: a policy is read from the configuration file or Policy:File only.");
        }
        return policy;
    }

    private static void Take(Microsoft.Extensions.FileProviders.IFileInfo file, ref JsonObject? policy, List<string> errors)
    {
        try
        {
            using var stream = file.CreateReadStream();
            if (JsonNode.Parse(stream, documentOptions: AsConfigurationReadsIt) is not JsonObject root)
                return;
            foreach (var (name, value) in root)
            {
                // Everything else in this file may be written in any case: a block that is not seen for that would be a policy that is not there.
                if (Members.Contains(name))
                    (policy ??= [])[name] = value?.DeepClone();
                else if (Members.Contains(name, StringComparer.OrdinalIgnoreCase))
                    errors.Add($"{file.Name}: {name}: write it in lower case.");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            errors.Add($"{file.Name}: the policy in it can't be read: {e.Message}");
        }
    }
}
