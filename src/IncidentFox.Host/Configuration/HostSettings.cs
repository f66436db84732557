using IncidentFox.Bot;
using IncidentFox.Bot.Sandboxes;
using IncidentFox.Bot.Sandboxes.Kubernetes;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Policy;
using IncidentFox.Gateway;
using IncidentFox.Gateway.Models;
using IncidentFox.Secrets;
using IncidentFox.Slack;

namespace IncidentFox.Host.Configuration;

/// <summary>Which part of the product a process is.</summary>
public enum HostRole
{
    /// <summary>Both, for one machine.</summary>
    All,

    /// <summary>Slack, jobs, cards.</summary>
    Bot,

    /// <summary>The agents' door, credentials, executions.</summary>
    Gateway,
}

/// <summary>Everything that can be checked before anything starts. All errors at once, each with how to mend it.</summary>
public sealed class HostSettings
{
    /// <summary>Where the bot listens for Slack. Loopback by default: put a TLS proxy in front, or use Socket Mode.</summary>
    public required Uri HttpUrl { get; init; }

    /// <summary>The database's logins and keys, by reference.</summary>
    public required DatabaseOptions Database { get; init; }

    /// <summary>The organization, its teams and people.</summary>
    public required DirectoryOptions Directory { get; init; }

    /// <summary>How secrets are found.</summary>
    public required SecretsOptions Secrets { get; init; }

    /// <summary>What people touch.</summary>
    public required BotOptions Bot { get; init; }

    /// <summary>The agents' door and the integrations.</summary>
    public required GatewayOptions Gateway { get; init; }

    /// <summary>Which models agents may ask.</summary>
    public required ModelCatalog Models { get; init; }

    /// <summary>Sandboxes on this machine.</summary>
    public required LocalSandboxOptions Sandboxes { get; init; }

    /// <summary>Whether sandboxes are pods of a cluster instead of processes on this machine.</summary>
    public bool SandboxesArePods => KubernetesSandboxesModule.IsConfigured(Configuration);

    /// <summary>Where measurements go.</summary>
    public required TelemetryOptions Telemetry { get; init; }

    /// <summary>The policy in force.</summary>
    public required ToolPolicy Policy { get; init; }

    /// <summary>Where it all came from, for the parts that bind their own section.</summary>
    public required IConfiguration Configuration { get; init; }

    /// <summary>Reads and checks.</summary>
    public static (HostSettings? Settings, IReadOnlyList<string> Errors) Read(IConfiguration configuration, HostRole role)
    {
        var errors = new List<string>();
        var database = Bind<DatabaseOptions>(configuration, DatabaseOptions.Section, errors);
        var directory = Bind<DirectoryOptions>(configuration, DirectoryOptions.Section, errors);
        var secrets = Bind<SecretsOptions>(configuration, SecretsOptions.SectionName, errors);
        var sandboxes = Bind<LocalSandboxOptions>(configuration, LocalSandboxOptions.SectionName, errors);
        var bot = Bind<BotOptions>(configuration, BotOptions.Section, errors);
        var gateway = Bind<GatewayOptions>(configuration, GatewayOptions.SectionName, errors);
        var telemetry = Bind<TelemetryOptions>(configuration, TelemetryOptions.Section, errors);
        var (models, modelErrors) = ModelCatalogReader.Read(Bind<ModelOptions>(configuration, ModelOptions.SectionName, errors), secrets);
        errors.AddRange(secrets.Validate());
        errors.AddRange(telemetry.Validate());
        DatabaseOptions.CheckReference(errors, $"{DatabaseOptions.Section}:ColumnKey", database.ColumnKey);
        if (role is HostRole.All or HostRole.Bot)
        {
            DatabaseOptions.CheckLogin(errors, nameof(DatabaseOptions.Bot), database.Bot, database.BotPassword);
            errors.AddRange(directory.Validate());
            errors.AddRange(bot.Validate());
            CheckSlack(configuration, errors);
        }
        if (role is HostRole.All or HostRole.Gateway)
        {
            DatabaseOptions.CheckLogin(errors, nameof(DatabaseOptions.Gateway), database.Gateway, database.GatewayPassword);
            DatabaseOptions.CheckReference(errors, $"{DatabaseOptions.Section}:FrozenCallKey", database.FrozenCallKey);
            errors.AddRange(gateway.Validate(secrets).Errors);
            errors.AddRange(modelErrors);
        }
        if (role is not HostRole.Gateway)
            CheckSandboxes(configuration, role, sandboxes, gateway, errors);
        var url = ReadUrl(configuration, errors);
        var policy = ReadPolicy(configuration, errors);
        return errors.Count > 0 || policy is null
            ? (null, errors)
            : (new HostSettings
            {
                HttpUrl = url,
                Database = database,
                Directory = directory,
                Secrets = secrets,
                Bot = bot,
                Gateway = gateway,
                Models = models ?? ModelCatalog.None,
                Sandboxes = sandboxes,
                Telemetry = telemetry,
                Policy = policy,
                Configuration = configuration,
            }, []);
    }

