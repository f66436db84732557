using System.CommandLine;
using IncidentFox.Core;
using IncidentFox.Gateway;
using IncidentFox.Gateway.Rules;
using IncidentFox.Secrets;

namespace IncidentFox.Host.Cli.Integrations;

/// <summary><c>incidentfox integrations list|lint|explain|test|schema</c>. All but <c>test</c> work without a database and fetch no secret.</summary>
public static class IntegrationsCommand
{
    /// <summary>The command with its subcommands.</summary>
    public static Command Create(Option<FileInfo?> config) => new("integrations", "Shows, checks, explains and tries what the gateway may talk to.")
    {
        ListCommand.Create(config), LintCommand.Create(config), ExplainCommand.Create(config), TestCommand.Create(config), SchemaCommand.Create(),
    };

    /// <summary>The paths that are named, else those of the configuration; null after the error was printed.</summary>
    internal static IReadOnlyList<string>? Paths(string[]? named, FileInfo? config)
    {
        if (named is { Length: > 0 })
            return named;
        if (Start.Load(config) is not { } configuration)
            return null;
        return configuration.GetSection($"{GatewayOptions.SectionName}:{nameof(GatewayOptions.IntegrationsPaths)}").Get<string[]>() ?? ["/etc/incidentfox/integrations"];
    }

    /// <summary>The integrations; null after every mistake was printed.</summary>
    /// <param name="paths">Where they are.</param>
    /// <param name="configuration">Says which secrets a team may use; null: that is not judged.</param>
    internal static IntegrationCatalog? Load(IReadOnlyList<string> paths, IConfiguration? configuration = null)
    {
        var load = IntegrationLoader.Load(paths, Secrets(configuration));
        if (load.Catalog is null)
            Start.Refuse<object>(load.Errors);
        return load.Catalog;
    }

    /// <summary>What the configuration says of secrets; null without one.</summary>
    internal static SecretsOptions? Secrets(IConfiguration? configuration) =>
        configuration is null ? null : configuration.GetSection(SecretsOptions.SectionName).Get<SecretsOptions>() ?? new SecretsOptions();

    /// <summary>The team that is named, else the only one there is; null after the error was printed.</summary>
    internal static TeamId? Team(string? named, IConfiguration? configuration, IntegrationCatalog catalog)
    {
        if (named is not null)
            return new TeamId(named);
        var teams = (configuration?.GetSection(DirectoryTeams).GetChildren().Select(t => t["Id"]).OfType<string>() ?? [])
            .Concat(catalog.All.Select(i => i.Team?.Value).OfType<string>()).Distinct().ToList();
        if (teams.Count <= 1)
            return new TeamId(teams.FirstOrDefault("any"));
        Console.Error.WriteLine($"Name the team with --team: {string.Join(", ", teams)}.");
        return null;
    }

    internal static Option<string[]> PathOption() => new("--path") { Description = "Folder of *.yaml, or a file, instead of the configuration's.", AllowMultipleArgumentsPerToken = true };

    internal static Option<string?> TeamOption() => new("--team") { Description = "Whose integrations; needed when there are several teams." };

    private const string DirectoryTeams = "Organization:Teams";
}
