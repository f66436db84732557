using System.Text.Json.Nodes;

namespace IncidentFox.Core.Tests.Support;

/// <summary>One organization with a team, its people and an investigation, in a database of its own.</summary>
internal sealed class World : IAsyncDisposable
{
    public static readonly Resource Sre = new(new OrgId("acme"), new TeamId("sre"));

    private World(TestDatabase db)
    {
        Db = db;
        BotAudit = new AuditLog(db.Bot, db.SharedCipher);
        GatewayAudit = new AuditLog(db.Gateway, db.SharedCipher);
        Voting = new ApprovalVoting(db.Bot, BotAudit);
        Glass = new BreakingGlass(db.Bot, BotAudit);
        Execution = new ApprovalExecution(db.Gateway, GatewayAudit, db.SharedCipher, db.GatewayCipher);
        Reader = new ApprovalReader(db.Bot, db.SharedCipher);
        Investigations = new InvestigationStore(db.Bot, BotAudit, db.SharedCipher);
        Sessions = new SandboxSessions(db.Gateway, GatewayAudit, db.SharedCipher);
        Identities = new IdentityStore(db.Bot);
    }

    public TestDatabase Db { get; }
    public AuditLog BotAudit { get; }
    public AuditLog GatewayAudit { get; }
    public ApprovalVoting Voting { get; }
    public BreakingGlass Glass { get; }
    public ApprovalExecution Execution { get; }
    public ApprovalReader Reader { get; }
    public InvestigationStore Investigations { get; }
    public SandboxSessions Sessions { get; }
    public IdentityStore Identities { get; }

    public static DirectoryOptions Directory => new()
    {
        Id = "acme", Name = "Acme", SlackWorkspace = "T1",
        Teams = [new TeamOptions { Id = "sre", Name = "SRE", Channels = ["C1"] }, new TeamOptions { Id = "web", Name = "Web", Channels = ["C2"] }],
        People =
        [
            Person("UVIEW", "Vera Viewer", "sre", "viewer"), Person("UOPER", "Otto Operator", "sre", "operator"),
            Person("UADM1", "Ada Admin", "sre", "admin"), Person("UADM2", "Alan Admin", "sre", "admin"),
            Person("UADM3", "Anna Admin", "sre", "admin"), Person("UWEB", "Wendy Web", "web", "admin"),
            Person("UORG", "Olga Org", null, "org_admin"),
        ],
    };

    public static async Task<World> CreateAsync(TestPostgres postgres)
    {
        var world = new World(await postgres.CreateAsync());
        await new DirectorySync(world.Db.Bot, world.BotAudit).ApplyAsync(Directory, default);
        return world;
    }

    public static PersonOptions Person(string slack, string name, string? team, string role) => new()
    {
        Slack = slack, Name = name, Email = $"{name.Split(' ')[0].ToLowerInvariant()}@acme.test", Roles = [new RoleOptions { Team = team, Role = role }],
    };

    public async Task<Principal> WhoAsync(string slack) => (await Identities.FindSlackUserAsync("T1", slack, default))!;

    public async Task<InvestigationId> InvestigateAsync(string by = "UOPER") => await Investigations.CreateAsync(
        new NewInvestigation(Sre, await WhoAsync(by), $"T1:{by}", "T1", "C1", "checkout is returning 5xx"), default);

    public static FrozenRequest Frozen(string pod = "checkout-1", string body = "{\"kind\":\"DeleteOptions\"}") => new()
    {
        Call = new ToolCall
        {
            Integration = "kubernetes", Tool = "pod_restart", Effect = ToolEffect.Write, RuleVersion = "aa",
            Parameters = new JsonObject { ["namespace"] = "shop", ["pod"] = pod },
        },
        Origin = "https://k8s:6443", Method = "DELETE", PathAndQuery = $"/api/v1/namespaces/shop/pods/{pod}", ContentType = "application/json", Body = body,
        CredentialReference = "file:///write", Preconditions = new JsonObject { ["uid"] = "u-1" }, PolicyDigest = "bb",
    };

    public static ApprovalRequest Asking(InvestigationId investigation, Workflow? workflow = null, FrozenRequest? frozen = null) => new()
    {
        Resource = Sre, Investigation = investigation, Sandbox = SandboxId.New(), UserId = "otto@acme.test", Frozen = frozen ?? Frozen(),
        Effect = new EffectPreview { Title = "Delete pod", Request = "DELETE …", Facts = [new("Pod", "shop/checkout-1")], Changes = [], DryRun = "accepted" },
        Workflow = workflow ?? new Workflow(), CorrelationId = "c-1",
    };

    public async Task<ApprovalId> AskAsync(Workflow? workflow = null, FrozenRequest? frozen = null) =>
        (await Execution.RequestAsync(Asking(await InvestigateAsync(), workflow, frozen), default)).Id;

    public async Task<ApprovalId> ApprovedAsync()
    {
        var id = await AskAsync();
        Assert.True((await ApproveAsync(id, "UADM1")).Accepted);
        Assert.True(await Execution.GrantAsync(id, default));
        return id;
    }

    public async Task<VoteResult> ApproveAsync(ApprovalId id, string slack) => await Voting.ApproveAsync(id, await WhoAsync(slack), $"T1:{slack}", default);

    public async Task<VoteResult> DenyAsync(ApprovalId id, string slack, string reason = "no") =>
        await Voting.DenyAsync(id, await WhoAsync(slack), $"T1:{slack}", reason, default);

    public async Task<ApprovalState> StateAsync(ApprovalId id) => (await Reader.FindAsync(id, default))!.State;

    public async Task<IReadOnlyList<string>> AuditedAsync(ApprovalId id) =>
        await Db.QueryAsync<string>("select event_type from app.audit_events where approval_id = @Value order by at, id", new { id.Value });

    public ValueTask DisposeAsync() => Db.DisposeAsync();
}
