using System.CommandLine;
using IncidentFox.Core;
using IncidentFox.Core.Audit;
using IncidentFox.Gateway.Rules.Probing;
using IncidentFox.Gateway.Sending;
using IncidentFox.Host.Configuration;
using IncidentFox.Secrets;
using Microsoft.Extensions.Options;

namespace IncidentFox.Host.Cli.Integrations;

/// <summary>
/// <c>incidentfox integrations test NAME</c>: asks the target the declared harmless read with the real credential. It uses a secret, so it is audited like every
/// use of one, and needs the database for that. Exit code 1 when it did not work.
/// </summary>
internal static class TestCommand
{
    public static Command Create(Option<FileInfo?> config)
    {
        var name = new Argument<string>("name") { Description = "The integration." };
        var team = IntegrationsCommand.TeamOption();
        var command = new Command("test", "Asks an integration's target one harmless read, with the real credential.") { name, team };
        command.SetAction(async (parse, ct) =>
        {
            if (Start.Load(parse.GetValue(config)) is not { } configuration
                || IntegrationsCommand.Paths(null, parse.GetValue(config)) is not { } paths || IntegrationsCommand.Load(paths, configuration) is not { } catalog
                || IntegrationsCommand.Team(parse.GetValue(team), configuration, catalog) is not { } of)
                return 2;
            if (catalog.Find(of, parse.GetValue(name)!) is not { } integration)
            {
                Console.Error.WriteLine($"Team {of} has no integration '{parse.GetValue(name)}'; it has: {string.Join(", ", catalog.Of(of).Select(i => i.Name))}.");
                return 2;
            }
            await using var access = await DatabaseAccess.OpenAsync(parse.GetValue(config), ct);
            if (access is null)
                return 2;
            await using var services = Services(configuration, access);
            if (services is null)
                return 2;
            var context = new SendContext
            {
                Org = new OrgId(configuration["Organization:Id"] ?? "none"), Team = of, Investigation = default,
                UserId = $"cli:{Environment.UserName}", CorrelationId = Guid.CreateVersion7().ToString("N"),
            };
            var tester = new IntegrationTester(services.GetRequiredService<IUpstreamSender>(), services.GetRequiredService<AuditLog>());
            var test = await tester.TestAsync(integration, context, ct);
            Console.WriteLine(test.Sentence);
            return test.Worked ? 0 : 1;
        });
        return command;
    }

    private static ServiceProvider? Services(IConfiguration configuration, DatabaseAccess access)
    {
        try
        {
            return new ServiceCollection().AddLogging().AddSingleton(access.Database).AddSingleton(new AuditLog(access.Database, access.Cipher))
                .AddSecrets(IntegrationsCommand.Secrets(configuration)!).AddSending().BuildServiceProvider();
        }
        catch (OptionsValidationException e)
        {
            return Start.Refuse<ServiceProvider>([.. e.Failures]);
        }
    }
}
