using System.Text.Json.Nodes;
using Dapper;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Storage;
using Npgsql;

namespace IncidentFox.Core.Safety;

/// <summary>
/// Orders and lifts stops. While one is in force the database itself refuses that an investigation starts, an approval is asked for or granted, or an
/// execution is claimed (trigger <c>stop_guard</c>), whatever a process believed when it began.
/// </summary>
public sealed class Stops(Database database, AuditLog audit)
{
    /// <summary>The SQL state with which the database refuses to start something.</summary>
    public const string Refusal = "IF001";

    private const string Columns =
        "s.id, s.org_id as Org, s.team_id as Team, s.kind, s.reason, s.ordered_by as OrderedBy, s.ordered_at as OrderedAt, s.lifted_by as LiftedBy, s.lift_reason as LiftReason";

    /// <summary>SQL: no stop is in force for the row (columns org_id, team_id).</summary>
    /// <param name="alias">The row's name in the statement.</param>
    internal static string NoneFor(string alias) =>
        $"not exists (select from app.stops s where s.lifted_at is null and s.org_id = {alias}.org_id and (s.team_id is null or s.team_id = {alias}.team_id))";

    /// <summary>Everything in force that concerns a team.</summary>
    public Task<IReadOnlyList<Stop>> InForceAsync(Resource resource, CancellationToken cancellationToken) =>
        ListAsync("s.lifted_at is null and s.org_id = @Org and (s.team_id is null or s.team_id = @Team)",
            new { Org = resource.Org.Value, Team = resource.Team.Value }, cancellationToken);

    /// <summary>Everything in force.</summary>
    public Task<IReadOnlyList<Stop>> AllInForceAsync(CancellationToken cancellationToken) => ListAsync("s.lifted_at is null", new { }, cancellationToken);

