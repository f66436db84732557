using Dapper;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Storage;

namespace IncidentFox.Bot.Investigations.Storage;

/// <summary>What the supervisor needs to know of one investigation.</summary>
internal sealed record Supervised
{
    public required InvestigationId Id { get; init; }
    public required InvestigationState State { get; init; }
    public SandboxId? Sandbox { get; init; }

    /// <summary>That sandbox has ended, and what follows from it was not done.</summary>
    public required bool SandboxEnded { get; init; }

    /// <summary>The bot process that holds the sandbox; null until it says so.</summary>
    public Guid? Owner { get; init; }

    /// <summary>How long ago the sandbox was claimed.</summary>
    public required TimeSpan Age { get; init; }
    public required bool ReportFinal { get; init; }
    public ApprovalId? Approval { get; init; }
    public ApprovalState? ApprovalState { get; init; }

    /// <summary>The approval had ended before the present sandbox was made.</summary>
    public required bool SeenEnd { get; init; }

    /// <summary>People are asked right now.</summary>
    public bool Deciding => ApprovalState is { } s && !s.IsFinal();
}

/// <summary>The supervisor's reads.</summary>
internal sealed class SupervisionStore(Database database)
{
    // An open approval is looked at before an ended one, a later one before an earlier one.
    private const string Select =
        """
        select i.id, i.status, i.sandbox_id as SandboxId, i.report_final as ReportFinal, a.id as ApprovalId, a.status as ApprovalStatus,
               s.owner, coalesce(s.state = 'ended', false) as SandboxEnded, coalesce(app.clock() - s.created_at, interval '0') as Age,
               coalesce(a.ended_at < s.created_at, false) as SeenEnd
          from app.investigations i
          left join app.sandboxes s on s.id = i.sandbox_id
          left join lateral (
            select x.id, x.status, x.ended_at from app.approvals x where x.investigation_id = i.id
             order by (x.status in ('pending', 'approved', 'executing')) desc, x.created_at desc limit 1) a on true
        """;

    public async Task<Supervised?> FindAsync(InvestigationId id, CancellationToken cancellationToken) =>
        (await QueryAsync("where i.id = @Value", new { id.Value }, cancellationToken)).SingleOrDefault();

    /// <summary>Every investigation that has, or should have, a sandbox.</summary>
    public Task<IReadOnlyList<Supervised>> AtWorkAsync(CancellationToken cancellationToken) =>
        QueryAsync("where i.status in ('starting', 'running')", new { }, cancellationToken);

