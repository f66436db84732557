using Hangfire;
using IncidentFox.Bot.Cards;
using IncidentFox.Bot.Investigations;
using IncidentFox.Bot.Sandboxes;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Storage;
using IncidentFox.Slack;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Bot.Tests.Jobs;

/// <summary>The whole bot as a host runs it: Hangfire on PostgreSQL with the bot's own role, background services and all.</summary>
public sealed class RealJobsTests(BotPostgres postgres)
{
    private static CancellationToken Ct => TestBot.Ct;

    [Fact]
    public async Task A_command_becomes_a_running_sandbox_a_card_and_after_the_report_a_finished_investigation()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        using var host = Host(bot);
        await host.StartAsync(Ct);

        await host.Services.GetRequiredService<ISlackHandler>().OnCommandAsync(Command("investigate checkout is down"), Ct);
        await Eventually.TrueAsync(() => bot.Sandboxes.Started.Count == 1, "the sandbox");
        await Eventually.TrueAsync(() => bot.Slack.Messages.Any(m => m.Json.Contains("Investigating", StringComparison.Ordinal)), "the card");
        var id = new IncidentFox.Core.InvestigationId(Assert.Single(await bot.Database.QueryAsync<Guid>("select id from app.investigations")));
        await bot.Sessions.SaveReportAsync(await bot.SessionAsync(id), Samples.Report, final: true, Ct);

        await Eventually.TrueAsync(async () => (await bot.InvestigationAsync(id)).State == InvestigationState.Completed, "the end");
        await Eventually.TrueAsync(() => bot.Slack.Messages.Any(m => m.Json.Contains("Investigation complete", StringComparison.Ordinal)), "the final card");
        Assert.Single(bot.Slack.Messages);
        Assert.Single(bot.Sandboxes.Started);
        await StopInTimeAsync(host);
    }

    [Fact]
    public async Task A_deadline_expires_the_approval_once_and_nothing_ran()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        using var host = Host(bot);
        var id = await bot.InvestigateAsync();
        var approval = await bot.AskAsync(id, workflow: new Workflow { TimeoutMinutes = 0.02m });
        await host.StartAsync(Ct);

        await Eventually.TrueAsync(async () => (await bot.ApprovalAsync(approval)).State == ApprovalState.Expired, "the time-out");

        Assert.Single(await bot.AuditAsync(AuditEventTypes.ApprovalExpired));
        await StopInTimeAsync(host);
    }

    [Fact]
    public async Task Stopping_takes_less_than_five_seconds_and_leaves_the_investigation_to_be_resumed()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        using var host = Host(bot);
        var id = await bot.InvestigateAsync();
        await host.StartAsync(Ct);
        await Eventually.TrueAsync(async () => (await bot.InvestigationAsync(id)).State == InvestigationState.Running, "the sandbox");

        await StopInTimeAsync(host);

        Assert.Equal(InvestigationState.Queued, (await bot.InvestigationAsync(id)).State);
        Assert.Equal("bot_stopped", Assert.Single(await bot.Database.QueryAsync<string>("select end_reason from app.sandboxes")));
    }

    [Fact]
    public async Task The_bots_role_runs_jobs_and_cannot_change_their_schema()
    {
        await using var bot = await TestBot.CreateAsync(postgres);

        var refused = await Assert.ThrowsAsync<Npgsql.PostgresException>(() => bot.Database.Bot.InTransactionAsync(async (connection, ct) =>
        {
            await using var command = new Npgsql.NpgsqlCommand("create table hangfire.mine (id int)", connection);
            return await command.ExecuteNonQueryAsync(ct);
        }, Ct));

        Assert.Equal(Npgsql.PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
    }

    private static IHost Host(TestBot bot)
    {
        var builder = new HostApplicationBuilder();
        builder.Logging.ClearProviders().AddProvider(new TestOutputLog(TestContext.Current.TestOutputHelper!));
        builder.Services.AddSingleton(bot.Database.Bot);
        builder.Services.AddSingleton(bot.Database.SharedCipher);
        builder.Services.AddSingleton<ISlackClient>(bot.Slack);
        builder.Services.AddSingleton<ISandboxDriver>(bot.Sandboxes);
        builder.Services.AddSingleton(TestBot.Limits);
        builder.Services.AddSingleton(p => new PolicyStore(p.GetRequiredService<Database>(), p.GetRequiredService<AuditLog>(), ToolPolicyParser.Parse("{}").Policy!));
        builder.Services.AddBot(new BotOptions());
        return builder.Build();
    }

    private static async Task StopInTimeAsync(IHost host)
    {
        var started = TimeProvider.System.GetTimestamp();
        await host.StopAsync(CancellationToken.None);
        Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(5));
    }

    private static SlashCommand Command(string text) => new()
    {
        Command = "/incidentfox",
        Text = text,
        UserId = TestBot.Operator,
        UserName = "otto",
        ChannelId = TestBot.Incidents,
        ChannelName = "incidents",
        TeamId = TestBot.Workspace,
        TriggerId = Guid.NewGuid().ToString(),
    };
}
