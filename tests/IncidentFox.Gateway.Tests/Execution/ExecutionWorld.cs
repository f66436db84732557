using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Storage;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Execution;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;
using IncidentFox.Gateway.Tests.Rules;
using IncidentFox.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace IncidentFox.Gateway.Tests.Execution;

/// <summary>A target that answers what the test says and remembers what it was sent.</summary>
internal sealed class ScriptedSender : IUpstreamSender
{
    public ConcurrentQueue<OutgoingRequest> Sent { get; } = new();

    /// <summary>Requests that change something: neither reads nor dry runs.</summary>
    public IEnumerable<OutgoingRequest> Writes => Sent.Where(r => r.Call.Effect != ToolEffect.Read && !IsDryRun(r));

    public required Func<OutgoingRequest, CancellationToken, Task<UpstreamResult>> Answer { get; set; }

    public Task<UpstreamResult> SendAsync(OutgoingRequest request, SendContext context, CancellationToken cancellationToken)
    {
        Sent.Enqueue(request);
        return Answer(request, cancellationToken);
    }

    public static bool IsDryRun(OutgoingRequest request) =>
        request.PathAndQuery.Contains("dryRun=All") || (request.Body is not null && Encoding.UTF8.GetString(request.Body).Contains("dryRun"));

    public static UpstreamResult Response(int status, string body = "{}") =>
        new UpstreamResult.Response(status, [], "application/json", new MemoryStream(Encoding.UTF8.GetBytes(body)), () => ValueTask.CompletedTask);

    public static UpstreamResult Lost(bool mayHaveRun = true) => new UpstreamResult.Failed("upstream_timeout", "It did not answer in time.", mayHaveRun);
}

/// <summary>The shipped Kubernetes rules, a scripted cluster with one pod, and an investigation in a database of its own.</summary>
internal sealed class ExecutionWorld : IAsyncDisposable
{
    public const string Pod = """{"metadata":{"uid":"u-1","ownerReferences":[{"kind":"ReplicaSet","name":"checkout-abc"}]},"status":{"phase":"Running"}}""";
    private readonly List<IAsyncDisposable> _stops = [];

    private ExecutionWorld(TestDatabase db)
    {
        Db = db;
        Audit = new AuditLog(db.Gateway, db.SharedCipher);
        var file = ToolPolicyParser.Parse("{}").Policy!;
        Policy = new PolicySource(file, new PolicyStore(db.Gateway, Audit, file));
        Approvals = new ApprovalExecution(db.Gateway, Audit, db.SharedCipher, db.GatewayCipher);
        Voting = new ApprovalVoting(db.Bot, new AuditLog(db.Bot, db.SharedCipher));
        Reader = new ApprovalReader(db.Bot, db.SharedCipher);
        Sender = new ScriptedSender { Answer = (r, _) => Task.FromResult(ScriptedSender.Response(200, r.Call.Effect == ToolEffect.Read ? PodNow : "{}")) };
    }

    public TestDatabase Db { get; }
    public AuditLog Audit { get; }
    public ApprovalExecution Approvals { get; }
    public ApprovalVoting Voting { get; }
    public ApprovalReader Reader { get; }
    public ScriptedSender Sender { get; }
    public PolicySource Policy { get; }
    public IntegrationCatalog Catalog { get; set; } = Sample.Catalog;
    public string PodNow { get; set; } = Pod;
    public ExecutionOutputs Outputs { get; } = new(TimeProvider.System);
    public InvestigationId Investigation { get; private set; }

    public static async Task<ExecutionWorld> CreateAsync(TestPostgres postgres)
    {
        var world = new ExecutionWorld(await postgres.CreateAsync());
        PersonOptions Person(string id, string role) => new() { Slack = id, Name = id, Roles = [new RoleOptions { Team = "sre", Role = role }] };
        var botAudit = new AuditLog(world.Db.Bot, world.Db.SharedCipher);
        await new DirectorySync(world.Db.Bot, botAudit).ApplyAsync(new DirectoryOptions
        {
            Id = "acme", Name = "Acme", SlackWorkspace = "T1", Teams = [new TeamOptions { Id = "sre", Name = "SRE", Channels = ["C1"] }],
            People = [Person("UOPER", "operator"), Person("UADM1", "admin"), Person("UADM2", "admin")],
        }, default);
        world.Investigation = await new InvestigationStore(world.Db.Bot, botAudit, world.Db.SharedCipher).CreateAsync(
            new NewInvestigation(new Resource(new OrgId("acme"), Sample.Team), await world.WhoAsync("UOPER"), "T1:UOPER", "T1", "C1", "why"), default);
        return world;
    }

