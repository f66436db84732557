using IncidentFox.Host.Cli;
using IncidentFox.Host.Composition;
using IncidentFox.Secrets;
using IncidentFox.Slack;

namespace IncidentFox.Host.Configuration;

/// <summary>Fetches what each application needs at start-up, and keeps the two apart: what the bot gets, what the gateway gets.</summary>
public static class StartupSecrets
{
    /// <summary>Fetches; every failure is in the list.</summary>
    public static async Task<(GatewayKeys? Gateway, BotKeys? Bot, IReadOnlyList<string> Problems)> FetchAsync(
        HostSettings settings, HostRole role, CancellationToken cancellationToken)
    {
        var problems = new List<string>();
        await using var services = Start.Secrets(settings.Configuration, problems);
        if (services is null)
            return (null, null, problems);
        var secrets = new SecretResolver(services.GetRequiredService<SecretStore>());
        const string Database = DatabaseOptions.Section;
        var columnKey = await secrets.KeyAsync($"{Database}:ColumnKey", settings.Database.ColumnKey, cancellationToken);
        GatewayKeys? gateway = null;
        if (role != HostRole.Bot)
        {
            var frozenKey = await secrets.KeyAsync($"{Database}:FrozenCallKey", settings.Database.FrozenCallKey, cancellationToken);
            var login = await secrets.ConnectionStringAsync($"{Database}:Gateway", settings.Database.Gateway, settings.Database.GatewayPassword, "gateway", cancellationToken);
            gateway = columnKey is null || frozenKey is null ? null : new GatewayKeys(login, columnKey, frozenKey);
        }
        BotKeys? bot = null;
        if (role != HostRole.Gateway)
        {
            var login = await secrets.ConnectionStringAsync($"{Database}:Bot", settings.Database.Bot, settings.Database.BotPassword, "bot", cancellationToken);
            var slack = await SlackAsync(settings.Configuration, secrets, cancellationToken);
            if (secrets.Errors.Count == 0)
                problems.AddRange(slack.Validate());
            bot = columnKey is null ? null : new BotKeys(login, columnKey, slack);
        }
        problems.AddRange(secrets.Errors);
        return (gateway, bot, problems);
    }

    // In configuration the three are references; the options that the Slack layer sees hold the values.
    private static async Task<SlackOptions> SlackAsync(IConfiguration configuration, SecretResolver secrets, CancellationToken cancellationToken)
    {
        var section = configuration.GetSection(SlackOptions.SectionName);
        var resolved = new Dictionary<string, string?>();
        foreach (var name in new[] { nameof(SlackOptions.BotToken), nameof(SlackOptions.SigningSecret), nameof(SlackOptions.AppToken) })
        {
            if (section[name] is { Length: > 0 } reference)
                resolved[name] = await secrets.TextAsync($"{SlackOptions.SectionName}:{name}", reference, cancellationToken);
        }
        return new ConfigurationBuilder().AddConfiguration(section).AddInMemoryCollection(resolved).Build().Get<SlackOptions>() ?? new SlackOptions();
    }
}
