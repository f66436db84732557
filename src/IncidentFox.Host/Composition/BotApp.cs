using IncidentFox.Bot;
using IncidentFox.Bot.Sandboxes;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Sandboxes;
using IncidentFox.Core.Storage;
using IncidentFox.Host.Configuration;
using IncidentFox.Slack;
using Npgsql;

namespace IncidentFox.Host.Composition;

/// <summary>The bot's application: Slack, jobs, cards, sandboxes. Its container holds no credential of an integration and no frozen calls' key.</summary>
public static class BotApp
{
    /// <summary>Builds it.</summary>
    /// <param name="settings">Checked settings.</param>
    /// <param name="keys">What start-up fetched.</param>
    /// <param name="door">The gateway's door: the one object that both applications share. Null where sandboxes are pods, which find their gateway by themselves.</param>
    /// <param name="readiness">Whether this process is ready.</param>
    /// <param name="logger">Where logs go.</param>
    public static WebApplication Build(HostSettings settings, BotKeys keys, ISandboxDoor? door, Readiness readiness, Serilog.ILogger logger)
    {
        var builder = Applications.Create(logger);
        builder.WebHost.UseUrls(settings.HttpUrl.AbsoluteUri);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 2 * 1024 * 1024;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        });
        builder.Services.AddSingleton(NpgsqlDataSource.Create(keys.ConnectionString));
        builder.Services.AddSingleton(p => new Database(p.GetRequiredService<NpgsqlDataSource>()));
        builder.Services.AddSingleton(new ColumnCipher(keys.ColumnKey));
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(p => new PolicyStore(p.GetRequiredService<Database>(), p.GetRequiredService<AuditLog>(), settings.Policy));
        if (settings.SandboxesArePods)
            builder.Services.AddKubernetesSandboxes(settings.Configuration);
        else
            builder.Services.AddSingleton(door!).AddLocalSandboxes(settings.Configuration);
        builder.Services.AddSlack(keys.Slack);
        builder.Services.AddBot(settings.Bot);
        var app = builder.Build();
        Applications.MapHealth(app, readiness);
        app.MapBot();
        return app;
    }
}

/// <summary>What the bot's application needs of the secrets: its own and no others.</summary>
/// <param name="ConnectionString">Its database login.</param>
/// <param name="ColumnKey">Key of questions, timelines and reports.</param>
/// <param name="Slack">Tokens and signing secret.</param>
public sealed record BotKeys(string ConnectionString, byte[] ColumnKey, SlackOptions Slack);