    /// <summary>Sandboxes that count as alive although their investigation is over: their holder went before it could say that they ended.</summary>
    public async Task<IReadOnlyList<(InvestigationId Investigation, SandboxId Sandbox, Guid? Owner, TimeSpan Age)>> LeftOverAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<(Guid Investigation, Guid Sandbox, Guid? Owner, TimeSpan Age)>(new CommandDefinition(
            """
            select i.id, s.id, s.owner, app.clock() - s.created_at
              from app.sandboxes s join app.investigations i on i.id = s.investigation_id
             where s.state <> 'ended' and i.status in ('completed', 'failed', 'stopped') limit 200
            """, cancellationToken: cancellationToken));
        return [.. rows.Select(r => (new InvestigationId(r.Investigation), new SandboxId(r.Sandbox), r.Owner, r.Age))];
    }

    /// <summary>Queued ones that nobody started, and waiting ones that have been decided.</summary>
    public async Task<IReadOnlyList<InvestigationId>> StartableAsync(TimeSpan queuedFor, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var ids = await connection.QueryAsync<Guid>(new CommandDefinition(
            """
            select i.id from app.investigations i left join app.approvals a on a.id = i.waiting_for
             where (i.status = 'queued' and i.created_at <= app.clock() - @queuedFor)
                or (i.status = 'waiting' and (a.id is null or a.status not in ('pending', 'approved', 'executing')))
             order by i.created_at limit 200
            """, new { queuedFor }, cancellationToken: cancellationToken));
        return [.. ids.Select(i => new InvestigationId(i))];
    }

    /// <summary>A waiting investigation starts only when what it waits for is decided.</summary>
    public async Task<bool> MayStartAsync(InvestigationId id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleAsync<bool>(new CommandDefinition(
            """
            select exists (select 1 from app.investigations i left join app.approvals a on a.id = i.waiting_for
             where i.id = @Value and (i.status = 'queued' or (i.status = 'waiting' and (a.id is null or a.status not in ('pending', 'approved', 'executing')))))
            """, new { id.Value }, cancellationToken: cancellationToken));
    }

    /// <summary>Open ones that are older than an investigation may be.</summary>
    public async Task<IReadOnlyList<InvestigationId>> TooOldAsync(TimeSpan maxAge, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var ids = await connection.QueryAsync<Guid>(new CommandDefinition(
            "select id from app.investigations where status in ('queued', 'starting', 'running', 'waiting') and created_at < app.clock() - @maxAge limit 200",
            new { maxAge }, cancellationToken: cancellationToken));
        return [.. ids.Select(i => new InvestigationId(i))];
    }

    /// <summary>Investigations that were stopped or failed and whose requests are still open: a crash came between.</summary>
    public async Task<IReadOnlyList<InvestigationId>> EndedWithOpenApprovalsAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var ids = await connection.QueryAsync<Guid>(new CommandDefinition(
            """
            select distinct i.id from app.approvals a join app.investigations i on i.id = a.investigation_id
             where a.status in ('pending', 'approved') and i.status in ('stopped', 'failed') limit 200
            """, cancellationToken: cancellationToken));
        return [.. ids.Select(i => new InvestigationId(i))];
    }

    /// <summary>Sandboxes of this investigation that ended through a fault.</summary>
    public async Task<int> LossesAsync(InvestigationId id, IReadOnlyList<string> faults, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleAsync<int>(new CommandDefinition(
            "select count(*)::int from app.sandboxes where investigation_id = @Value and end_reason = any(@faults)",
            new { id.Value, faults = faults.ToArray() }, cancellationToken: cancellationToken));
    }

    /// <summary>This process holds the sandbox.</summary>
    public async Task OwnAsync(SandboxId sandbox, Guid owner, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            "update app.sandboxes set owner = @owner where id = @Value", new { sandbox.Value, owner }, cancellationToken: cancellationToken));
    }

    /// <summary>
    /// This process takes the place of one that is gone; of several that try, one does. How long the sandbox has run, without the time that people
    /// took to decide; null when somebody else has it.
    /// </summary>
    public async Task<TimeSpan?> TakeOverAsync(SandboxId sandbox, Guid? from, Guid to, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<TimeSpan?>(new CommandDefinition(
            """
            update app.sandboxes s set owner = @to
             where s.id = @Value and s.state <> 'ended' and s.owner is not distinct from @from
            returning greatest(interval '0', app.clock() - s.created_at - coalesce((
              select sum(coalesce(a.ended_at, app.clock()) - greatest(a.created_at, s.created_at)) from app.approvals a
               where a.investigation_id = s.investigation_id and coalesce(a.ended_at, app.clock()) > s.created_at), interval '0'))
            """, new { sandbox.Value, from, to }, cancellationToken: cancellationToken));
    }

    private async Task<IReadOnlyList<Supervised>> QueryAsync(string where, object parameters, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<Row>(new CommandDefinition($"{Select} {where}", parameters, cancellationToken: cancellationToken));
        return [.. rows.Select(r => r.ToSupervised())];
    }

    private sealed record Row
    {
        public Guid Id { get; init; }
        public string Status { get; init; } = "";
        public Guid? SandboxId { get; init; }
        public Guid? Owner { get; init; }
        public bool SandboxEnded { get; init; }
        public TimeSpan Age { get; init; }
        public bool ReportFinal { get; init; }
        public Guid? ApprovalId { get; init; }
        public string? ApprovalStatus { get; init; }
        public bool SeenEnd { get; init; }

        public Supervised ToSupervised() => new()
        {
            Id = new InvestigationId(Id),
            State = Enum.Parse<InvestigationState>(Status, ignoreCase: true),
            Sandbox = SandboxId is { } s ? new SandboxId(s) : null,
            Owner = Owner,
            SandboxEnded = SandboxEnded,
            Age = Age,
            ReportFinal = ReportFinal,
            Approval = ApprovalId is { } a ? new ApprovalId(a) : null,
            ApprovalState = ApprovalStatus is { } st ? ApprovalStates.Parse(st) : null,
            SeenEnd = SeenEnd,
        };
    }
}
