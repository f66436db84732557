using System.Text.Json.Nodes;
using Hangfire;
using IncidentFox.Bot.Cards;
using IncidentFox.Bot.Investigations;
using IncidentFox.Bot.Sandboxes;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Storage;
using IncidentFox.Core.Tools;
using IncidentFox.Slack;
using IncidentFox.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace IncidentFox.Bot.Tests.Kit;

/// <summary>
/// The bot on a real database with a fake Slack and fake sandboxes. Two teams; people of every standing. Background services run only where a test
/// starts them.
/// </summary>
internal sealed class TestBot : IAsyncDisposable
{
    public const string Workspace = "T1";
    public const string Incidents = "C1INCIDENTS";
    public const string Approvals = "C2APPROVALS";
    public const string OtherTeam = "C3OTHER";
    public const string NoTeam = "C4NOBODYS";
    public const string Viewer = "U1VIEWER";
    public const string Operator = "U2OPERATOR";
    public const string Admin = "U3ADMIN";
    public const string SecondAdmin = "U4ADMIN";
    public const string Outsider = "U5OUTSIDER";
    private const string People = "U1VIEWER U2OPERATOR U3ADMIN U4ADMIN";

    private readonly ServiceProvider _services;
    private readonly List<IHostedService> _running = [];
    private int _delivery;

    private TestBot(TestDatabase database, ServiceProvider services, FakeSlack slack, FakeSandboxes sandboxes, RecordingJobs jobs) =>
        (Database, _services, Slack, Sandboxes, Jobs) = (database, services, slack, sandboxes, jobs);

    public TestDatabase Database { get; }

    public FakeSlack Slack { get; }

    public FakeSandboxes Sandboxes { get; }

    public RecordingJobs Jobs { get; }

    public static SandboxLimits Limits { get; } = new(TimeSpan.FromMinutes(15), 512L * 1024 * 1024, 64);

    public static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static async Task<TestBot> CreateAsync(BotPostgres postgres, BotOptions? options = null)
    {
        var database = await postgres.CreateAsync(Ct);
        await ApplyDirectoryAsync(database);
        return Start(database, options, owned: true);
    }

    /// <summary>Another process of the bot on the same database, Slack and sandboxes.</summary>
    public TestBot Another() => Start(Database, null, owned: false, Slack, Sandboxes, Jobs);

    /// <summary>Another process with its own way to the database, its own driver and clock.</summary>
    public TestBot Another(Database own, ISandboxDriver driver, TimeProvider time) => Start(Database, null, owned: false, Slack, Sandboxes, Jobs, own, driver, time);

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    /// <summary>Starts one of the background services.</summary>
    public async Task RunAsync<T>()
        where T : class, IHostedService
    {
        var service = _services.GetServices<IHostedService>().OfType<T>().FirstOrDefault() ?? _services.GetRequiredService<T>();
        await service.StartAsync(Ct);
        _running.Add(service);
    }

    public async Task StopAsync<T>()
        where T : class, IHostedService
    {
        var service = _running.OfType<T>().Single();
        _running.Remove(service);
        await service.StopAsync(CancellationToken.None);
    }

    public Task<string> CommandAsync(string user, string text, string channel = Incidents, string command = "/incidentfox", string? trigger = null, string workspace = Workspace) =>
        ReplyAsync(user, text, channel, command, trigger, workspace);

    public async Task<SlackReply> RawCommandAsync(string user, string text, string channel, string command = "/incidentfox", string? trigger = null, string workspace = Workspace) =>
        await Get<ISlackHandler>().OnCommandAsync(new SlashCommand
        {
            Command = command,
            Text = text,
            UserId = user,
            UserName = user,
            ChannelId = channel,
            ChannelName = "x",
            TeamId = workspace,
            TriggerId = trigger ?? $"trigger.{Interlocked.Increment(ref _delivery)}",
            ResponseUrl = $"https://hooks.slack.com/{user}",
        }, Ct);

    public async Task<SlackReply> ClickAsync(string user, string action, string? value, string channel = Approvals, string? workspace = Workspace, string? responseUrl = "https://hooks.slack.com/click") =>
        await Get<ISlackHandler>().OnInteractionAsync(new SlackInteraction
        {
            Type = SlackInteractionType.BlockActions,
            DeliveryKey = $"d{Interlocked.Increment(ref _delivery)}",
            UserId = user,
            UserTeamId = workspace,
            TeamId = Workspace,
            ChannelId = channel,
            TriggerId = "trigger",
            ResponseUrl = responseUrl,
            Actions = [new SlackAction { ActionId = action, BlockId = "b", Type = "button", Value = value }],
        }, Ct);

