using System.CommandLine;
using IncidentFox.Gateway.Rules.Documenting;

namespace IncidentFox.Host.Cli.Integrations;

/// <summary><c>incidentfox integrations schema</c>: the JSON Schema of the files, for editors.</summary>
internal static class SchemaCommand
{
    public static Command Create()
    {
        var command = new Command("schema", "Prints the JSON Schema of integration files. In a file: # yaml-language-server: $schema=FILE");
        command.SetAction(_ => Console.Write(IntegrationSchema.Text()));
        return command;
    }
}
