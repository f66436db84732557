using System.Collections.Concurrent;
using IncidentFox.Core;
using IncidentFox.Core.Sandboxes;

namespace IncidentFox.Bot.Sandboxes.Conformance.Clusters;

/// <summary>Whose pods are whose for as long as a check runs. There is no pool, and a cage is what the suite looks at itself.</summary>
internal sealed class PodsInMemory(TimeProvider time) : ISandboxPods
{
    private readonly ConcurrentDictionary<string, SandboxPod> rows = new();

    public SandboxPod? Find(string uid) => rows.GetValueOrDefault(uid);

    public Task<SandboxPod?> OfSandboxAsync(SandboxId sandbox, CancellationToken cancellationToken) => Task.FromResult(rows.Values.FirstOrDefault(r => r.Sandbox == sandbox));

    public Task<IReadOnlyList<SandboxPod>> PresentAsync(string ns, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<SandboxPod>>([.. rows.Values.Where(r => r.State != SandboxPodState.Gone)]);

    public Task RecordAsync(string uid, string ns, string name, string image, SandboxId? sandbox, string owner, CancellationToken cancellationToken)
    {
        rows.TryAdd(uid, new SandboxPod
        {
            Uid = uid, Namespace = ns, Name = name, Image = image, Sandbox = sandbox, State = SandboxPodState.Claimed, CreatedAt = time.GetUtcNow(), Age = TimeSpan.Zero, InUse = true,
        });
        return Task.CompletedTask;
    }

    public Task<bool> IsCagedAsync(string uid, CancellationToken cancellationToken) => Task.FromResult(true);

    public Task<SandboxPod?> ClaimAsync(SandboxId sandbox, string ns, string image, string owner, CancellationToken cancellationToken) => Task.FromResult<SandboxPod?>(null);

    public Task<bool> GoneAsync(string uid, bool unclaimedOnly, CancellationToken cancellationToken) =>
        Task.FromResult(rows.TryGetValue(uid, out var row) && row.State != SandboxPodState.Gone && rows.TryUpdate(uid, row with { State = SandboxPodState.Gone, InUse = false }, row));
}