    public async Task<SlackReply> SubmitAsync(string user, string callback, string? metadata, string? reason, string? note = null, string? what = null) =>
        await Get<ISlackHandler>().OnInteractionAsync(new SlackInteraction
        {
            Type = SlackInteractionType.ViewSubmission,
            DeliveryKey = $"d{Interlocked.Increment(ref _delivery)}",
            UserId = user,
            UserTeamId = Workspace,
            TeamId = Workspace,
            View = new SlackSubmittedView
            {
                Id = "V1",
                CallbackId = callback,
                PrivateMetadata = metadata,
                Values = new Dictionary<string, IReadOnlyDictionary<string, string?>>
                {
                    ["reason"] = new Dictionary<string, string?> { ["text"] = reason },
                    ["what"] = new Dictionary<string, string?> { ["text"] = what },
                    ["note"] = new Dictionary<string, string?> { ["text"] = note },
                },
            },
        }, Ct);

    /// <summary>Somebody opens the app's Home.</summary>
    public async Task OpenHomeAsync(string user, string workspace = Workspace, string tab = "home") =>
        await Get<ISlackHandler>().OnEventAsync(
            new SlackEvent { EventId = $"Ev{Interlocked.Increment(ref _delivery)}", Type = "app_home_opened", UserId = user, TeamId = workspace, Tab = tab }, Ct);

    /// <summary>An investigation by the operator, as the command makes it.</summary>
    public async Task<InvestigationId> InvestigateAsync(string question = "checkout is returning 5xx", string user = Operator)
    {
        var person = (await Get<IdentityStore>().FindSlackUserAsync(Workspace, user, Ct))!;
        return await Get<InvestigationStore>().CreateAsync(
            new NewInvestigation(new Resource(new OrgId("acme"), new TeamId("shop")), person, person.AuditName, Workspace, Incidents, question), Ct);
    }

    public async Task<Investigation> InvestigationAsync(InvestigationId id) => (await Get<InvestigationStore>().FindAsync(id, Ct))!;

    public async Task<Approval> ApprovalAsync(ApprovalId id) => (await Get<ApprovalReader>().FindAsync(id, Ct))!;

    public Task LaunchAsync(InvestigationId id) => Get<InvestigationLauncher>().LaunchAsync(id, Ct);

    /// <summary>One round of the card loop, to its end.</summary>
    public async Task CardsAsync()
    {
        await Get<CardLoop>().RoundAsync(Ct, Ct);
        await Get<CardLoop>().IdleAsync();
    }

    // The gateway's side, with the gateway's role ----------------------------------------------------------------------

    public ApprovalExecution Execution => new(Database.Gateway, new AuditLog(Database.Gateway, Database.SharedCipher), Database.SharedCipher, Database.GatewayCipher);

    public SandboxSessions Sessions => new(Database.Gateway, new AuditLog(Database.Gateway, Database.SharedCipher), Database.SharedCipher);

    public async Task<SandboxSession> SessionAsync(InvestigationId id) => (await Sessions.FindAsync((await InvestigationAsync(id)).Sandbox!.Value, Ct))!;

    public async Task<ApprovalId> AskAsync(InvestigationId id, EffectPreview? effect = null, Workflow? workflow = null, string target = "checkout-1")
    {
        var asked = await Execution.RequestAsync(new ApprovalRequest
        {
            Resource = new Resource(new OrgId("acme"), new TeamId("shop")),
            Investigation = id,
            Sandbox = (await InvestigationAsync(id)).Sandbox ?? SandboxId.New(),
            UserId = "operator@example.com",
            Frozen = Frozen(target),
            Effect = effect ?? Samples.Effect,
            Workflow = workflow ?? new Workflow(),
            CorrelationId = "c1",
        }, Ct);
        return asked.Id;
    }

    public async Task<ClaimedExecution> GrantAndClaimAsync(ApprovalId id)
    {
        Assert.True(await Execution.GrantAsync(id, Ct));
        return (await Execution.ClaimAsync(id, "gateway-1", Ct))!;
    }

    public async Task ExecuteAsync(ApprovalId id, ApprovalState state = ApprovalState.Executed, string outcome = "The pod was deleted.")
    {
        var claimed = await GrantAndClaimAsync(id);
        Assert.True(await Execution.FinishAsync(claimed, "gateway-1", state, outcome, TimeSpan.FromMilliseconds(120), [], Ct));
    }

    public async Task<IReadOnlyList<AuditEvent>> AuditAsync(string type) =>
        await new AuditReader(Database.Bot, Database.SharedCipher).LastAsync(100, new AuditFilter { EventType = type }, Ct);