    /// <summary>Freezes a team, or the organization when no team is given. When this returns, nothing more can start.</summary>
    public Task<StopOutcome> FreezeAsync(Principal? who, OrgId org, TeamId? team, string reason, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            if (StopRules.WrongReason(reason) is { } wrong)
                return new StopOutcome(false, wrong);
            if (await JudgeAsync(connection, who, org, team, StopKind.Freeze, "freeze", ct) is { } refused)
                return refused;
            var scope = team is { } t ? $"team {t}" : "the whole organization";
            return await OrderAsync(connection, org, team, StopKind.Freeze, reason, who!.AuditName, null, ct)
                ? new StopOutcome(true, $"Frozen: {scope}. No investigation starts and nothing runs until somebody lifts it with unfreeze.")
                : new StopOutcome(false, $"There is a freeze of {scope} already.");
        }, cancellationToken);

    /// <summary>The product's own order for every organization; true when it is new.</summary>
    public Task<bool> EnterSafeModeAsync(string reason, JsonObject evidence, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            var orders = 0;
            foreach (var org in await connection.QueryAsync<string>(new CommandDefinition("select id from app.orgs order by id", cancellationToken: ct)))
                orders += await OrderAsync(connection, new OrgId(org), null, StopKind.SafeMode, reason, "system", evidence, ct) ? 1 : 0;
            return orders > 0;
        }, cancellationToken);

    /// <summary>Lifts the freeze of a team or of the organization, and with the organization's its safe mode.</summary>
    public Task<StopOutcome> LiftAsync(Principal? who, OrgId org, TeamId? team, string reason, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            if (StopRules.WrongReason(reason) is { } wrong)
                return new StopOutcome(false, wrong);
            var found = (await connection.QueryAsync<Row>(new CommandDefinition(
                $"select {Columns} from app.stops s where s.lifted_at is null and s.org_id = @Org and s.team_id is not distinct from @Team order by s.ordered_at for update",
                new { Org = org.Value, Team = team?.Value }, cancellationToken: ct))).Select(r => r.ToStop()).ToList();
            var kinds = found.Count == 0 ? [StopKind.Freeze] : found.Select(s => s.Kind).Distinct();
            foreach (var kind in kinds)
            {
                if (await JudgeAsync(connection, who, org, team, kind, "unfreeze", ct) is { } refused)
                    return refused;
            }
            var scope = team is { } t ? $"team {t}" : "the whole organization";
            if (found.Count == 0)
                return new StopOutcome(false, $"There is no freeze of {scope}.");
            foreach (var stop in found)
            {
                await connection.ExecuteAsync(new CommandDefinition(
                    "update app.stops set lifted_at = app.clock(), lifted_by = @By, lift_reason = @reason where id = @Id",
                    new { stop.Id, By = who!.AuditName, reason = StorableText.Of(reason, StopRules.MaxReason) }, cancellationToken: ct));
                await AuditAsync(connection, org, team, who.AuditName, stop.Kind, $"in force: {stop.Reason}", null, reason, null, ct);
            }
            return new StopOutcome(true, $"Lifted for {scope}. What was cancelled stays cancelled; new investigations can start.");
        }, cancellationToken);

    private async Task<bool> OrderAsync(
        NpgsqlConnection connection, OrgId org, TeamId? team, StopKind kind, string reason, string by, JsonObject? evidence, CancellationToken ct)
    {
        // Alone: whoever is starting something has committed before, or asks after and is refused.
        await connection.ExecuteAsync(new CommandDefinition("select pg_advisory_xact_lock(hashtext('incidentfox:stop'))", cancellationToken: ct));
        var inserted = await connection.ExecuteAsync(new CommandDefinition(
            """
            insert into app.stops (id, org_id, team_id, kind, reason, ordered_by, evidence)
            values (@Id, @Org, @Team, @Kind, @reason, @by, @Evidence::jsonb) on conflict do nothing
            """,
            new
            {
                Id = Guid.CreateVersion7(), Org = org.Value, Team = team?.Value, Kind = NameOf(kind), reason = StorableText.Of(reason, StopRules.MaxReason), by,
                Evidence = evidence?.ToJsonString(),
            }, cancellationToken: ct));
        if (inserted == 0)
            return false;
        await AuditAsync(connection, org, team, by, kind, null, "in force", reason, evidence, ct);
        return true;
    }

    private async Task<StopOutcome?> JudgeAsync(
        NpgsqlConnection connection, Principal? who, OrgId org, TeamId? team, StopKind kind, string what, CancellationToken ct)
    {
        // A person's roles are read again here; the command line's operator is in no table.
        var current = who is null || who.Person == default ? who : await IdentityStore.FindAsync(connection, who.Person, ct);
        var access = StopRules.Judge(current, org, team, kind);
        if (access.Allowed)
            return null;
        await audit.AppendAsync(connection, new AuditEvent
        {
            EventType = AuditEventTypes.AccessDenied,
            OrgId = org.Value,
            TeamId = team?.Value,
            UserId = who?.AuditName,
            Status = "denied",
            Details = new JsonObject { ["what"] = what, ["reason"] = access.Reason },
        }, ct);
        return new StopOutcome(false, access.Reason!);
    }

    private Task AuditAsync(
        NpgsqlConnection connection, OrgId org, TeamId? team, string by, StopKind kind, string? before, string? after, string reason, JsonObject? evidence, CancellationToken ct) =>
        audit.AppendAsync(connection, new AuditEvent
        {
            EventType = AuditEventTypes.ConfigurationChanged,
            OrgId = org.Value,
            TeamId = team?.Value,
            UserId = by,
            Status = "success",
            Details = new JsonObject
            {
                ["what"] = kind == StopKind.Freeze ? "freeze" : "safe mode", ["old_value"] = before, ["new_value"] = after, ["reason"] = reason,
                ["evidence"] = evidence?.DeepClone(),
            },
        }, ct);

    private async Task<IReadOnlyList<Stop>> ListAsync(string where, object parameters, CancellationToken ct)
    {
        await using var connection = await database.OpenAsync(ct);
        var rows = await connection.QueryAsync<Row>(new CommandDefinition(
            $"select {Columns} from app.stops s where {where} order by s.ordered_at, s.id", parameters, cancellationToken: ct));
        return [.. rows.Select(r => r.ToStop())];
    }

    /// <summary>Stops that were not told yet, or whose end was not; marked as told. Who can't tell gives them back with <see cref="NotToldAsync"/>.</summary>
    public async Task<IReadOnlyList<Stop>> TakeUntoldAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<Row>(new CommandDefinition(
            $"""
            update app.stops s set announced_at = coalesce(s.announced_at, app.clock()), lift_announced_at = case when s.lifted_at is not null then app.clock() end
             where s.announced_at is null or (s.lifted_at is not null and s.lift_announced_at is null)
            returning {Columns}
            """, cancellationToken: cancellationToken));
        return [.. rows.Select(r => r.ToStop()).OrderBy(s => s.OrderedAt)];
    }

    /// <summary>It could not be told to anyone: somebody tries again.</summary>
    public async Task NotToldAsync(Stop stop, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            stop.LiftedBy is null ? "update app.stops set announced_at = null where id = @Id" : "update app.stops set lift_announced_at = null where id = @Id",
            new { stop.Id }, cancellationToken: cancellationToken));
    }

    private static string NameOf(StopKind kind) => kind == StopKind.Freeze ? "freeze" : "safe_mode";

    private sealed record Row
    {
        public Guid Id { get; init; }
        public string Org { get; init; } = "";
        public string? Team { get; init; }
        public string Kind { get; init; } = "";
        public string Reason { get; init; } = "";
        public string OrderedBy { get; init; } = "";
        public DateTime OrderedAt { get; init; }
        public string? LiftedBy { get; init; }
        public string? LiftReason { get; init; }

        public Stop ToStop() => new()
        {
            Id = Id,
            Org = new OrgId(Org),
            Team = Team is null ? null : new TeamId(Team),
            Kind = Kind == NameOf(StopKind.Freeze) ? StopKind.Freeze : StopKind.SafeMode,
            Reason = Reason,
            OrderedBy = OrderedBy,
            OrderedAt = OrderedAt,
            LiftedBy = LiftedBy,
            LiftReason = LiftReason,
        };
    }
}
