using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate;
using IncidentFox.Workbench.SlackWorkspace;

namespace IncidentFox.Workbench.Stack;

/// <summary>
/// Writes the configuration that the product runs with, as an operator would: secrets in files of their own (mode 0600), references to them in
/// <c>appsettings.json</c>, integrations and policy beside it.
/// </summary>
public sealed class StackFiles
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
    private readonly string _secrets;

    /// <summary>Makes the folders below the run directory.</summary>
    public StackFiles(string runDirectory)
    {
        RunDirectory = runDirectory;
        _secrets = Path.Combine(runDirectory, "secrets");
        IntegrationsDirectory = Path.Combine(runDirectory, "integrations");
        foreach (var folder in new[] { runDirectory, _secrets, IntegrationsDirectory })
        {
            Directory.CreateDirectory(folder);
            File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    /// <summary>Where everything is.</summary>
    public string RunDirectory { get; }

    /// <summary>The installation's integrations.</summary>
    public string IntegrationsDirectory { get; }

    /// <summary>What the product and its commands are started with.</summary>
    public string ConfigFile => Path.Combine(RunDirectory, "appsettings.json");

    /// <summary>The product's log.</summary>
    public string LogFile => Path.Combine(RunDirectory, "incidentfox.log");

    /// <summary>The gateway's log, where it is a process of its own.</summary>
    public string GatewayLogFile => Path.Combine(RunDirectory, "gateway.log");

    /// <summary>Writes a secret and returns its reference.</summary>
    public string Secret(string name, string value)
    {
        var path = Path.Combine(_secrets, name);
        File.WriteAllText(path, value);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return $"file://{path}";
    }

    /// <summary>Writes a secret that must stay the same from one start to the next, such as a column key.</summary>
    public string LastingSecret(string name, Func<string> make) =>
        Secret(name, File.Exists(Path.Combine(_secrets, name)) ? File.ReadAllText(Path.Combine(_secrets, name)) : make());

    /// <summary>A new key: 32 bytes, base64.</summary>
    public static string NewKey() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    /// <summary>Takes a secret away, so that its reference leads nowhere.</summary>
    public void RemoveSecret(string name) => File.Delete(Path.Combine(_secrets, name));

    /// <summary>The demo estate as integrations.</summary>
    public void WriteIntegrations(DemoEstate estate)
    {
        Integration("kubernetes", estate.KubernetesUrl, "scheme: bearer",
            $"read: {Secret("kubernetes-read", estate.KubernetesReadToken)}", $"write: {Secret("kubernetes-write", estate.KubernetesWriteToken)}");
        Integration("prometheus", estate.PrometheusUrl, "scheme: basic",
            $"username: {estate.PrometheusCredential.User}", $"read: {Secret("prometheus-password", estate.PrometheusCredential.Password)}");
        Integration("alertmanager", estate.AlertmanagerUrl, "scheme: basic",
            $"username: {estate.AlertmanagerCredential.User}", $"read: {Secret("alertmanager-password", estate.AlertmanagerCredential.Password)}");
    }

    /// <summary>Writes <c>appsettings.json</c> and the policy.</summary>
    public void WriteConfiguration(StackOptions options, StackDatabase database, Uri httpUrl, Uri? slackApi, string runtimeDirectory, SandboxCluster? pods)
    {
        var policy = Path.Combine(RunDirectory, "policy.json");
        File.WriteAllText(policy, options.PolicyJson ?? DocumentedPolicy);
        var configuration = new JsonObject
        {
            ["Http"] = new JsonObject { ["Url"] = httpUrl.GetLeftPart(UriPartial.Authority) },
            ["Slack"] = Slack(options, slackApi),
            ["Database"] = Database(database),
            ["Secrets"] = new JsonObject { ["File"] = new JsonObject { ["Directories"] = new JsonArray(_secrets) } },
            ["Organization"] = Organization(options),
            ["Policy"] = new JsonObject { ["File"] = policy },
            // Beside the database's folder and not in it: a database that is restored does not take its head back with it.
            ["Audit"] = new JsonObject { ["HeadFile"] = Path.Combine(RunDirectory, "audit-head.json") },
            ["Gateway"] = new JsonObject
            {
                ["IntegrationsPaths"] = new JsonArray(IntegrationsDirectory),
                ["RuntimeDirectory"] = runtimeDirectory,
                ["ParkAfterSeconds"] = options.ParkAfterSeconds,
            },
            ["Sandbox"] = new JsonObject
            {
                ["Local"] = new JsonObject
                {
                    ["AgentPath"] = options.AgentPath,
                    ["Driver"] = options.SandboxDriver,
                    ["RuntimeDirectory"] = runtimeDirectory,
                },
            },
            ["Logging"] = new JsonObject { ["Format"] = "text" },
        };
        if (pods is not null)
        {
            configuration["Sandbox"] = pods.SandboxSection(this, options.WarmPods);
            configuration["Gateway"]!["Pods"] = pods.DoorSection(this);
            configuration["Gateway"]!["HealthUrl"] = pods.HealthUrl.AbsoluteUri;
        }
        if (options.MaxSandboxes is { } most)
            configuration["Bot"] = new JsonObject { ["MaxSandboxes"] = most };
        File.WriteAllText(ConfigFile, configuration.ToJsonString(Indented));
        File.SetUnixFileMode(ConfigFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private void Integration(string name, Uri url, params string[] auth) => File.WriteAllText(
        Path.Combine(IntegrationsDirectory, $"{name}.yaml"),
        $"""
        integration: {name}
        extends: {name}
        base_url: {url.GetLeftPart(UriPartial.Authority)}
        auth:
          {string.Join("\n  ", auth)}
        network:
          allow: [127.0.0.0/8]

        """);

    private JsonObject Slack(StackOptions options, Uri? slackApi)
    {
        if (options.RealSlack is { } real)
            return new JsonObject { ["BotToken"] = Secret("slack-bot-token", real.BotToken), ["AppToken"] = Secret("slack-app-token", real.AppToken) };
        var slack = new JsonObject { ["ApiBaseUrl"] = slackApi!.AbsoluteUri, ["BotToken"] = Secret("slack-bot-token", SlackTokens.Bot) };
        if (options.SocketMode)
            slack["AppToken"] = Secret("slack-app-token", SlackTokens.App);
        else
            slack["SigningSecret"] = Secret("slack-signing-secret", SlackTokens.Signing);
        return slack;
    }

    private JsonObject Database(StackDatabase logins)
    {
        var section = new JsonObject
        {
            ["ColumnKey"] = LastingSecret("column-key", NewKey),
            ["FrozenCallKey"] = LastingSecret("frozen-call-key", NewKey),
        };
        foreach (var (setting, connectionString) in logins.Logins)
        {
            var builder = new Npgsql.NpgsqlConnectionStringBuilder(connectionString);
            section[$"{setting}Password"] = Secret($"database-{setting.ToLowerInvariant()}", builder.Password!);
            builder.Password = null;
            section[setting] = builder.ConnectionString;
        }
        return section;
    }

    private static JsonObject Organization(StackOptions options)
    {
        var workspace = options.RealSlack?.WorkspaceId ?? DemoPeople.TeamId;
        JsonObject Person(string id, string name, string? email, string role) => new()
        {
            ["Slack"] = id,
            ["Name"] = name,
            ["Email"] = email,
            ["Roles"] = new JsonArray(new JsonObject { ["Team"] = "sre", ["Role"] = role }),
        };
        var people = options.RealSlack is { } real
            ? new JsonArray(Person(real.OperatorId, "Operator", null, "operator"), Person(real.AdminId, "Admin", null, "admin"))
            : new JsonArray([.. DemoPeople.All.Where(p => p.Standing is "viewer" or "operator" or "admin").Select(p => Person(p.Id, p.Name, p.Email, p.Standing))]);
        return new JsonObject
        {
            ["Id"] = "acme",
            ["Name"] = "Acme Shop",
            ["SlackWorkspace"] = workspace,
            ["Teams"] = new JsonArray(new JsonObject
            {
                ["Id"] = "sre",
                ["Name"] = "SRE",
                ["Channels"] = new JsonArray(options.RealSlack is { } r ? [r.ChannelId] : [DemoPeople.Incidents, DemoPeople.Approvals]),
            }),
            ["People"] = people,
        };
    }

    /// <summary>What the documentation's two policy blocks say.</summary>
    public const string DocumentedPolicy =
        """
        {
          "tools": {
            "docker_exec": { "enabled": true, "allowed_roles": ["admin"], "require_approval": true }
          },
          "approval_workflows": {
            "enabled": true,
            "actions": {
              "pod_restart": { "required_approvers": 1, "timeout_minutes": 30, "notify_channel": "#sre-approvals" },
              "scale_deployment": { "required_approvers": 2, "timeout_minutes": 15 }
            }
          }
        }
        """;
}
