using System.CommandLine;
using IncidentFox.Core.Tools;

namespace IncidentFox.Host.Cli.Integrations;

/// <summary><c>incidentfox integrations lint [PATH…]</c>: every mistake at once, with file and line. Exit code 1 when there is one.</summary>
internal static class LintCommand
{
    public static Command Create(Option<FileInfo?> config)
    {
        var path = new Argument<string[]>("path") { Description = "Folders of *.yaml, or files; default: the configuration's.", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("lint", "Checks integration files as the gateway does when it loads them.") { path };
        command.SetAction(parse =>
        {
            if (IntegrationsCommand.Paths(parse.GetValue(path), parse.GetValue(config)) is not { } paths)
                return 2;
            var configuration = parse.GetValue(path) is { Length: > 0 } && parse.GetValue(config) is null ? null : Start.Load(parse.GetValue(config));
            var load = Gateway.Rules.IntegrationLoader.Load(paths, IntegrationsCommand.Secrets(configuration));
            if (load.Catalog is not { } catalog)
            {
                foreach (var error in load.Errors)
                    Console.Error.WriteLine(error);
                Console.Error.WriteLine($"{load.Errors.Count} mistake(s): nothing of this would be loaded.");
                return 1;
            }
            foreach (var integration in catalog.All)
            {
                if (integration.BaseUrl.Scheme == "http" && integration.Auth.Scheme != Gateway.Rules.AuthScheme.None)
                    Console.WriteLine($"note: {integration.Name} sends its credential over http; anybody on the way can read it");
                if (integration.Network.CaFile is { } ca && !File.Exists(ca))
                    Console.WriteLine($"note: {integration.Name}: {ca} is not here; the gateway needs it");
                if (integration.Rules.Any(r => r.Effect != ToolEffect.Read) && !integration.Auth.HasCredential(write: true))
                    Console.WriteLine($"note: {integration.Name} names no auth.write: its tools that change something are not offered");
            }
            Console.WriteLine($"No mistake: {catalog.All.Count} integration(s), {catalog.All.Sum(i => i.Rules.Count)} tools.");
            return 0;
        });
        return command;
    }
}
