using IncidentFox.Bot.Buttons;
using IncidentFox.Bot.Cards;
using IncidentFox.Bot.Cards.Storage;
using IncidentFox.Bot.Commands;
using IncidentFox.Bot.Commands.Admin;
using IncidentFox.Bot.Inbound;
using IncidentFox.Bot.Inbound.Storage;
using IncidentFox.Bot.Investigations;
using IncidentFox.Bot.Investigations.Storage;
using IncidentFox.Bot.Jobs;
using IncidentFox.Bot.Roles;
using IncidentFox.Bot.Security;
using IncidentFox.Bot.Security.Storage;
using IncidentFox.Bot.Stopping;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Storage;
using IncidentFox.Slack;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace IncidentFox.Bot;

/// <summary>Wiring of what people touch.</summary>
public static class BotModule
{
    /// <summary>
    /// Adds the bot. The host provides <see cref="Database"/> (the bot's role), <see cref="ColumnCipher"/> (the shared key), <c>PolicyStore</c> (of the same role), Slack (<c>AddSlack</c>) and a
    /// sandbox driver with its limits (<c>AddLocalSandboxes</c>); the database is migrated and <see cref="HangfireSchema"/> installed before the host starts.
    /// </summary>
    public static IServiceCollection AddBot(this IServiceCollection services, BotOptions options)
    {
        if (options.Validate().ToList() is { Count: > 0 } errors)
            throw new ArgumentException("The bot is not configured:" + string.Concat(errors.Select(e => "\n  " + e)), nameof(options));
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(options);
        services.Configure<HostOptions>(host =>
        {
            host.ShutdownTimeout = TimeSpan.FromSeconds(5);
            host.ServicesStopConcurrently = true;
        });
        return services.AddCore().AddInbound().AddAdminCommands().AddInvestigations().AddCards().AddSecurity().AddRoles().AddStopping().AddJobs(options);
    }

    /// <summary>Maps the bot's addresses: Slack's three, when signed HTTP is on.</summary>
    public static IEndpointRouteBuilder MapBot(this IEndpointRouteBuilder endpoints) => endpoints.MapSlack();

    private static IServiceCollection AddCore(this IServiceCollection services)
    {
        services.TryAddSingleton<AuditLog>();
        services.TryAddSingleton<AuditReader>();
        services.TryAddSingleton<IdentityStore>();
        services.TryAddSingleton<InvestigationStore>();
        services.TryAddSingleton<ApprovalReader>();
        services.TryAddSingleton<ApprovalVoting>();
        services.TryAddSingleton<BreakingGlass>();
        services.TryAddSingleton<DatabaseSignals>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, DatabaseSignals>(p => p.GetRequiredService<DatabaseSignals>()));
        return services;
    }

    private static IServiceCollection AddInbound(this IServiceCollection services)
    {
        services.AddSingleton<SlackLedger>();
        services.AddSingleton<ISlackRequestLedger>(p => p.GetRequiredService<SlackLedger>());
        services.AddSingleton<RefusalLog>();
        services.AddSingleton<ISlackRefusals>(p => p.GetRequiredService<RefusalLog>());
        services.AddSingleton<Callers>();
        services.AddSingleton<SlackPeople>();
        services.AddSingleton<AfterAnswer>();
        services.AddSingleton<LateAnswers>();
        services.AddSingleton<CommandRouter>();
        services.AddSingleton<ICommand, InvestigateCommand>();
        services.AddSingleton<ICommand, StatusCommand>();
        services.AddSingleton<ICommand, ListCommand>();
        services.AddSingleton<ICommand, StopCommand>();
        services.AddSingleton<ICommand, ApprovalsCommand>();
        services.AddSingleton<WaitingApprovals>();
        services.AddSingleton<IEventHandler, HomeOpened>();
        services.AddSingleton<DecisionDesk>();
        services.AddSingleton<IClickHandler, ApproveButton>();
        services.AddSingleton<IClickHandler, DenyButton>();
        services.AddSingleton<IModalHandler, DenyModal>();
        services.AddSingleton<IClickHandler, MoreButton>();
        services.AddSingleton<IModalHandler, MoreModal>();
        services.AddSingleton<IClickHandler, ReviewButton>();
        services.AddSingleton<IModalHandler, ReviewModal>();
        services.AddSingleton<ISlackHandler, SlackHandler>();
        services.AddHostedService<CommandWarmUp>();
        services.AddHostedService(p => p.GetRequiredService<AfterAnswer>());
        services.AddHostedService<DoorSweep>();
        return services;
    }

    private static IServiceCollection AddInvestigations(this IServiceCollection services)
    {
        services.AddSingleton<BotInstance>();
        services.AddSingleton<SupervisionStore>();
        services.AddSingleton<SandboxConclusion>();
        services.AddSingleton<SandboxSupervisor>();
        services.AddSingleton<InvestigationLauncher>();
        services.AddSingleton<InvestigationSweep>();
        services.AddHostedService(p => p.GetRequiredService<BotInstance>());
        services.AddHostedService(p => p.GetRequiredService<SandboxSupervisor>());
        services.AddHostedService(p => p.GetRequiredService<InvestigationSweep>());
        return services;
    }

    private static IServiceCollection AddCards(this IServiceCollection services)
    {
        services.AddSingleton<CardStore>();
        services.AddSingleton<ChannelPace>();
        services.AddSingleton<ChannelDirectory>();
        services.AddSingleton<CardPoster>();
        services.AddSingleton<CardLinks>();
        services.AddSingleton<ApprovalCardSender>();
        services.AddSingleton<ApprovalNoticeStore>();
        services.AddSingleton<ApprovalNoticeSender>();
        services.AddSingleton<ApprovalJobs>();
        services.AddHostedService<ApprovalSweep>();
        services.AddSingleton<InvestigationCardSender>();
        services.AddSingleton<CardLoop>();
        services.AddHostedService(p => p.GetRequiredService<CardLoop>());
        return services;
    }

    private static IServiceCollection AddSecurity(this IServiceCollection services)
    {
        // Without Slack's options (in tests) there is no channel.
        services.TryAddSingleton(new SlackOptions());
        services.AddSingleton<SecurityPostStore>();
        services.AddSingleton<SecurityPosts>();
        services.AddHostedService(p => p.GetRequiredService<SecurityPosts>());
        return services;
    }
}
