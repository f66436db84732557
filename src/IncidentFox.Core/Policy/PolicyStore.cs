using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Dapper;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Storage;
using IncidentFox.Core.Tools;
using Npgsql;

namespace IncidentFox.Core.Policy;

/// <summary>One version of an organization's or a team's policy, as it was set.</summary>
/// <param name="Version">From 1 on.</param>
/// <param name="Json">As it was written: this layer alone.</param>
/// <param name="Digest">SHA-256 (hex) of its canonical form.</param>
/// <param name="ChangedBy">Who set it, as in the audit trail.</param>
/// <param name="ChangedAt">When, by the database's clock.</param>
/// <param name="Note">Why, in that person's words.</param>
public sealed record PolicyVersion(int Version, string Json, string Digest, string ChangedBy, DateTimeOffset ChangedAt, string? Note);

/// <summary>What became of a change.</summary>
public enum PolicyOutcome
{
    /// <summary>It is the version in force now.</summary>
    Changed,

    /// <summary>It says what the version in force says; nothing was written.</summary>
    Unchanged,

    /// <summary>It is refused whole; the old one stays in force.</summary>
    Invalid,

    /// <summary>Somebody else changed it first: look at theirs and try again.</summary>
    Conflict,
}

/// <summary>What became of a change.</summary>
/// <param name="Outcome">Which of the four.</param>
/// <param name="Version">The version in force now; 0: none was ever set.</param>
/// <param name="Errors">Every reason why it is refused, each with its path.</param>
public sealed record PolicyChange(PolicyOutcome Outcome, int Version, IReadOnlyList<string> Errors);

/// <summary>
/// Policies that people set: an organization's, and over it a team's. Every version stays. Who may set one is the caller's to ask
/// (<see cref="Identity.Authorization"/>); what is refused here is refused to everybody.
/// </summary>
/// <param name="database">As the bot's role; the gateway's may only read.</param>
/// <param name="audit">Every change is a row in the same transaction.</param>
/// <param name="file">The configuration's policy, the lowest layer.</param>
public sealed class PolicyStore(Database database, AuditLog audit, ToolPolicy file)
{
    /// <summary>Longest note kept, characters.</summary>
    public const int MaxNote = 500;

    private const string Columns = "version, json, digest, changed_by as ChangedBy, changed_at as ChangedAt, note";

    /// <summary>Sets a layer: the organization's when <paramref name="team"/> is null.</summary>
    /// <param name="org">Whose.</param>
    /// <param name="team">The team; null: the organization's own.</param>
    /// <param name="json">The whole layer.</param>
    /// <param name="expectedVersion">The version that the change was made of; 0 for the first.</param>
    /// <param name="byWhom">For the audit trail.</param>
    /// <param name="note">Why, in their words.</param>
    /// <param name="cancellationToken">Nothing is half done.</param>
    public Task<PolicyChange> SetAsync(OrgId org, TeamId? team, string json, int expectedVersion, string byWhom, string? note, CancellationToken cancellationToken) =>
        database.InTransactionAsync((connection, ct) => SetAsync(connection, org, team, json, expectedVersion, byWhom, note, ct), cancellationToken);

