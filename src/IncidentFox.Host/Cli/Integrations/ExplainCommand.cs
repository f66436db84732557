using System.CommandLine;
using IncidentFox.Core;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Policy;
using IncidentFox.Gateway.Rules.Explaining;
using IncidentFox.Host.Configuration;
using Npgsql;

namespace IncidentFox.Host.Cli.Integrations;

/// <summary>
/// <c>incidentfox integrations explain METHOD URL</c>: which rule a request means, which call, what would be sent, what policy says; or what came nearest and
/// YAML that would allow it. Exit code 1 when no rule allows it.
/// </summary>
internal static class ExplainCommand
{
    public static Command Create(Option<FileInfo?> config)
    {
        var method = new Argument<string>("method") { Description = "GET, POST, …" };
        var url = new Argument<string>("url") { Description = "An address at the target (https://host/path), or /i/{integration}/path." };
        var team = IntegrationsCommand.TeamOption();
        var role = new Option<string>("--role") { Description = "The lowest role among those who ask: viewer, operator, admin, org_admin.", DefaultValueFactory = _ => "operator" };
        var body = new Option<string?>("--body") { Description = "The request's body, or @FILE." };
        var header = new Option<string[]>("--header", "-H") { Description = "A header, as Name: value.", DefaultValueFactory = _ => [] };
        var path = IntegrationsCommand.PathOption();
        var command = new Command("explain", "Says what would become of a request. Sends nothing.") { method, url, team, role, body, header, path };
        command.SetAction(async (parse, ct) =>
        {
            var named = parse.GetValue(path);
            var configuration = named is { Length: > 0 } && parse.GetValue(config) is null ? null : Start.Load(parse.GetValue(config));
            if (configuration is null && named is not { Length: > 0 })
                return 2;
            if (IntegrationsCommand.Paths(named, parse.GetValue(config)) is not { } paths || IntegrationsCommand.Load(paths, configuration) is not { } catalog
                || IntegrationsCommand.Team(parse.GetValue(team), configuration, catalog) is not { } of)
                return 2;
            var errors = new List<string>();
            var policy = HostSettings.ReadPolicy(configuration, errors);
            if (!RoleNames.TryParse(parse.GetValue(role), out var asking))
                errors.Add("--role is one of viewer, operator, admin, org_admin.");
            var headers = parse.GetValue(header)!.Select(h => h.Split(':', 2)).ToList();
            if (headers.Any(h => h.Length != 2))
                errors.Add("--header is written as Name: value.");
            if (Body(parse.GetValue(body), errors) is var text && errors.Count > 0)
            {
                Start.Refuse<object>(errors);
                return 2;
            }
            var (inForce, from) = await InForceAsync(policy!, configuration, parse.GetValue(config), of, ct);
            return Print(RequestExplainer.Explain(catalog, inForce, new RequestQuestion
            {
                Method = parse.GetValue(method)!, Url = parse.GetValue(url)!, Team = of, Role = asking, Body = text,
                Headers = [.. headers.Select(h => KeyValuePair.Create(h[0].Trim(), h[1].Trim()))],
            }), from);
        });
        return command;
    }

    // What the gateway would decide by: the layers in the database over the configuration's. Without a database the configuration's alone, and it says so.
    private static async Task<(ToolPolicy Policy, string From)> InForceAsync(
        ToolPolicy file, IConfiguration? configuration, FileInfo? config, TeamId team, CancellationToken cancellationToken)
    {
        var database = configuration?.GetSection(DatabaseOptions.Section).Get<DatabaseOptions>();
        if (string.IsNullOrEmpty(database?.Bot) || configuration?["Organization:Id"] is not { Length: > 0 } org)
            return (file, "the configuration; it names no database");
        try
        {
            await using var access = await DatabaseAccess.OpenAsync(config, cancellationToken, asBot: true);
            if (access is null)
                return (file, "the configuration alone: the database could not be asked, and what was set there is not counted");
            var store = new PolicyStore(access.Database, new AuditLog(access.Database, access.Cipher), file);
            return (await store.EffectiveAsync(new OrgId(org), team, cancellationToken), "the database, over the configuration");
        }
        catch (NpgsqlException e)
        {
            return (file, $"the configuration alone: the database could not be asked ({e.Message}), and what was set there is not counted");
        }
    }

    private static string? Body(string? given, List<string> errors)
    {
        if (given is null || !given.StartsWith('@'))
            return given;
        try
        {
            return File.ReadAllText(given[1..]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            errors.Add($"--body {given} can't be read: {e.Message}");
            return null;
        }
    }

    private static int Print(Explanation explanation, string policyFrom)
    {
        foreach (var (word, text) in explanation.Facts)
            Console.WriteLine($"{word + ":",-13} {text}");
        if (explanation.HasRule)
            Console.WriteLine($"{"policy from:",-13} {policyFrom}");
        if (explanation.Suggestion is not null)
            Console.WriteLine($"\nThis would allow it; say what it is for, and look at it twice:\n\n{explanation.Suggestion}");
        return explanation.HasRule ? 0 : 1;
    }
}
