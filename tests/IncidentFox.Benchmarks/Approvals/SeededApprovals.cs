using System.Text.Json;
using System.Text.Json.Nodes;
using Dapper;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Storage;
using IncidentFox.Core.Tools;
using IncidentFox.Workbench.SlackWorkspace;
using IncidentFox.Workbench.Stack;
using Npgsql;

namespace IncidentFox.Benchmarks.Approvals;

/// <summary>Approvals as the gateway leaves them, made without agents; and people's decisions by the code that their clicks run.</summary>
internal sealed class SeededApprovals : IAsyncDisposable
{
    private static readonly Resource Sre = new(new OrgId("acme"), new TeamId("sre"));
    private readonly NpgsqlDataSource _owner;
    private readonly NpgsqlDataSource _bot;
    private readonly NpgsqlDataSource _gateway;
    private readonly ColumnCipher _cipher;
    private readonly ApprovalExecution _asking;
    private readonly InvestigationStore _investigations;
    private int _targets;

    private SeededApprovals(WorkbenchStack stack)
    {
        string Login(string name) => stack.Database.Logins.Single(l => l.Setting == name).ConnectionString;
        byte[] Key(string name) => Convert.FromBase64String(File.ReadAllText(Path.Combine(stack.Files.RunDirectory, "secrets", name)));
        (_owner, _bot, _gateway) = (NpgsqlDataSource.Create(Login("Owner")), NpgsqlDataSource.Create(Login("Bot")), NpgsqlDataSource.Create(Login("Gateway")));
        _cipher = new ColumnCipher(Key("column-key"));
        var (bot, gateway) = (new Database(_bot), new Database(_gateway));
        var audit = new AuditLog(bot, _cipher);
        Voting = new ApprovalVoting(bot, audit);
        Identities = new IdentityStore(bot);
        _investigations = new InvestigationStore(bot, audit, _cipher);
        _asking = new ApprovalExecution(gateway, new AuditLog(gateway, _cipher), _cipher, new ColumnCipher(Key("frozen-call-key")));
    }

    public ApprovalVoting Voting { get; }

    public IdentityStore Identities { get; }

    public InvestigationId Investigation { get; private set; }

    public static async Task<SeededApprovals> OpenAsync(WorkbenchStack stack, CancellationToken ct)
    {
        var approvals = new SeededApprovals(stack);
        await approvals.NewInvestigationAsync(ct);
        return approvals;
    }

    /// <summary>Further approvals belong to another investigation, which is over: nothing starts for it.</summary>
    public async Task NewInvestigationAsync(CancellationToken ct)
    {
        var omar = (await WhoAsync(DemoPeople.Omar, ct))!;
        // Committed as over: the product must not find it queued in between.
        await using var connection = await _owner.OpenConnectionAsync(ct);
        await connection.ExecuteAsync("create or replace function app.bench_over() returns trigger language plpgsql as $$ begin new.status := 'completed'; new.ended_at := app.clock(); return new; end $$; create or replace trigger bench_over before insert on app.investigations for each row execute function app.bench_over()");
        Investigation = await _investigations.CreateAsync(new NewInvestigation(Sre, omar, omar.AuditName, DemoPeople.TeamId, DemoPeople.Incidents, "what is it?"), ct);
        await connection.ExecuteAsync("drop trigger bench_over on app.investigations");
    }

    public Task<Principal?> WhoAsync(string slack, CancellationToken ct) => Identities.FindSlackUserAsync(DemoPeople.TeamId, slack, ct);

    /// <summary>One, asked for by the gateway's own code.</summary>
    public async Task<ApprovalId> AskAsync(Workflow workflow, CancellationToken ct)
    {
        var target = $"checkout-{Interlocked.Increment(ref _targets)}";
        var asked = await _asking.RequestAsync(new ApprovalRequest
        {
            Resource = Sre, Investigation = Investigation, Sandbox = SandboxId.New(), UserId = "omar@acme.example", Workflow = workflow, CorrelationId = target, MaxPending = 1_000_000,
            Effect = Effect(target),
            Frozen = new FrozenRequest
            {
                Call = new ToolCall { Integration = "kubernetes", Tool = "pod_restart", Effect = ToolEffect.Write, RuleVersion = new string('a', 64), Parameters = new JsonObject { ["namespace"] = "shop", ["pod"] = target } },
                Origin = "http://127.0.0.1:1", Method = "DELETE", PathAndQuery = $"/api/v1/namespaces/shop/pods/{target}", CredentialReference = "file:///none",
                Preconditions = new JsonObject { ["uid"] = target }, PolicyDigest = new string('b', 64),
            },
        }, ct);
        return asked.Refused is null ? asked.Id : throw new InvalidOperationException(asked.Refused.Reason);
    }

    /// <summary>Many at once, whose deadlines are spread evenly over a time that begins later.</summary>
    public async Task InsertAsync(int count, TimeSpan beginsIn, TimeSpan spread, CancellationToken ct)
    {
        var ids = Enumerable.Range(0, count).Select(_ => Guid.CreateVersion7()).ToArray();
        var effects = ids.Select((id, i) => _cipher.Encrypt(new Cell("approvals", "effect", id), JsonSerializer.Serialize(Effect($"checkout-{i}")))).ToArray();
        await using var connection = await _owner.OpenConnectionAsync(ct);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            insert into app.approvals (id, org_id, team_id, investigation_id, tool, integration, digest, frozen, effect, required_approvers, approver_role,
                                       notify_channel, terms, expires_at)
            select id, 'acme', 'sre', @investigation, 'pod_restart', 'kubernetes', sha256(id::text::bytea), '\x00', effect, 1, 'admin', '#sre-approvals', @terms::jsonb,
                   app.clock() + @beginsIn + @spread * ((n - 1)::float8 / @count)
              from unnest(@ids, @effects) with ordinality as t(id, effect, n)
            """, new { investigation = Investigation.Value, terms = new Workflow().ToJson().ToJsonString(), beginsIn, spread, count, ids, effects },
            commandTimeout: 300, cancellationToken: ct));
    }

    /// <summary>The cards of what was measured are not wanted any more: at one a second they would be in the way of what comes next.</summary>
    public Task ForgetCardsAsync(CancellationToken ct) => QueryAsync<int>(
        """
        update app.approvals set status = 'cancelled', decided_at = app.clock(), ended_at = app.clock() where investigation_id = @Value and status = 'pending';
        insert into app.slack_messages (id, kind, subject_id) select gen_random_uuid(), 'approval', id from app.approvals where investigation_id = @Value on conflict do nothing;
        update app.slack_messages set settled = true where subject_id in (select id from app.approvals where investigation_id = @Value)
        """, new { Investigation.Value }, ct);

    public async Task<IReadOnlyList<T>> QueryAsync<T>(string sql, object? parameters, CancellationToken ct)
    {
        await using var connection = await _owner.OpenConnectionAsync(ct);
        return (await connection.QueryAsync<T>(new CommandDefinition(sql, parameters, cancellationToken: ct))).AsList();
    }

    public async ValueTask DisposeAsync()
    {
        await _owner.DisposeAsync();
        await _bot.DisposeAsync();
        await _gateway.DisposeAsync();
    }

    private static EffectPreview Effect(string target) => new()
    {
        Title = $"Delete pod {target} in namespace shop", Request = $"DELETE http://127.0.0.1:1/api/v1/namespaces/shop/pods/{target}",
        Facts = [new("Pod", $"shop/{target}")], Changes = [], DryRun = "The target offers no dry run for this.",
    };
}