    private static T Bind<T>(IConfiguration configuration, string section, List<string> errors) where T : new()
    {
        try
        {
            return configuration.GetSection(section).Get<T>(o => o.ErrorOnUnknownConfiguration = true) ?? new T();
        }
        catch (InvalidOperationException e)
        {
            errors.Add($"{section}: {e.Message}{(e.InnerException is { } inner ? " " + inner.Message : "")}");
            return new T();
        }
    }

    private static void CheckSandboxes(IConfiguration configuration, HostRole role, LocalSandboxOptions local, GatewayOptions gateway, List<string> errors)
    {
        if (KubernetesSandboxesModule.IsConfigured(configuration))
        {
            errors.AddRange(Bind<KubernetesSandboxOptions>(configuration, KubernetesSandboxOptions.SectionName, errors).Validate());
            if (role is HostRole.All && !gateway.Pods.Enabled)
                errors.Add("Sandbox:Kubernetes:Image is set, but this process's gateway has no door for pods: set Gateway:Pods:Enabled with its Certificate and Key, or remove the image to use sandboxes on this machine.");
        }
        else if (role is HostRole.All)
            errors.AddRange(local.Validate());
        else
            errors.Add("--role bot needs sandboxes on Kubernetes: a sandbox on this machine reaches its gateway by a socket, so bot and gateway run in one process. Set Sandbox:Kubernetes:Image, or use --role all.");
    }

    private static void CheckSlack(IConfiguration configuration, List<string> errors)
    {
        var slack = configuration.GetSection(SlackOptions.SectionName);
        foreach (var name in new[] { nameof(SlackOptions.BotToken), nameof(SlackOptions.SigningSecret), nameof(SlackOptions.AppToken) })
        {
            if (slack[name] is { Length: > 0 } reference)
                DatabaseOptions.CheckReference(errors, $"{SlackOptions.SectionName}:{name}", reference);
        }
        if (slack[nameof(SlackOptions.BotToken)] is null or "")
            errors.Add($"{SlackOptions.SectionName}:BotToken is empty: give a secret reference to the bot token (xoxb-…) of the Slack app (slack-app-manifest.yml makes one).");
        if (slack[nameof(SlackOptions.SigningSecret)] is null or "" && slack[nameof(SlackOptions.AppToken)] is null or "")
            errors.Add($"{SlackOptions.SectionName}: give SigningSecret (signed HTTP) or AppToken (Socket Mode), or both, as secret references. Without a signing secret no request over HTTP is believed.");
    }

    private static Uri ReadUrl(IConfiguration configuration, List<string> errors)
    {
        var text = configuration["Http:Url"] ?? "http://127.0.0.1:8080";
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" && url.AbsolutePath == "/")
            return url;
        errors.Add($"Http:Url is '{text}': give the address to listen on, such as http://127.0.0.1:8080 (TLS ends at the proxy in front).");
        return new Uri("http://127.0.0.1:8080");
    }

    /// <summary>The policy in force with this configuration; the product's own without one.</summary>
    internal static ToolPolicy? ReadPolicy(IConfiguration? configuration, List<string> errors) => PolicySettings.Read(configuration, errors);
}
