using Dapper;
using IncidentFox.Core.Storage;

namespace IncidentFox.Core.Sandboxes;

/// <summary>
/// Which pod is whose: written by the bot, read by the gateway at every request. What is the bot's and what the gateway's is granted by role in the database.
/// Changes are signalled as <c>sandbox_pod</c> with the pod's UID.
/// </summary>
public sealed class SandboxPodStore(Database database) : ISandboxPods
{
    private const string Columns =
        "uid, namespace, name, image, state, sandbox_id as SandboxId, created_at as CreatedAt, caged_at as CagedAt, app.clock() - created_at as Age, "
        + "exists (select from app.sandboxes s join app.investigations i on i.id = s.investigation_id and i.sandbox_id = s.id "
        + "where s.id = sandbox_pods.sandbox_id and s.state <> 'ended' and i.status in ('starting', 'running')) as InUse";

    /// <summary>One pod; null when the bot did not make it.</summary>
    public async Task<SandboxPod?> FindAsync(string uid, CancellationToken cancellationToken) =>
        (await QueryAsync("where uid = @uid", new { uid }, cancellationToken)).SingleOrDefault();

    /// <summary>A sandbox's pod; null when it has none yet.</summary>
    public async Task<SandboxPod?> OfSandboxAsync(SandboxId sandbox, CancellationToken cancellationToken) =>
        (await QueryAsync("where sandbox_id = @Value", new { sandbox.Value }, cancellationToken)).SingleOrDefault();

    /// <summary>Every pod of the namespace that is not gone, oldest first.</summary>
    public Task<IReadOnlyList<SandboxPod>> PresentAsync(string ns, CancellationToken cancellationToken) =>
        QueryAsync("where namespace = @ns and state <> 'gone' order by created_at, uid", new { ns }, cancellationToken);

    /// <summary>The bot made a pod: for a sandbox, or for the warm pool when there is none. Recording twice is harmless.</summary>
    public Task RecordAsync(string uid, string ns, string name, string image, SandboxId? sandbox, string owner, CancellationToken cancellationToken) =>
        ExecuteAsync(
            """
            insert into app.sandbox_pods (uid, namespace, name, image, state, sandbox_id, claimed_at, owner)
            values (@uid, @ns, @name, @image, case when @sandbox::uuid is null then 'starting' else 'claimed' end, @sandbox,
                    case when @sandbox::uuid is null then null else app.clock() end, @owner)
            on conflict (uid) do nothing
            """, new { uid, ns, name, image, sandbox = sandbox?.Value, owner }, cancellationToken);

    /// <summary>The gateway: its agent has shown that it is caged. A warm pod is idle from now on. False when it is gone.</summary>
    public async Task<bool> CagedAsync(string uid, CancellationToken cancellationToken) =>
        await ExecuteAsync(
            """
            update app.sandbox_pods set caged_at = coalesce(caged_at, app.clock()), state = case state when 'starting' then 'idle' else state end
             where uid = @uid and state <> 'gone'
            """, new { uid }, cancellationToken) == 1;

    /// <summary>Its agent has shown that it is caged: before the pod was claimed, or for its sandbox.</summary>
    public async Task<bool> IsCagedAsync(string uid, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<bool>(new CommandDefinition(
            """
            select p.caged_at is not null or coalesce(s.caged_at is not null, false)
              from app.sandbox_pods p left join app.sandboxes s on s.id = p.sandbox_id where p.uid = @uid
            """, new { uid }, cancellationToken: cancellationToken));
    }

    /// <summary>The oldest idle pod of this image becomes the sandbox's; null when there is none. Of many at once each gets another.</summary>
    public async Task<SandboxPod?> ClaimAsync(SandboxId sandbox, string ns, string image, string owner, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var row = await connection.QuerySingleOrDefaultAsync<Row>(new CommandDefinition(
            $"""
            update app.sandbox_pods set state = 'claimed', sandbox_id = @Value, claimed_at = app.clock(), owner = @owner
             where uid = (select uid from app.sandbox_pods where state = 'idle' and namespace = @ns and image = @image
                           order by created_at, uid limit 1 for update skip locked)
            returning {Columns}
            """, new { sandbox.Value, ns, image, owner }, cancellationToken: cancellationToken));
        return row?.ToPod();
    }

    /// <summary>It is gone, or is about to be: nobody gets it any more. False when it was gone, or was claimed meanwhile although only an unclaimed one was meant.</summary>
    public async Task<bool> GoneAsync(string uid, bool unclaimedOnly, CancellationToken cancellationToken) =>
        await ExecuteAsync(
            "update app.sandbox_pods set state = 'gone', gone_at = app.clock() where uid = @uid and state <> 'gone' and (state <> 'claimed' or not @unclaimedOnly)",
            new { uid, unclaimedOnly }, cancellationToken) == 1;

    private async Task<int> ExecuteAsync(string sql, object parameters, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.ExecuteAsync(new CommandDefinition(sql, parameters, cancellationToken: cancellationToken));
    }

    private async Task<IReadOnlyList<SandboxPod>> QueryAsync(string where, object parameters, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<Row>(new CommandDefinition($"select {Columns} from app.sandbox_pods {where}", parameters, cancellationToken: cancellationToken));
        return [.. rows.Select(r => r.ToPod())];
    }

    private sealed record Row
    {
        public string Uid { get; init; } = "";
        public string Namespace { get; init; } = "";
        public string Name { get; init; } = "";
        public string Image { get; init; } = "";
        public string State { get; init; } = "";
        public Guid? SandboxId { get; init; }
        public DateTime CreatedAt { get; init; }
        public DateTime? CagedAt { get; init; }
        public TimeSpan Age { get; init; }
        public bool InUse { get; init; }

        public SandboxPod ToPod() => new()
        {
            Uid = Uid,
            Namespace = Namespace,
            Name = Name,
            Image = Image,
            State = Enum.Parse<SandboxPodState>(State, ignoreCase: true),
            Sandbox = SandboxId is { } id ? new SandboxId(id) : null,
            CreatedAt = CreatedAt,
            CagedAt = CagedAt,
            Age = Age,
            InUse = InUse,
        };
    }
}
