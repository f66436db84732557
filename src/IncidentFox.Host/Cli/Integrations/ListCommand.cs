using System.CommandLine;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Rules.Documenting;
using Spectre.Console;

namespace IncidentFox.Host.Cli.Integrations;

/// <summary><c>incidentfox integrations list [NAME]</c>: what is set up; with a name its tools; with <c>--shipped</c> what could be.</summary>
internal static class ListCommand
{
    public static Command Create(Option<FileInfo?> config)
    {
        var name = new Argument<string?>("name") { Description = "An integration: lists its tools.", Arity = ArgumentArity.ZeroOrOne };
        var shipped = new Option<bool>("--shipped") { Description = "What comes with the product and can be extended." };
        var path = IntegrationsCommand.PathOption();
        var command = new Command("list", "Lists integrations, or the tools of one.") { name, shipped, path };
        command.SetAction(parse =>
        {
            if (parse.GetValue(shipped))
                return Print(Shipped(), 0);
            if (IntegrationsCommand.Paths(parse.GetValue(path), parse.GetValue(config)) is not { } paths || IntegrationsCommand.Load(paths) is not { } catalog)
                return 2;
            if (parse.GetValue(name) is not { } one)
                return Print(All(catalog), 0);
            if (catalog.All.FirstOrDefault(i => i.Name == one) is { } integration)
                return Print(Tools(integration), 0);
            Console.Error.WriteLine($"There is no integration '{one}'; there are: {string.Join(", ", catalog.All.Select(i => i.Name))}.");
            return 1;
        });
        return command;
    }

    private static Table All(IntegrationCatalog catalog)
    {
        var table = New("integration", "team", "address", "auth", "reads", "changes");
        foreach (var i in catalog.All)
        {
            var changes = i.Rules.Count(r => r.Effect != ToolEffect.Read);
            Row(table, i.Name, i.Team?.Value ?? "all", i.BaseUrl.AbsoluteUri, AuthSchemes.Of(i.Auth.Scheme).Name, $"{i.Rules.Count - changes}",
                changes > 0 && !i.Auth.HasCredential(write: true) ? $"{changes} (no auth.write)" : $"{changes}");
        }
        return table;
    }

    private static Table Tools(Integration integration)
    {
        var table = New("tool", "effect", "request", "what it does");
        foreach (var rule in integration.Rules)
            Row(table, rule.Tool, rule.Effect.ToString().ToLowerInvariant(), RuleText.Request(rule), rule.Description);
        return table;
    }

    private static Table Shipped()
    {
        var table = New("extends", "auth", "settings", "tools", "what it is");
        foreach (var i in ShippedIntegration.All)
            Row(table, i.Name, i.Scheme, string.Join(", ", i.Settings.Select(s => s.Name)), $"{i.Rules.Count}", i.Description);
        return table;
    }

    private static Table New(params string[] columns)
    {
        var table = new Table { Border = TableBorder.None };
        foreach (var column in columns)
            table.AddColumn(new TableColumn(new Text(column, new Style(decoration: Decoration.Bold))) { NoWrap = true });
        return table;
    }

    private static void Row(Table table, params string[] cells) => table.AddRow(cells.Select(c => new Text(c)));

    private static int Print(Table table, int code)
    {
        if (Console.IsOutputRedirected)
            AnsiConsole.Profile.Width = 4_000;
        AnsiConsole.Write(table);
        return code;
    }
}
