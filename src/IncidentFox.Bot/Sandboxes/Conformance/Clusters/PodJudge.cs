using System.Net;
using IncidentFox.Bot.Sandboxes.Kubernetes;
using IncidentFox.Core.Sandboxes;
using k8s;
using k8s.Models;

namespace IncidentFox.Bot.Sandboxes.Conformance.Clusters;

/// <summary>Who shows a token.</summary>
/// <param name="Uid">The pod that the token is bound to; null when the cluster knows none.</param>
/// <param name="Refusal">Null: it is let in. Else why not.</param>
/// <param name="OtherAddress">The only thing that was wrong is the address it came from.</param>
internal sealed record TokenJudgement(string? Uid, string? Refusal, bool OtherAddress = false);

/// <summary>Who is let in.</summary>
internal interface IPodJudge
{
    Task<TokenJudgement> JudgeAsync(string token, IPAddress from, CancellationToken ct);

    /// <summary>Whether the API server itself would take the token.</summary>
    Task<bool> IsGoodForApiAsync(string token, CancellationToken ct);
}

/// <summary>Judges a token as the gateway's door for pods does: the cluster reviews it for our audience alone, and then account, pod, row and address have to be right.</summary>
internal sealed class PodJudge(IKubernetes client, KubernetesSandboxOptions options, PodsInMemory rows) : IPodJudge
{
    private const string Extra = "authentication.kubernetes.io/";

    public async Task<TokenJudgement> JudgeAsync(string token, IPAddress from, CancellationToken ct)
    {
        var review = await ReviewAsync(token, [SandboxPodBuilder.Audience], ct);
        if (review.Authenticated is not true || review.Audiences?.Contains(SandboxPodBuilder.Audience) is not true)
        {
            return new(null, $"the cluster does not know this token ({review.Error})");
        }

        var (name, uid) = (One(review, "pod-name"), One(review, "pod-uid"));
        if (review.User?.Username != $"system:serviceaccount:{options.Namespace}:{options.ServiceAccount}" || name is null || uid is null)
        {
            return new(uid, $"it is a token of {review.User?.Username}, bound to {(name is null ? "no pod" : $"pod {name}")}");
        }

        // The cluster may go by an old answer for ten seconds; rows and pod are looked at each time.
        if (rows.Find(uid) is not { } row || row.State == SandboxPodState.Gone)
        {
            return new(uid, "its sandbox is over, or was never ours");
        }

        var pod = (await client.CoreV1.ListNamespacedPodAsync(options.Namespace, fieldSelector: $"metadata.name={name}", cancellationToken: ct)).Items.SingleOrDefault();
        if (pod is null || pod.Metadata.Uid != uid || pod.Metadata.DeletionTimestamp is not null || pod.Status?.Phase is "Succeeded" or "Failed")
        {
            return new(uid, "its pod is gone or ending");
        }

        return pod.Status?.PodIPs?.Any(ip => IPAddress.TryParse(ip.Ip, out var own) && own.Equals(from)) is true ? new(uid, null) : new(uid, $"it came from {from}, which is not its pod's address", OtherAddress: true);
    }

    public async Task<bool> IsGoodForApiAsync(string token, CancellationToken ct) => (await ReviewAsync(token, null, ct)).Authenticated is true;

    private async Task<V1TokenReviewStatus> ReviewAsync(string token, IList<string>? audiences, CancellationToken ct) =>
        (await client.AuthenticationV1.CreateTokenReviewAsync(
            new V1TokenReview { ApiVersion = "authentication.k8s.io/v1", Kind = "TokenReview", Spec = new V1TokenReviewSpec { Token = token, Audiences = audiences } }, fieldValidation: "Strict", cancellationToken: ct)).Status
        ?? new V1TokenReviewStatus();

    private static string? One(V1TokenReviewStatus review, string what) =>
        review.User?.Extra is { } extra && extra.TryGetValue(Extra + what, out var values) && values is [var value] && value.Length > 0 ? value : null;
}