    /// <summary>Sets what an earlier version said, as a new version; 0: nothing.</summary>
    public Task<PolicyChange> RollbackAsync(OrgId org, TeamId? team, int toVersion, int expectedVersion, string byWhom, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            var json = toVersion == 0 ? "{}" : (await FindAsync(connection, org, team, toVersion, ct))?.Json;
            return json is null
                ? new(PolicyOutcome.Invalid, expectedVersion, [$"$: there is no version {toVersion} of the policy of {Name(org, team)}"])
                : await SetAsync(connection, org, team, json, expectedVersion, byWhom, $"Rolled back to version {toVersion}.", ct);
        }, cancellationToken);

    /// <summary>The version in force of one layer; null: none was ever set.</summary>
    public async Task<PolicyVersion?> CurrentAsync(OrgId org, TeamId? team, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await FindAsync(connection, org, team, null, cancellationToken);
    }

    /// <summary>The newest versions of one layer, the newest first.</summary>
    public async Task<IReadOnlyList<PolicyVersion>> HistoryAsync(OrgId org, TeamId? team, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<PolicyRow>(new CommandDefinition(
            $"select {Columns} from app.policies where org_id = @Org and team_id is not distinct from @Team order by version desc limit @limit",
            new { Org = org.Value, Team = team?.Value, limit }, cancellationToken: cancellationToken));
        return [.. rows.Select(r => r.ToVersion())];
    }

    /// <summary>What differs between two versions of one layer (0: nothing was set); null when there is no such version.</summary>
    public async Task<IReadOnlyList<PolicyDifference>?> DiffAsync(OrgId org, TeamId? team, int from, int to, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var (before, after) = (await ObjectOfAsync(connection, org, team, from, cancellationToken), await ObjectOfAsync(connection, org, team, to, cancellationToken));
        return before is null || after is null ? null : PolicyDiff.Between(before, after);
    }

    /// <summary>What is in force for a team, all layers combined: read now, not from memory. Null team: for a team without a policy of its own.</summary>
    public async Task<ToolPolicy> EffectiveAsync(OrgId org, TeamId? team, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var below = (await FindAsync(connection, org, null, null, cancellationToken))?.Json;
        var own = team is null ? null : (await FindAsync(connection, org, team, null, cancellationToken))?.Json;
        return Effective(file, org, team, below, own);
    }

    /// <summary>What is in force; everything is denied where the layers make no policy.</summary>
    internal static ToolPolicy Effective(ToolPolicy file, OrgId org, TeamId? team, string? below, string? own)
    {
        var parse = PolicyLayers.Combine(file, below, own);
        return parse.Policy ?? ToolPolicy.DenyAll($"The policy of {Name(org, own is null ? null : team)} can't be read, so everything is denied until an admin sets one that can: {string.Join("; ", parse.Errors)}.");
    }

    /// <summary>Which layers there are, by the ids of their versions: the same ids are the same policies.</summary>
    internal async Task<IReadOnlyList<StoredLayer>> ReadAsync(IReadOnlyCollection<StoredLayer> known, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        // The text of what is known already is not sent again.
        var rows = await connection.QueryAsync<StoredLayer>(new CommandDefinition(
            """
            select id, org_id as Org, team_id as Team, case when id = any(@ids) then null else json end as Json
              from (select distinct on (org_id, coalesce(team_id, '')) * from app.policies order by org_id, coalesce(team_id, ''), version desc) latest
             order by id
            """, new { ids = known.Select(k => k.Id).ToArray() }, cancellationToken: cancellationToken));
        var texts = known.ToDictionary(k => k.Id, k => k.Json);
        return [.. rows.Select(r => r with { Json = r.Json ?? texts[r.Id] })];
    }

    private async Task<PolicyChange> SetAsync(
        NpgsqlConnection connection, OrgId org, TeamId? team, string json, int expectedVersion, string byWhom, string? note, CancellationToken ct)
    {
        // One change of an organization's policies at a time: a layer is checked with the ones above and below it.
        await connection.ExecuteAsync(new CommandDefinition(
            "select pg_advisory_xact_lock(hashtextextended('incidentfox:policy:' || @Value, 0))", new { org.Value }, cancellationToken: ct));
        var current = await FindAsync(connection, org, team, null, ct);
        if ((current?.Version ?? 0) != expectedVersion)
            return new(PolicyOutcome.Conflict, current?.Version ?? 0, [$"$: the policy is version {current?.Version ?? 0} by now; this change was made of version {expectedVersion}"]);
        var errors = await CheckAsync(connection, org, team, json, ct);
        if (errors.Count > 0)
            return new(PolicyOutcome.Invalid, expectedVersion, errors);
        var value = ToolPolicyParser.ReadObject(json).Root!;
        var digest = Convert.ToHexStringLower(SHA256.HashData(CanonicalJson.Write(value)));
        if (digest == current?.Digest)
            return new(PolicyOutcome.Unchanged, expectedVersion, []);
        var version = expectedVersion + 1;
        await connection.ExecuteAsync(new CommandDefinition(
            """
            insert into app.policies (id, org_id, team_id, version, json, digest, changed_by, note)
            values (@id, @Org, @Team, @version, @json, @digest, @byWhom, @note)
            """,
            new
            {
                id = Guid.CreateVersion7(), Org = org.Value, Team = team?.Value, version, json, digest,
                byWhom = StorableText.Of(byWhom, MaxNote), note = note is null ? null : StorableText.Of(note, MaxNote),
            }, cancellationToken: ct));
        await audit.AppendAsync(connection, Event(org, team, byWhom, note, current, value, digest, version), ct);
        return new(PolicyOutcome.Changed, version, []);
    }

    private async Task<IReadOnlyList<string>> CheckAsync(NpgsqlConnection connection, OrgId org, TeamId? team, string json, CancellationToken ct)
    {
        var exists = await connection.QuerySingleAsync<bool>(new CommandDefinition(
            "select exists (select from app.orgs where id = @Org) and (@Team is null or exists (select from app.teams where org_id = @Org and id = @Team))",
            new { Org = org.Value, Team = team?.Value }, cancellationToken: ct));
        if (!exists)
            return [$"$: there is no {Name(org, team)}"];
        if (team is not null)
            return PolicyLayers.Combine(file, (await FindAsync(connection, org, null, null, ct))?.Json, json).Errors;
        var own = PolicyLayers.Combine(file, json).Errors;
        if (own.Count > 0)
            return own;
        // A team's layer stands on this one: what it needs can't be taken away under it.
        var teams = await connection.QueryAsync<(string Team, string Json)>(new CommandDefinition(
            """
            select distinct on (team_id) team_id, json from app.policies where org_id = @Value and team_id is not null order by team_id, version desc
            """, new { org.Value }, cancellationToken: ct));
        return [.. teams.SelectMany(t => PolicyLayers.Combine(file, json, t.Json).Errors.Select(e => $"{e} (in the policy of team {t.Team}, which goes over this one)"))];
    }

    private static AuditEvent Event(OrgId org, TeamId? team, string byWhom, string? note, PolicyVersion? before, JsonObject after, string digest, int version)
    {
        var old = before is null ? null : ToolPolicyParser.ReadObject(before.Json).Root;
        return new()
        {
            EventType = AuditEventTypes.ConfigurationChanged,
            OrgId = org.Value,
            TeamId = team?.Value,
            UserId = byWhom,
            Status = "success",
            Details = new JsonObject
            {
                ["what"] = $"policy of {Name(org, team)}",
                ["old_value"] = old?.DeepClone(),
                ["new_value"] = after.DeepClone(),
                ["old_digest"] = before?.Digest,
                ["new_digest"] = digest,
                ["version"] = version,
                ["note"] = note,
            },
        };
    }

    private static async Task<JsonObject?> ObjectOfAsync(NpgsqlConnection connection, OrgId org, TeamId? team, int version, CancellationToken ct) =>
        version == 0 ? [] : await FindAsync(connection, org, team, version, ct) is { } found ? ToolPolicyParser.ReadObject(found.Json).Root : null;

    private static async Task<PolicyVersion?> FindAsync(NpgsqlConnection connection, OrgId org, TeamId? team, int? version, CancellationToken ct) =>
        (await connection.QuerySingleOrDefaultAsync<PolicyRow>(new CommandDefinition(
            $"""
            select {Columns} from app.policies
             where org_id = @Org and team_id is not distinct from @Team and (@version::int is null or version = @version)
             order by version desc limit 1
            """, new { Org = org.Value, Team = team?.Value, version }, cancellationToken: ct)))?.ToVersion();

    private static string Name(OrgId org, TeamId? team) => team is null ? $"organization {org}" : $"team {team} of organization {org}";

    private sealed record PolicyRow
    {
        public int Version { get; init; }
        public string Json { get; init; } = "";
        public string Digest { get; init; } = "";
        public string ChangedBy { get; init; } = "";
        public DateTime ChangedAt { get; init; }
        public string? Note { get; init; }

        public PolicyVersion ToVersion() => new(Version, Json, Digest, ChangedBy, new DateTimeOffset(ChangedAt), Note);
    }
}

// The version in force of one layer.
internal sealed record StoredLayer
{
    public Guid Id { get; init; }
    public string Org { get; init; } = "";
    public string? Team { get; init; }
    public string Json { get; init; } = "";
}
