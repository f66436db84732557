using System.Text.Json.Nodes;
using Dapper;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Storage;

namespace IncidentFox.Bot.Security.Storage;

/// <summary>One alert as it is told.</summary>
internal sealed record SecurityAlert
{
    public required Guid Id { get; init; }
    public required DateTimeOffset At { get; init; }
    public required string Kind { get; init; }
    public string? Team { get; init; }
    public Guid? Investigation { get; init; }
    public Guid? Sandbox { get; init; }
    public string? Request { get; init; }
}

/// <summary>Alerts that nobody was told of yet. Each is taken by one bot at a time.</summary>
internal sealed class SecurityPostStore(Database database)
{
    private const int MaxAttempts = 20;
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(30);

    /// <summary>Takes what is due, oldest first; what could not be posted is due again later.</summary>
    public async Task<IReadOnlyList<SecurityAlert>> ClaimAsync(int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<Row>(new CommandDefinition(
            """
            with due as (
              select e.id from app.audit_events e left join app.security_posts p on p.event_id = e.id
               where e.event_type = @SecurityAlert and e.at > app.clock() - interval '1 day'
                 and (p.event_id is null or (p.posted_at is null and p.attempts < @MaxAttempts and p.next_attempt_at <= app.clock()))
               order by e.at limit @limit),
            claimed as (
              insert into app.security_posts as p (event_id, next_attempt_at) select id, app.clock() + @Again from due
              on conflict (event_id) do update set attempts = p.attempts + 1, next_attempt_at = excluded.next_attempt_at
               where p.posted_at is null and p.next_attempt_at <= app.clock()
              returning event_id)
            select e.id, e.at, e.team_id as Team, e.investigation_id as Investigation, e.sandbox_id as Sandbox, e.details::text as Details
              from app.audit_events e join claimed on claimed.event_id = e.id order by e.at
            """, new { AuditEventTypes.SecurityAlert, limit, MaxAttempts, Again }, cancellationToken: cancellationToken));
        return [.. rows.Select(r => r.ToAlert())];
    }

    /// <summary>People were told.</summary>
    public async Task PostedAsync(IEnumerable<Guid> events, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            "update app.security_posts set posted_at = app.clock() where event_id = any(@ids)", new { ids = events.ToArray() }, cancellationToken: cancellationToken));
    }

    private sealed record Row
    {
        public Guid Id { get; init; }
        public DateTime At { get; init; }
        public string? Team { get; init; }
        public Guid? Investigation { get; init; }
        public Guid? Sandbox { get; init; }
        public string? Details { get; init; }

        public SecurityAlert ToAlert()
        {
            var details = Details is null ? null : JsonNode.Parse(Details) as JsonObject;
            var request = $"{Text(details, "method")} {Text(details, "path")}".Trim();
            return new SecurityAlert
            {
                Id = Id, At = new DateTimeOffset(At), Kind = Text(details, "kind") ?? "", Team = Team, Investigation = Investigation, Sandbox = Sandbox,
                Request = request.Length == 0 ? null : request,
            };
        }

        private static string? Text(JsonObject? details, string name) =>
            details?[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
    }
}
