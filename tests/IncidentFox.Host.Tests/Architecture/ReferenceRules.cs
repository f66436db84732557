using System.Xml.Linq;

namespace IncidentFox.Host.Tests.Architecture;

/// <summary>Who may reference whom: one assembly per trust boundary. The table is exhaustive, with the reason for each line.</summary>
internal static class ReferenceRules
{
    public static readonly IReadOnlyDictionary<string, (string[] May, string Reason)> Allowed = new Dictionary<string, (string[], string)>
    {
        ["IncidentFox.Contracts"] = ([], "goes into the sandbox: the base class library only"),
        ["IncidentFox.Agent"] = (["IncidentFox.Contracts"], "is in the sandbox and hostile until proven otherwise: it knows nothing of the product"),
        ["IncidentFox.Core"] = ([], "both sides stand on it, so it stands on neither"),
        ["IncidentFox.Secrets"] = ([], "the only place with a secret store's client library"),
        ["IncidentFox.Slack"] = ([], "Slack itself; knows nothing of incidents"),
        ["IncidentFox.Gateway"] = (["IncidentFox.Contracts", "IncidentFox.Core", "IncidentFox.Secrets"], "holds credentials: it must not know Slack or the bot"),
        ["IncidentFox.Bot"] = (["IncidentFox.Core", "IncidentFox.Slack"], "people touch it: no secrets, no agent messages"),
        ["IncidentFox.Host"] = (["IncidentFox.Bot", "IncidentFox.Gateway", "IncidentFox.Core", "IncidentFox.Slack", "IncidentFox.Secrets"], "composition only"),
        ["IncidentFox.Workbench"] = (["IncidentFox.Slack"], "stands outside: message types of Slack only, and the product as a process"),
    };

    /// <summary>Packages that only one assembly may have.</summary>
    public static readonly IReadOnlyDictionary<string, (string[] May, string Reason)> Packages = new Dictionary<string, (string[], string)>
    {
        ["Anthropic"] = (["IncidentFox.Gateway"], "models are asked by the gateway alone: the keys are there"),
        ["OpenAI"] = (["IncidentFox.Gateway"], "models are asked by the gateway alone: the keys are there"),
        ["Microsoft.Extensions.AI"] = (["IncidentFox.Gateway"], "models are asked by the gateway alone: the keys are there"),
        ["Azure."] = (["IncidentFox.Secrets"], "a secret store's client library"),
        ["KubernetesClient"] = (["IncidentFox.Bot"], "the bot alone drives sandbox pods; secrets are read by a client of their own, see ADR 5"),
        ["Hangfire."] = (["IncidentFox.Bot"], "the gateway runs no jobs"),
        ["YamlDotNet"] = (["IncidentFox.Gateway", "IncidentFox.Secrets"], "integrations are read by the gateway, kubeconfigs by it and the secret sources; nobody else reads YAML"),
        ["Serilog"] = (["IncidentFox.Host"], "where logs go is composition"),
        ["OpenTelemetry"] = (["IncidentFox.Host"], "where measurements go is composition"),
    };

    /// <summary>What breaks the table among the given project files.</summary>
    public static IReadOnlyList<string> Violations(IEnumerable<(string Name, XDocument Project)> projects)
    {
        var found = new List<string>();
        var seen = new List<string>();
        foreach (var (name, project) in projects)
        {
            seen.Add(name);
            if (!Allowed.TryGetValue(name, out var rule))
            {
                found.Add($"{name} is not in the table of references: add it with a reason");
                continue;
            }
            foreach (var reference in Includes(project, "ProjectReference").Select(i => Path.GetFileNameWithoutExtension(i.Replace('\\', '/'))))
            {
                if (!rule.May.Contains(reference))
                    found.Add($"{name} references {reference}, but {name} {rule.Reason}");
            }
            foreach (var package in Includes(project, "PackageReference"))
            {
                foreach (var (prefix, (may, reason)) in Packages)
                {
                    if (package.StartsWith(prefix, StringComparison.Ordinal) && !may.Contains(name))
                        found.Add($"{name} has the package {package}, which only {string.Join(", ", may)} may have: {reason}");
                }
                if (name is "IncidentFox.Contracts" or "IncidentFox.Agent" && package.Length > 0)
                    found.Add($"{name} has the package {package}, but it is in the sandbox: the base class library only");
            }
        }
        found.AddRange(Allowed.Keys.Except(seen).Select(missing => $"{missing} is in the table but not in src/"));
        return found;
    }

    private static IEnumerable<string> Includes(XDocument project, string element) =>
        project.Descendants(element).Select(e => (string?)e.Attribute("Include") ?? "").Where(i => i.Length > 0);
}
