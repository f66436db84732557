using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Tools;

namespace IncidentFox.Core.Policy;

/// <summary>A policy, or every reason why the text is none. An invalid policy is refused whole.</summary>
public readonly record struct PolicyParse(ToolPolicy? Policy, IReadOnlyList<string> Errors);

/// <summary>Parses the documented policy JSON. Unknown members are errors: a typo must not open anything.</summary>
public static partial class ToolPolicyParser
{
    /// <summary>Longest policy text, characters.</summary>
    public const int MaxLength = 256 * 1024;

    // More than anybody reads; a list has no other bound than the text's length.
    private const int MaxEntriesOfAName = 50;

    /// <summary>Parses; never throws for what the text holds.</summary>
    public static PolicyParse Parse(string json)
    {
        var (root, error) = ReadObject(json);
        return root is null ? new(null, [error!]) : Parse(root);
    }

    /// <summary>One JSON object, or why the text is none.</summary>
    internal static (JsonObject? Root, string? Error) ReadObject(string json)
    {
        if (json.Length > MaxLength)
            return (null, $"$: the policy is longer than {MaxLength} characters");
        try
        {
            var node = JsonNode.Parse(json, documentOptions: new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false });
            CanonicalJson.Write(node);
            return node is JsonObject root ? (root, null) : (null, "$: a policy is a JSON object");
        }
        catch (JsonException e)
        {
            return (null, $"$: not valid JSON: {e.Message}");
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            // Half of a surrogate pair, raw or as \uD800, is found only when the text is read.
            return (null, "$: not valid JSON: it holds text that is not Unicode");
        }
    }

    internal static PolicyParse Parse(JsonObject root)
    {
        var errors = new Errors();
        errors.OnlyKnown(root, "$", "tools", "approval_workflows", "environments", "max_pending_per_team");
        var environments = ConditionParser.ParseEnvironments(root, errors);
        var conditions = new ConditionParser(environments, errors);
        var tools = ParseTools(root, conditions, errors);
        var (enabled, fallback, workflows) = ParseWorkflows(root, conditions, errors);
        var most = errors.Whole(root, "$", "max_pending_per_team", 1, 1000) ?? ToolPolicy.DefaultMaxPending;
        if (errors.All.Count > 0)
            return new(null, errors.All);
        var canonical = CanonicalJson.Write(root);
        return new(new ToolPolicy
        {
            Tools = tools,
            WorkflowsEnabled = enabled,
            Default = fallback,
            Workflows = workflows,
            Environments = environments,
            MaxPendingPerTeam = most,
            Json = Encoding.UTF8.GetString(canonical),
            Digest = Convert.ToHexStringLower(SHA256.HashData(canonical)),
        }, []);
    }

    private static List<ToolSetting> ParseTools(JsonObject root, ConditionParser conditions, Errors errors)
    {
        var tools = new List<ToolSetting>();
        foreach (var (name, setting, path) in Entries(errors.Object(root, "$", "tools"), "$.tools", "a tool", errors))
        {
            errors.OnlyKnown(setting, path, "enabled", "allowed_roles", "require_approval", "when");
            tools.Add(new ToolSetting
            {
                Name = name,
                Path = path,
                When = conditions.Parse(setting, path),
                Enabled = errors.Boolean(setting, path, "enabled"),
                AllowedRoles = ParseRoles(setting, path, errors),
                RequireApproval = errors.Boolean(setting, path, "require_approval"),
            });
        }
        return tools;
    }

    private static List<Role> ParseRoles(JsonObject setting, string path, Errors errors)
    {
        var roles = new List<Role>();
        if (!setting.TryGetPropertyValue("allowed_roles", out var node))
            return roles;
        if (node is not JsonArray { Count: > 0 } list)
        {
            errors.Add($"{path}.allowed_roles", "must be a list with at least one role; to allow nobody say \"enabled\": false");
            return roles;
        }
        foreach (var (item, i) in list.Select((item, i) => (item, i)))
        {
            if (item is JsonValue value && value.TryGetValue<string>(out var name) && RoleNames.TryParse(name, out var role))
                roles.Add(role);
            else
                errors.Add($"{path}.allowed_roles[{i}]", "must be one of viewer, operator, admin, org_admin");
        }
        return roles;
    }

    private static (bool Enabled, Workflow Default, List<WorkflowSetting> Workflows) ParseWorkflows(JsonObject root, ConditionParser conditions, Errors errors)
    {
        const string Path = "$.approval_workflows";
        var workflows = new List<WorkflowSetting>();
        if (errors.Object(root, "$", "approval_workflows") is not { } section)
            return (true, new Workflow(), workflows);
        errors.OnlyKnown(section, Path, "enabled", "default", "actions");
        var fallback = new Workflow();
        if (errors.Object(section, Path, "default") is { } d)
        {
            var setting = WorkflowParser.Parse(d, $"{Path}.default", errors);
            WorkflowParser.CheckTimes(setting, fallback, errors);
            if (setting.AllowSelfApproval == true)
                errors.Add($"{Path}.default.allow_self_approval", WorkflowParser.SelfApprovalNeedsEnvironments);
            fallback = setting.Over(fallback);
        }
        foreach (var (name, action, path) in Entries(errors.Object(section, Path, "actions"), $"{Path}.actions", "an action", errors))
        {
            var setting = WorkflowParser.Parse(action, path, errors, mayHaveCondition: true) with { Name = name, When = conditions.Parse(action, path) };
            WorkflowParser.CheckTimes(setting, fallback, errors);
            if (setting.AllowSelfApproval == true && (setting.When is not { Environments.Count: > 0 } when || when.Environments.Contains(EnvironmentMap.Production)))
                errors.Add($"{path}.allow_self_approval", WorkflowParser.SelfApprovalNeedsEnvironments);
            workflows.Add(setting);
        }
        return (errors.Boolean(section, Path, "enabled") ?? true, fallback, workflows);
    }

    // A name has an object, or a list of objects that differ by their conditions.
    private static IEnumerable<(ToolPattern Name, JsonObject Entry, string Path)> Entries(JsonObject? section, string path, string what, Errors errors)
    {
        foreach (var (name, node) in section ?? [])
        {
            if (!TryParsePattern(name, out var pattern))
            {
                errors.Add($"{path}.{name}",
                    $"{what}'s name is 1 to 64 of a-z, 0-9 and _, or integration.name, integration.* or *");
            }
            if (node is JsonObject one)
                yield return (pattern, one, $"{path}.{name}");
            else if (node is JsonArray { Count: > 0 and <= MaxEntriesOfAName } list)
            {
                for (var i = 0; i < list.Count; i++)
                {
                    if (list[i] is JsonObject entry)
                        yield return (pattern, entry, $"{path}.{name}[{i}]");
                    else
                        errors.Add($"{path}.{name}[{i}]", "must be an object");
                }
                if (list.OfType<JsonObject>().Count(o => !o.ContainsKey("when")) > 1)
                    errors.Add($"{path}.{name}", "has more than one entry without a condition (when)");
            }
            else
                errors.Add($"{path}.{name}", $"must be an object, or a list of 1 to {MaxEntriesOfAName} objects with conditions (when)");
        }
    }

    private static bool TryParsePattern(string name, out ToolPattern pattern)
    {
        pattern = default;
        if (!Pattern().IsMatch(name))
            return false;
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        var tool = name[(dot + 1)..];
        pattern = new(dot < 0 ? null : name[..dot], tool == "*" ? null : tool);
        return true;
    }

    [GeneratedRegex(@"\A([a-z0-9_-]{1,64}\.)?([a-z0-9_]{1,64}|\*)\z", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Pattern();
}
