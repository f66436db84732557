using System.Text.Json;
using Dapper;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Storage;
using IncidentFox.Core.Tools;
using Npgsql;

namespace IncidentFox.Core.Approvals;

// An approval as it stands in the table, and the reads that decisions share.
internal record ApprovalRow
{
    public const string Columns =
        """
        a.id, a.org_id as OrgId, a.team_id as TeamId, a.investigation_id as InvestigationId, a.status, a.tool, a.integration, a.digest, a.effect,
        a.required_approvers as RequiredApprovers, a.approver_role as ApproverRole, a.notify_channel as NotifyChannel, a.terms::text as TermsJson,
        a.created_at as CreatedAt,
        a.expires_at as ExpiresAt, a.decided_at as DecidedAt, a.decision_reason as DecisionReason, a.ended_at as EndedAt,
        a.duration_ms as DurationMs, a.outcome, app.clock() as Now
        """;

    public Guid Id { get; init; }
    public string OrgId { get; init; } = "";
    public string TeamId { get; init; } = "";
    public Guid InvestigationId { get; init; }
    public string Status { get; init; } = "";
    public string Tool { get; init; } = "";
    public string Integration { get; init; } = "";
    public byte[] Digest { get; init; } = [];
    public byte[] Effect { get; init; } = [];
    public int RequiredApprovers { get; init; }
    public string ApproverRole { get; init; } = "";
    public string NotifyChannel { get; init; } = "";
    public string? TermsJson { get; init; }
    public DateTime CreatedAt { get; init; }
    public DateTime ExpiresAt { get; init; }
    public DateTime? DecidedAt { get; init; }
    public string? DecidedByName { get; init; }
    public string? DecisionReason { get; init; }
    public DateTime? EndedAt { get; init; }
    public long? DurationMs { get; init; }
    public string? Outcome { get; init; }
    public DateTime Now { get; init; }

    public Resource Resource => new(new OrgId(OrgId), new TeamId(TeamId));

    /// <exception cref="InvalidOperationException">The terms can't be read: then nothing is decided.</exception>
    public ApprovalTerms Terms => new(ApprovalStates.Parse(Status), CreatedAt, ExpiresAt, Resource, ReadWorkflow());

    public ApprovalState State => ApprovalStates.Parse(Status);

    public static Cell EffectCell(Guid id) => new("approvals", "effect", id);

    public static Cell FrozenCell(Guid id) => new("approvals", "frozen", id);

    // Two statements: whoever waits for the lock must read the clock after it, not before.
    public static async Task<ApprovalRow?> LockAsync(NpgsqlConnection connection, ApprovalId id, CancellationToken ct)
    {
        await connection.ExecuteAsync(new CommandDefinition(
            "select 1 from app.approvals where id = @Value for update", new { id.Value }, cancellationToken: ct));
        return await connection.QuerySingleOrDefaultAsync<ApprovalRow>(new CommandDefinition(
            $"select {Columns} from app.approvals a where a.id = @Value", new { id.Value }, cancellationToken: ct));
    }

    public static async Task<IReadOnlyCollection<PersonId>> RequestersAsync(NpgsqlConnection connection, Guid investigation, CancellationToken ct) =>
        [.. (await connection.QueryAsync<Guid>(new CommandDefinition(
            "select person_id from app.investigation_requesters where investigation_id = @investigation",
            new { investigation }, cancellationToken: ct))).Select(p => new PersonId(p))];

    public Approval ToApproval(ColumnCipher cipher, IReadOnlyList<ApprovalVote> votes, IReadOnlyList<Requester> requesters, BreakGlass? breakGlass) => new()
    {
        Id = new ApprovalId(Id),
        Resource = Resource,
        Investigation = new InvestigationId(InvestigationId),
        State = State,
        Tool = Tool,
        Integration = Integration,
        Digest = Digest,
        Effect = JsonSerializer.Deserialize<EffectPreview>(cipher.Decrypt(EffectCell(Id), Effect))!,
        Workflow = ReadWorkflow(),
        CreatedAt = CreatedAt,
        ExpiresAt = ExpiresAt,
        AsOf = Now,
        DecidedAt = DecidedAt is { } d ? new DateTimeOffset(d) : null,
        DecidedBy = DecidedByName,
        DecisionReason = DecisionReason,
        EndedAt = EndedAt is { } e ? new DateTimeOffset(e) : null,
        DurationMs = DurationMs,
        Outcome = Outcome,
        Votes = votes,
        Requesters = [.. requesters.Select(r => r.Name)],
        RequesterIds = [.. requesters.Select(r => r.Person)],
        BreakGlass = breakGlass,
    };

    // The columns that every approval has, and the rest of the terms where it was asked with them.
    private Workflow ReadWorkflow()
    {
        try
        {
            return (TermsJson is null ? new Workflow() : Workflow.Parse(TermsJson)) with
            {
                RequiredApprovers = RequiredApprovers,
                ApproverRole = RoleNames.TryParse(ApproverRole, out var role) ? role : throw new JsonException($"{ApproverRole} is no role."),
                NotifyChannel = NotifyChannel,
            };
        }
        catch (JsonException e)
        {
            throw new InvalidOperationException($"Approval {Id}: its terms can't be read: {e.Message}", e);
        }
    }

    public readonly record struct Requester(PersonId Person, string Name);
}
