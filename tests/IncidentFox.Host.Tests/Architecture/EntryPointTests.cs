using System.CommandLine;
using System.Text;
using System.Text.RegularExpressions;
using IncidentFox.Host.Cli;
using IncidentFox.Host.Composition;
using IncidentFox.Host.Configuration;
using IncidentFox.Host.Tests.Kit;
using IncidentFox.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace IncidentFox.Host.Tests.Architecture;

/// <summary>Every way into the bot over HTTP and into the program by its command line. Slack's and the gateway's: the tests of these two.</summary>
public sealed partial class EntryPointTests(TestPostgres postgres)
{
    private const string Bot = "changes by the login Database:Bot";
    private const string Reading = "reads by the login Database:Gateway, else Database:Bot";
    private const string ReadingBot = "reads by the login Database:Bot";

    // What a command uses. One that is added without a line here fails the test.
    private static readonly Dictionary<string, string> Commands = new(StringComparer.Ordinal)
    {
        ["serve"] = "everything that its role needs",
        ["migrate"] = "changes by the login Database:Owner",
        ["audit tail"] = Reading, ["audit verify"] = Reading, ["audit export"] = Reading + "; writes that it was done",
        ["gateway tail"] = Reading,
        ["integrations list"] = "reads integration files", ["integrations lint"] = "reads integration files", ["integrations schema"] = "uses nothing",
        ["integrations explain"] = "reads integration files, and the policy in force by the login Database:Bot, where there is one",
        ["integrations test"] = "one read with the integration's credential; the login Database:Gateway, else Database:Bot, for its audit rows",
        ["roles list"] = ReadingBot, ["roles grant"] = Bot, ["roles revoke"] = Bot, ["roles bootstrap"] = Bot + ", and the token of Organization:AdminToken",
        ["access-review"] = ReadingBot, ["freeze"] = Bot, ["unfreeze"] = Bot,
        ["tools list"] = ReadingBot, ["tools show"] = ReadingBot, ["tools explain"] = ReadingBot, ["tools set"] = Bot,
        ["workflows list"] = ReadingBot, ["workflows set"] = Bot,
        ["policy show"] = ReadingBot, ["policy diff"] = ReadingBot, ["policy history"] = ReadingBot, ["policy set"] = Bot, ["policy rollback"] = Bot,
        ["approvals list"] = ReadingBot,
        ["sandbox check"] = "starts sandboxes on this machine, or pods in the cluster of a kubeconfig; reads no configuration, secret or database",
    };

    [Fact]
    [Trait("kind", "check")]
    public async Task Every_address_of_the_bot_is_on_file_with_its_answer_to_who_shows_nothing()
    {
        await using var database = await postgres.CreateAsync();
        using var here = new Installation();
        here.Use(database);
        using var json = new MemoryStream(Encoding.UTF8.GetBytes(here.Configuration.ToJsonString()));
        var (settings, errors) = HostSettings.Read(new ConfigurationBuilder().AddJsonStream(json).Build(), HostRole.All);
        Assert.Empty(errors);
        var (gatewayKeys, botKeys, problems) = await StartupSecrets.FetchAsync(settings!, HostRole.All, TestContext.Current.CancellationToken);
        Assert.Empty(problems);
        await using var gateway = GatewayApp.Build(settings!, gatewayKeys!, Serilog.Core.Logger.None);
        await using var readiness = new Readiness(Npgsql.NpgsqlDataSource.Create(botKeys!.ConnectionString), TimeProvider.System);
        readiness.Begin();
        await using var bot = BotApp.Build(settings!, botKeys!, GatewayApp.Door(gateway), readiness, Serilog.Core.Logger.None);
        await using var health = HealthApp.Build(new Uri("http://127.0.0.1:0"), readiness, Serilog.Core.Logger.None);

        Assert.Equal(EntryPoints.OnFile("bot over http", await RoutesAsync(bot)), EntryPoints.Of(await RoutesAsync(bot)));
        Assert.Equal(EntryPoints.OnFile("gateway's health over http", await RoutesAsync(health)), EntryPoints.Of(await RoutesAsync(health)));
    }

    // Each with what it answers to somebody who shows nothing.
    private static async Task<List<string>> RoutesAsync(WebApplication app)
    {
        var lines = new List<string>();
        foreach (var endpoint in ((IEndpointRouteBuilder)app).DataSources.SelectMany(s => s.Endpoints).Cast<RouteEndpoint>())
        {
            var method = Assert.Single(endpoint.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods);
            await using var scope = app.Services.CreateAsyncScope();
            var http = new DefaultHttpContext { RequestServices = scope.ServiceProvider, Request = { Method = method, Path = endpoint.RoutePattern.RawText }, Response = { Body = new MemoryStream() } };
            await endpoint.RequestDelegate!(http);
            lines.Add($"{$"{method} {endpoint.RoutePattern.RawText}",-50} {http.Response.StatusCode}");
        }
        return lines;
    }

    [Fact]
    [Trait("kind", "check")]
    public void Every_command_is_on_file_with_what_it_uses()
    {
        var all = Leaves(CommandTree.Create(), "").ToList();
        Assert.Empty(all.Except(Commands.Keys));
        Assert.Empty(Commands.Keys.Except(all));
        var lines = all.Select(c => $"{$"incidentfox {c}",-50} {Commands[c]}").ToList();
        Assert.Equal(EntryPoints.OnFile("command line", lines), EntryPoints.Of(lines));
    }

    [Fact]
    [Trait("kind", "check")]
    public void The_file_has_these_sections_and_none_is_empty()
    {
        var sections = Heading().Split(EntryPoints.Text()).Skip(1).Chunk(2).ToDictionary(s => s[0], s => s[1]);
        Assert.Equal(EntryPoints.Sections, sections.Keys);
        Assert.All(sections.Values, s => Assert.Contains(s.Split('\n'), l => l.Length > 0 && l[0] != '#'));
    }

    private static IEnumerable<string> Leaves(Command command, string path) => command.Subcommands.Count == 0
        ? [path]
        : command.Subcommands.SelectMany(c => Leaves(c, $"{path} {c.Name}".TrimStart()));

    [GeneratedRegex("^## (?<name>.*)$", RegexOptions.Multiline)]
    private static partial Regex Heading();
}