    public async Task<Principal> WhoAsync(string slack) => (await new IdentityStore(Db.Bot).FindSlackUserAsync("T1", slack, default))!;

    public SendContext Context() => new()
    {
        Org = new OrgId("acme"), Team = Sample.Team, Investigation = Investigation, UserId = "system", CorrelationId = "c-1",
    };

    public Task<PreparedAction> PrepareAsync(ToolCall? call = null, string? reason = null)
    {
        call ??= Restart();
        var integration = Catalog.Find(Sample.Team, "kubernetes")!;
        return new ActionPreparer(new AuditedSend(Sender, Audit)).PrepareAsync(integration, integration.FindRule(call.Tool)!, call, reason, Context(), "policy", default);
    }

    public static ToolCall Restart(string pod = "checkout-1") => Sample.Accepted("pod_restart", $$"""{"namespace":"shop","pod":"{{pod}}"}""").ToolCall;

    /// <summary>Prepared, asked for and approved in number; the quorum is not counted yet.</summary>
    public async Task<ApprovalId> VotedAsync(string pod = "checkout-1")
    {
        var id = await AskedAsync(pod, new Workflow());
        if (!(await Voting.ApproveAsync(id, await WhoAsync("UADM1"), "T1:UADM1", default)).Accepted)
            throw new InvalidOperationException("The vote was refused.");
        return id;
    }

    /// <summary>Prepared and asked for; nobody has said anything.</summary>
    public async Task<ApprovalId> AskedAsync(string pod, Workflow workflow)
    {
        var ready = (PreparedAction.Ready)await PrepareAsync(Restart(pod));
        var asked = await Approvals.RequestAsync(new ApprovalRequest
        {
            Resource = new Resource(new OrgId("acme"), Sample.Team), Investigation = Investigation, Sandbox = SandboxId.New(), UserId = "T1:UOPER",
            Frozen = ready.Frozen, Effect = ready.Effect, Workflow = workflow, CorrelationId = "c-1",
        }, default);
        return asked.Id;
    }

    public async Task<ClaimedExecution> ClaimAsync(int attempt = 1)
    {
        var id = await VotedAsync();
        await Approvals.GrantAsync(id, default);
        var claim = (await Approvals.ClaimAsync(id, "test", default))!;
        Sender.Sent.Clear();
        return claim with { Attempt = attempt };
    }

    public Task<ExecutionOutcome> RunAsync(ClaimedExecution claim) => Runner().RunAsync(claim, Context(), default);

    public FrozenCallRunner Runner() => new(new IntegrationSource(Catalog), Sender, new AuditedSend(Sender, Audit));

    /// <summary>One gateway: its own name in the database, and an executor that is run by hand or as a service.</summary>
    public async Task<Gateway> GatewayAsync(TimeProvider? time = null)
    {
        var instance = new InstanceLock(Db.Gateway, TimeProvider.System, NullLogger<InstanceLock>.Instance);
        await instance.StartAsync(default);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (instance.Name is null)
            await Task.Delay(10, limit.Token);
        var gateway = new Gateway(instance, new ApprovalExecutor(
            Approvals, Runner(), Outputs, Policy, new SandboxSessions(Db.Gateway, Audit, Db.SharedCipher), instance,
            new DatabaseSignals(Db.Gateway, NullLogger<DatabaseSignals>.Instance), time ?? TimeProvider.System, NullLogger<ApprovalExecutor>.Instance));
        _stops.Add(gateway);
        return gateway;
    }

    public async Task<Approval> ReadAsync(ApprovalId id) => (await Reader.FindAsync(id, default))!;

    public async ValueTask DisposeAsync()
    {
        foreach (var stop in _stops)
            await stop.DisposeAsync();
        await Db.DisposeAsync();
    }
}

internal sealed class Gateway(InstanceLock instance, ApprovalExecutor executor) : IAsyncDisposable
{
    public ApprovalExecutor Executor { get; } = executor;

    public InstanceLock Instance { get; } = instance;

    public async ValueTask DisposeAsync()
    {
        await Executor.StopAsync(default);
        await Instance.StopAsync(default);
        Executor.Dispose();
        Instance.Dispose();
    }
}
