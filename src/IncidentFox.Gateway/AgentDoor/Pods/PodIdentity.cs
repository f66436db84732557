using System.Net;
using IncidentFox.Core;
using IncidentFox.Core.Sandboxes;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Gateway.AgentDoor.Pods;

/// <summary>Who calls: a pod of ours that is alive, or why not.</summary>
/// <param name="Pod">Its row; null when the caller is refused before one is found.</param>
/// <param name="Refusal">Null when it is let in.</param>
/// <param name="End">Cancelled when the pod is over.</param>
internal sealed record PodCaller(SandboxPod? Pod, PodRefusal? Refusal, CancellationToken End = default) : IDisposable
{
    /// <summary>The pod's place among its own requests, until this one is answered.</summary>
    public IDisposable? Turn { get; init; }

    public void Dispose() => Turn?.Dispose();

    public static PodCaller Refuse(int status, string code, string sentence, bool isSuspicious = false, SandboxPod? pod = null) => new(pod, new(status, code, sentence, isSuspicious));
}

/// <summary>
/// Decides who calls at the pods' door, in this order: the API server says that the token is good, for this gateway, of the sandboxes' account and of which pod; that
/// pod exists and has not been told to end; the connection comes from its address; and the bot made it. Only the last tells whose sandbox it is.
/// </summary>
internal sealed class PodIdentity(
    TokenReviews reviews, PodRegister register, SandboxPodStore pods, Traffic traffic, PodDoorOptions options, TimeProvider time, ILogger<PodIdentity> logger)
{
    // From the pod's creation to the bot's row there is one answer of the API server.
    private static readonly TimeSpan RowWithin = TimeSpan.FromSeconds(60);

    public async Task<PodCaller> IdentifyAsync(string token, IPAddress address, CancellationToken cancellationToken)
    {
        var verdict = await reviews.ReviewAsync(token, cancellationToken);
        if (verdict.Refusal is not null)
            return new(null, verdict.Refusal);
        if (!Guid.TryParse(verdict.PodUid, out var uid))
            return PodCaller.Refuse(403, "token_unbound", "The token is not bound to a pod.", isSuspicious: true);
        // Before anybody else is asked on its behalf: a good token is no right to keep the database busy.
        var turn = traffic.TryEnter(new SandboxId(uid), out var busy);
        if (turn is null)
            return PodCaller.Refuse(429, "too_many_requests", busy);
        try
        {
            return await FindAsync(verdict, address, cancellationToken) with { Turn = turn };
        }
        catch
        {
            turn.Dispose();
            throw;
        }
    }

    private async Task<PodCaller> FindAsync(TokenVerdict verdict, IPAddress address, CancellationToken cancellationToken)
    {
        // Before the look whether it is alive, so that no end in between is missed.
        var end = register.EndOf(verdict.PodUid);
        LivePod? alive;
        try
        {
            alive = await register.FindAsync(verdict.PodName, verdict.PodUid, cancellationToken);
        }
        catch (IOException e)
        {
            logger.LogWarning("Whether a sandbox's pod still exists is not known ({Reason}); it is refused", e.Message);
            return PodCaller.Refuse(503, "identity_unavailable", "The gateway can't ask the cluster whether this pod still exists, so nothing is handed out. Try again.");
        }
        if (alive is null or { IsOver: true })
            register.Forget(verdict.PodUid);
        var row = await pods.FindAsync(verdict.PodUid, cancellationToken);
        if (alive is null)
            return PodCaller.Refuse(403, "pod_gone", "The pod of this token is gone.", isSuspicious: true, row);
        if (alive.IsOver || row?.State == SandboxPodState.Gone)
            return PodCaller.Refuse(403, "pod_ending", "The pod of this token has ended, or is being deleted.", pod: row);
        if (options.CheckAddress && !alive.Addresses.Contains(address))
        {
            return alive.Addresses.Count == 0
                ? PodCaller.Refuse(503, "address_not_known", "The cluster does not show this pod's address yet. Try again.", pod: row)
                : PodCaller.Refuse(403, "wrong_address", "The token is another pod's: this connection does not come from its address.", isSuspicious: true, row);
        }
        if (row is null)
        {
            return time.GetUtcNow() - alive.CreatedAt < RowWithin
                ? PodCaller.Refuse(503, "pod_not_recorded", "This pod is not on file yet. Try again.")
                : PodCaller.Refuse(403, "unknown_pod", "This pod was not made for a sandbox.", isSuspicious: true);
        }
        // The database's word and the cluster's must be about the same pod.
        return row.Namespace == options.Namespace && row.Name == verdict.PodName
            ? new(row, null, end)
            : PodCaller.Refuse(403, "unknown_pod", "This pod was not made for a sandbox.", isSuspicious: true, row);
    }
}
