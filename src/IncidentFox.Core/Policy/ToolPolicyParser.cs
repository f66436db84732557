using System.Security.Cryptography;
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

    /// <summary>Parses; never throws for what the text holds.</summary>
    public static PolicyParse Parse(string json)
    {
        if (json.Length > MaxLength)
            return new(null, [$"$: the policy is longer than {MaxLength} characters"]);
        JsonNode? node;
        byte[] canonical;
        try
        {
            node = JsonNode.Parse(json, documentOptions: new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false });
            canonical = CanonicalJson.Write(node);
        }
        catch (JsonException e)
        {
            return new(null, [$"$: not valid JSON: {e.Message}"]);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            // Half of a surrogate pair, raw or as \uD800, is found only when the text is read.
            return new(null, ["$: not valid JSON: it holds text that is not Unicode"]);
        }
        var errors = new Errors();
        if (node is not JsonObject root)
            return new(null, ["$: a policy is a JSON object"]);
        errors.OnlyKnown(root, "$", "tools", "approval_workflows");
        var tools = ParseTools(root, errors);
        var (enabled, fallback, workflows) = ParseWorkflows(root, errors);
        return errors.All.Count > 0
            ? new(null, errors.All)
            : new(new ToolPolicy
            {
                Tools = tools,
                WorkflowsEnabled = enabled,
                Default = fallback,
                Workflows = workflows,
                Digest = Convert.ToHexStringLower(SHA256.HashData(canonical)),
            }, []);
    }

    private static Dictionary<string, ToolSetting> ParseTools(JsonObject root, Errors errors)
    {
        var tools = new Dictionary<string, ToolSetting>();
        foreach (var (name, node) in errors.Object(root, "$", "tools") ?? [])
        {
            var path = $"$.tools.{name}";
            if (!ToolName().IsMatch(name))
                errors.Add(path, "a tool's name is 1 to 64 of a-z, 0-9 and _");
            if (node is not JsonObject setting)
            {
                errors.Add(path, "must be an object");
                continue;
            }
            errors.OnlyKnown(setting, path, "enabled", "allowed_roles", "require_approval");
            tools[name] = new ToolSetting
            {
                Enabled = errors.Boolean(setting, path, "enabled") ?? true,
                AllowedRoles = ParseRoles(setting, path, errors),
                RequireApproval = errors.Boolean(setting, path, "require_approval"),
            };
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

    private static (bool Enabled, Workflow Default, Dictionary<string, Workflow> Workflows) ParseWorkflows(JsonObject root, Errors errors)
    {
        const string Path = "$.approval_workflows";
        var workflows = new Dictionary<string, Workflow>();
        if (errors.Object(root, "$", "approval_workflows") is not { } section)
            return (true, new Workflow(), workflows);
        errors.OnlyKnown(section, Path, "enabled", "default", "actions");
        var fallback = errors.Object(section, Path, "default") is { } d ? ParseWorkflow(d, $"{Path}.default", new Workflow(), errors) : new Workflow();
        foreach (var (name, node) in errors.Object(section, Path, "actions") ?? [])
        {
            var path = $"{Path}.actions.{name}";
            if (!ToolName().IsMatch(name))
                errors.Add(path, "an action's name is 1 to 64 of a-z, 0-9 and _");
            if (node is JsonObject action)
                workflows[name] = ParseWorkflow(action, path, fallback, errors);
            else
                errors.Add(path, "must be an object");
        }
        return (errors.Boolean(section, Path, "enabled") ?? true, fallback, workflows);
    }

    private static Workflow ParseWorkflow(JsonObject o, string path, Workflow fallback, Errors errors)
    {
        errors.OnlyKnown(o, path, "required_approvers", "timeout_minutes", "notify_channel", "approver_role");
        var workflow = fallback;
        if (errors.Number(o, path, "required_approvers", 1, 20) is { } required)
        {
            if (required != decimal.Truncate(required))
                errors.Add($"{path}.required_approvers", "must be a whole number");
            else
                workflow = workflow with { RequiredApprovers = (int)required };
        }
        if (errors.Number(o, path, "timeout_minutes", 0.01m, 7 * 24 * 60) is { } minutes)
            workflow = workflow with { TimeoutMinutes = minutes };
        if (errors.Text(o, path, "notify_channel") is { } channel)
        {
            if (ChannelName().IsMatch(channel))
                workflow = workflow with { NotifyChannel = channel };
            else
                errors.Add($"{path}.notify_channel", "must be a channel such as #sre-approvals, or a Slack channel id");
        }
        if (errors.Text(o, path, "approver_role") is { } name)
        {
            if (RoleNames.TryParse(name, out var role))
                workflow = workflow with { ApproverRole = role };
            else
                errors.Add($"{path}.approver_role", "must be one of viewer, operator, admin, org_admin");
        }
        return workflow;
    }

    [GeneratedRegex("\\A[a-z0-9_]{1,64}\\z", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex ToolName();

    [GeneratedRegex("\\A(#[\\p{Ll}\\p{Lo}\\p{N}_-]{1,80}|[CG][A-Z0-9]{2,30})\\z", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex ChannelName();
}
