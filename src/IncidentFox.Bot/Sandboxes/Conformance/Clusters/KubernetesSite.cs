using System.Globalization;
using System.Net;
using System.Text.Json;
using IncidentFox.Bot.Sandboxes.Kubernetes;
using IncidentFox.Core;
using k8s;
using k8s.Autorest;
using k8s.Models;

namespace IncidentFox.Bot.Sandboxes.Conformance.Clusters;

/// <summary>A cluster: the driver's pods, and what the API and the gateway of this run see of them.</summary>
internal sealed class KubernetesSite(
    IKubernetes client, KubernetesSandboxOptions options, KubernetesSandboxDriver driver, IPodJudge identity, CheckGateway? gateway, IReadOnlyList<IPEndPoint> outOfReach,
    IReadOnlySet<string> simulated, TimeProvider time) : IConformanceSite
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(300);

    public ISandboxDriver Driver => driver;

    public SandboxLimits Limits => options.Limits;

    public double? Processors => options.Processors;

    public long ScratchBytes => options.ScratchBytes;

    // The node looks now and then: 20 to 65 s were measured.
    public TimeSpan ScratchPatience => TimeSpan.FromSeconds(150);

    public IReadOnlyList<IPEndPoint> OutOfReach => outOfReach;

    public IReadOnlySet<string> Simulated => simulated;

    public async Task<IPAddress?> AddressOfAsync(SandboxId sandbox, CancellationToken ct)
    {
        var pod = await RunningAsync(sandbox, ct);
        return IPAddress.TryParse(pod?.Status?.PodIP, out var address) ? address : null;
    }

    public async Task<string> ProcessLimitAsync(SandboxId sandbox, CancellationToken ct)
    {
        var pod = await RunningAsync(sandbox, ct);
        try
        {
            await using var stream = await client.CoreV1.ConnectGetNodeProxyWithPathAsync(pod?.Spec.NodeName ?? "", "configz", cancellationToken: ct);
            using var settings = await JsonDocument.ParseAsync(stream, cancellationToken: ct);
            return settings.RootElement.GetProperty("kubeletconfig").GetProperty("podPidsLimit").GetInt64() is > 0 and var limit
                ? string.Create(CultureInfo.InvariantCulture, $", its node's {limit} for a pod")
                : ", its node has none for a pod";
        }
        catch (Exception unknown) when (unknown is HttpOperationException or HttpRequestException or JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return ", its node's is not known (that takes get on nodes/proxy)";
        }
    }

    public Task<Finding> IsKnownAsync(SandboxId sandbox, ActReports reports, CancellationToken ct)
    {
        var look = reports.Of("look");
        var (audience, seconds) = (look?.Text("token_audience") ?? "", look?.Number("token_seconds") ?? 0);
        if (audience != SandboxPodBuilder.Audience || seconds is <= 0 or > 3600)
        {
            return Task.FromResult(Finding.Failed(string.Create(CultureInfo.InvariantCulture, $"Its token is for '{audience}' and {seconds} s; it should be for '{SandboxPodBuilder.Audience}' alone and short. {look?.Text("token_problem")}")));
        }

        if (gateway is null)
        {
            return Task.FromResult(reports.Of("knock")?.Number("status") is 401 or 403
                ? Finding.Ok(string.Create(CultureInfo.InvariantCulture, $"for {audience} alone, {seconds} s; the gateway at {options.GatewayAddress} showed its certificate and refused a pod that is not its"))
                : Finding.Failed($"The gateway at {options.GatewayAddress} answered {reports.Of("knock")?.Number("status")} to a pod that is no sandbox of its: it should refuse it with 401 or 403."));
        }

        // The pod is gone by now, but what it said of itself and what was reviewed while it was there have to be the same.
        return Task.FromResult(look?.Text("token_pod") is { Length: > 0 } uid && gateway.LastOf(uid) is { } knock && (knock.Judgement.Refusal is null || knock.Judgement.OtherAddress)
            ? Finding.Ok(string.Create(CultureInfo.InvariantCulture, $"for {audience} alone, {seconds} s, reviewed as pod {uid}{(knock.Judgement.OtherAddress ? $"; addresses are translated on the way here (it came as {knock.From})" : "")}"))
            : Finding.Failed($"The gateway did not take its token for this pod's: {(look?.Text("token_pod") is { Length: > 0 } own ? gateway.LastOf(own)?.Judgement.Refusal : null) ?? "nobody came with a token of this pod"}."));
    }

    public async Task<Finding> RefusesStolenAsync(ConformanceRun run, CancellationToken ct)
    {
        if (gateway is null)
        {
            return Finding.NotPossible("A token does not leave its pod. Run the check without --gateway: its own gateway sees the token and tries what a thief would.");
        }

        var owner = await run.StartAsync(Limits, ct, "knock", "wait");
        if (await RunningAsync(owner.Id, ct) is not { } pod || await KnockAsync(pod.Metadata.Uid, ct) is not { } knock)
        {
            return Finding.Failed("Its agent did not come to the gateway.");
        }

        var (token, home, wrong, tried) = (knock.Token, IPAddress.TryParse(pod.Status.PodIP, out var ip) ? ip : IPAddress.None, new List<string>(), 0);
        if (await identity.JudgeAsync(token, home, ct) is { Refusal: { } refusal })
        {
            return Finding.Failed($"Its own token was refused: {refusal}.");
        }

        var translated = knock.Judgement.OtherAddress;
        if (!translated)
        {
            await MustAsync("from another machine", (int)await gateway.PresentAsync(token, ct) is 401 or 403);
        }

        await MustAsync("by another pod", (await identity.JudgeAsync(token, Neighbour(home), ct)).Refusal is not null);
        await MustAsync("with another signature", (await identity.JudgeAsync(Damaged(token), home, ct)).Refusal is not null);
        await MustAsync("by the API server", !await identity.IsGoodForApiAsync(token, ct));
        var others = await OtherTokensAsync(ct);
        foreach (var (what, other) in others)
        {
            await MustAsync(what, (await identity.JudgeAsync(other, home, ct)).Refusal is not null);
        }

        await run.StopAsync(owner, ct);
        await MustAsync("after its pod was gone", (await identity.JudgeAsync(token, home, ct)).Refusal is not null);
        return wrong.Count > 0
            ? Finding.Failed($"It was taken {string.Join(", ", wrong)}.")
            : Finding.Ok(string.Create(CultureInfo.InvariantCulture, $"refused {tried} ways, at once after the pod's end{(translated ? "; not tried over the network, where addresses are translated" : "")}{(others.Count == 0 ? "; other accounts' tokens not tried (that takes create on serviceaccounts/token)" : "")}"));

        Task MustAsync(string how, bool isRefused)
        {
            tried++;
            if (!isRefused)
            {
                wrong.Add(how);
            }

            return Task.CompletedTask;
        }
    }

    public async Task<IReadOnlyList<string>> RemainsAsync(IReadOnlyCollection<SandboxId> sandboxes, CancellationToken ct)
    {
        var pods = await client.CoreV1.ListNamespacedPodAsync(options.Namespace, labelSelector: SandboxPodBuilder.Selector(options), cancellationToken: ct);
        return [.. pods.Items.Select(p => $"pod {p.Metadata.Name}")];
    }

    // Running, or ended already; null when it is gone or does not get there: its end says why.
    private async Task<V1Pod?> RunningAsync(SandboxId sandbox, CancellationToken ct)
    {
        for (var since = time.GetTimestamp(); time.GetElapsedTime(since) < options.StartWithin; await Task.Delay(Look, time, ct))
        {
            var pod = await driver.World.Api.FindAsync(SandboxPodBuilder.NameOf(sandbox), ct);
            if (pod?.Status?.Phase is null or not "Pending")
            {
                return pod;
            }
        }

        return null;
    }

    private async Task<Knock?> KnockAsync(string uid, CancellationToken ct)
    {
        for (var since = time.GetTimestamp(); time.GetElapsedTime(since) < TimeSpan.FromSeconds(30); await Task.Delay(Look, time, ct))
        {
            if (gateway!.LastOf(uid) is { } knock)
            {
                return knock;
            }
        }

        return null;
    }

    // The right audience, but bound to no pod: of the sandboxes' account, and of another.
    private async Task<IReadOnlyList<(string What, string Token)>> OtherTokensAsync(CancellationToken ct)
    {
        var tokens = new List<(string, string)>();
        foreach (var account in (string[])[options.ServiceAccount, "default"])
        {
            try
            {
                var request = new Authenticationv1TokenRequest { ApiVersion = "authentication.k8s.io/v1", Kind = "TokenRequest", Spec = new V1TokenRequestSpec { Audiences = [SandboxPodBuilder.Audience], ExpirationSeconds = 600 } };
                var answer = await client.CoreV1.CreateNamespacedServiceAccountTokenAsync(request, account, options.Namespace, fieldValidation: "Strict", cancellationToken: ct);
                tokens.Add(($"for account {account} without a pod", answer.Status.Token));
            }
            catch (HttpOperationException refusal) when (refusal.Response.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.NotFound)
            {
                // May not be asked for, or there is no such account: said in the detail.
            }
        }

        return tokens;
    }

    private static IPAddress Neighbour(IPAddress address)
    {
        var bytes = address.GetAddressBytes();
        bytes[^1] ^= 1;
        return new IPAddress(bytes);
    }

    // In the middle of the signature, where every bit counts.
    private static string Damaged(string token)
    {
        var at = token.Length - 20;
        return string.Concat(token.AsSpan(0, at), token[at] == 'A' ? "B" : "A", token.AsSpan(at + 1));
    }
}
