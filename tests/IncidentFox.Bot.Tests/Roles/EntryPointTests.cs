using IncidentFox.Bot.Buttons;
using IncidentFox.Bot.Commands;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.TestKit;

namespace IncidentFox.Bot.Tests.Roles;

/// <summary>Every way in, with the permission it needs: the file is for reviewers, the other test shows that it is what happens.</summary>
public sealed class EntryPointTests(BotPostgres postgres)
{
    [Fact]
    [Trait("kind", "check")]
    public async Task Every_command_button_modal_and_event_is_on_file_with_the_permission_it_needs()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        var commands = bot.Get<CommandRouter>().Commands;
        Assert.All(commands, c => Assert.NotEmpty(c.Needs));
        var lines = commands
            .SelectMany(c => c.Needs.Select(n => Line($"{(c.Admin ? "/incidentfox-admin" : "/incidentfox")} {c.Name} {n.Word}".TrimEnd(), n.Permission)))
            .Concat(bot.Get<IEnumerable<IClickHandler>>().Select(h => Line($"button {h.ActionId}", h.Needs)))
            .Concat(bot.Get<IEnumerable<IModalHandler>>().Select(h => Line($"modal {h.CallbackId}", h.Needs)))
            .Concat(bot.Get<IEnumerable<IEventHandler>>().Select(h => Line($"event {h.EventType}", h.Needs)));
        var text = EntryPoints.Of(lines);
        Assert.Equal(EntryPoints.OnFile("slack", lines), text);
    }

    [Fact]
    public void Every_class_that_handles_something_is_registered()
    {
        // One that is not registered would be missing on file.
        var handlers = typeof(ICommand).Assembly.GetTypes().Where(t => t is { IsClass: true, IsAbstract: false });
        Assert.All(handlers.Where(t => t.IsAssignableTo(typeof(ICommand)) || t.IsAssignableTo(typeof(IClickHandler)) || t.IsAssignableTo(typeof(IModalHandler))
            || t.IsAssignableTo(typeof(IEventHandler))),
            t => Assert.Contains(t, Registered()));
    }

    [Fact]
    public async Task Whoever_lacks_the_permission_is_refused_by_every_command_and_it_is_audited()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        var refused = 0;
        foreach (var command in bot.Get<CommandRouter>().Commands)
        {
            foreach (var need in command.Needs)
            {
                if (need.Permission is not { } permission)
                    continue;
                var minimum = Authorization.Minimum(permission)!.Value;
                var (who, slack) = minimum switch
                {
                    Role.Viewer => (TestBot.Outsider, TestBot.Workspace),
                    Role.Operator => (TestBot.Viewer, TestBot.Workspace),
                    Role.Admin => (TestBot.Operator, TestBot.Workspace),
                    _ => (TestBot.Admin, TestBot.Workspace),
                };
                var before = (await bot.AuditAsync(AuditEventTypes.AccessDenied)).Count;
                var said = await bot.CommandAsync(who, $"{command.Name} {need.Word} x", command: command.Admin ? "/incidentfox-admin" : "/incidentfox", workspace: slack);
                Assert.True(said.Contains("no role here") || said.Contains("needs the role"), $"{command.Name} {need.Word}: {said}");
                Assert.Equal(before + 1, (await bot.AuditAsync(AuditEventTypes.AccessDenied)).Count);
                refused++;
            }
        }
        Assert.True(refused >= 12, $"{refused} refusals");
    }

    private static HashSet<Type> Registered()
    {
        var services = new Microsoft.Extensions.DependencyInjection.ServiceCollection();
        services.AddBot(new BotOptions());
        return [.. services.Select(s => s.ImplementationType).OfType<Type>()];
    }

    private static string Line(string entry, Permission? needs) => needs is { } permission
        ? $"{entry,-50} {permission,-20} {Authorization.Minimum(permission)!.Value.Name()}"
        : $"{entry,-50} judges by itself";
}