    public async ValueTask DisposeAsync()
    {
        foreach (var service in Enumerable.Reverse(_running))
            await service.StopAsync(CancellationToken.None);
        await _services.DisposeAsync();
        if (_owned)
            await Database.DisposeAsync();
    }

    private bool _owned;

    private static TestBot Start(TestDatabase database, BotOptions? options, bool owned, FakeSlack? slack = null, FakeSandboxes? sandboxes = null, RecordingJobs? jobs = null,
        Database? own = null, ISandboxDriver? driver = null, TimeProvider? time = null)
    {
        own ??= database.Bot;
        slack ??= NewSlack();
        sandboxes ??= new FakeSandboxes();
        jobs ??= new RecordingJobs();
        var services = new ServiceCollection();
        services.AddLogging();
        // Hangfire keeps the last logger factory it was given for the whole process: one that is never disposed does no harm to another test's host.
        services.AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance);
        services.AddSingleton(own);
        services.AddSingleton(time ?? TimeProvider.System);
        services.AddSingleton(database.SharedCipher);
        services.AddSingleton(new PolicyStore(own, new AuditLog(own, database.SharedCipher), ToolPolicyParser.Parse("{}").Policy!));
        services.AddSingleton<ISlackClient>(slack);
        services.AddSingleton(driver ?? sandboxes);
        services.AddSingleton(Limits);
        services.AddBot(options ?? new BotOptions { SlackUserCache = TimeSpan.Zero });
        services.Replace(ServiceDescriptor.Singleton<IBackgroundJobClient>(jobs));
        return new TestBot(database, services.BuildServiceProvider(), slack, sandboxes, jobs) { _owned = owned };
    }

    private static FakeSlack NewSlack()
    {
        var slack = new FakeSlack();
        foreach (var user in People.Split(' '))
            slack.Users[user] = new SlackUser { Id = user, Name = user, TeamId = Workspace };
        slack.Users[Outsider] = new SlackUser { Id = Outsider, Name = Outsider, TeamId = "T9", IsStranger = true };
        slack.Channels.Add(new SlackChannel { Id = Incidents, Name = "incidents", IsMember = true });
        slack.Channels.Add(new SlackChannel { Id = Approvals, Name = "sre-approvals", IsMember = true });
        return slack;
    }

    private static async Task ApplyDirectoryAsync(TestDatabase database)
    {
        PersonOptions Person(string slack, string name, params (string Team, string Role)[] roles) => new()
        {
            Slack = slack,
            Name = name,
            Email = $"{name.ToLowerInvariant()}@example.com",
            Roles = [.. roles.Select(r => new RoleOptions { Team = r.Team, Role = r.Role })],
        };
        var options = new DirectoryOptions
        {
            Id = "acme",
            Name = "Acme",
            SlackWorkspace = Workspace,
            Teams =
            [
                new TeamOptions { Id = "shop", Name = "Shop", Channels = [Incidents, Approvals] },
                new TeamOptions { Id = "pay", Name = "Pay", Channels = [OtherTeam] },
            ],
            People =
            [
                Person(Viewer, "Vera", ("shop", "viewer")), Person(Operator, "Otto", ("shop", "operator"), ("pay", "operator")),
                Person(Admin, "Ada", ("shop", "admin")), Person(SecondAdmin, "Amir", ("shop", "admin")),
            ],
        };
        Assert.Empty(options.Validate());
        await new DirectorySync(database.Bot, new AuditLog(database.Bot, database.SharedCipher)).ApplyAsync(options, Ct);
    }

    private static FrozenRequest Frozen(string target) => new()
    {
        Call = new ToolCall
        {
            Integration = "kubernetes",
            Tool = "pod_restart",
            Effect = ToolEffect.Write,
            RuleVersion = new string('a', 64),
            Parameters = new JsonObject { ["name"] = target },
        },
        Origin = "https://k8s:6443",
        Method = "DELETE",
        PathAndQuery = $"/api/v1/namespaces/shop/pods/{target}",
        CredentialReference = "file:///token",
        Preconditions = new JsonObject { ["uid"] = "1" },
        PolicyDigest = new string('b', 64),
    };

    private async Task<string> ReplyAsync(string user, string text, string channel, string command, string? trigger, string workspace)
    {
        var reply = await RawCommandAsync(user, text, channel, command, trigger, workspace);
        Assert.Equal(SlackReplyKind.Ephemeral, reply.Kind);
        return reply.Message!.Text + string.Concat(reply.Message.Blocks.Select(b => "\n" + IncidentFox.Slack.BlockKit.SlackJson.Serialize(b)));
    }
}
