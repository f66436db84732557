using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using IncidentFox.Contracts;
using IncidentFox.Core;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Sandboxes;
using IncidentFox.Core.Storage;
using IncidentFox.Gateway.AgentDoor.Endpoints;
using IncidentFox.Gateway.AgentDoor.Sockets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Gateway.AgentDoor.Pods;

/// <summary>
/// What comes through the pods' door: it is found out who calls, request by request, and then the same happens as behind a sandbox's socket. A pod that waits in the
/// warm pool has no sandbox yet; it may show that it is caged and wait for its task, and nothing else.
/// </summary>
internal sealed class PodDoor(
    PodIdentity identity, TokenReviews reviews, PodThrottle throttle, PodAlerts alerts, SandboxPodStore pods, SandboxSessions sessions, SessionCache lately, Traffic traffic,
    HelloEndpoint hello, CageWatch cages, AuditLog audit, AgentDispatcher dispatcher, DatabaseSignals signals, IHostApplicationLifetime lifetime, TimeProvider time,
    ILogger<PodDoor> logger)
{
    private const int LongestToken = 8 * 1024;
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(5);

    // Pods that were let in, until their end: whose they are, or no sandbox's yet.
    private readonly ConcurrentDictionary<string, SandboxId> _known = new();

    public async Task HandleAsync(HttpContext http)
    {
        var raw = http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var question = raw.IndexOf('?');
        var request = new AgentRequest(http, default, question < 0 ? raw : raw[..question], question < 0 ? "" : raw[(question + 1)..]);
        var address = PodConnection.AddressOf(http);
        try
        {
            using var caller = await IdentifyAsync(request, address);
            if (caller is { Pod: { } pod, End: var end })
                await AdmitAsync(request, pod, end);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The caller left, or its pod is gone; nobody is there to be answered.
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            logger.LogError(e, "The database failed a request at the pods' door ({CorrelationId})", request.CorrelationId);
            if (!http.Response.HasStarted)
                await request.RefuseAsync(503, "database_unavailable", "The gateway can't reach its database, so nothing was done. Try again.");
        }
        catch (Exception e)
        {
            logger.LogError(e, "A request at the pods' door failed ({CorrelationId})", request.CorrelationId);
            if (!http.Response.HasStarted)
                await request.RefuseAsync(500, "internal", "The gateway failed; its log has the reason under the correlation id.");
        }
    }

    private async Task<PodCaller?> IdentifyAsync(AgentRequest request, IPAddress address)
    {
        var http = request.Http;
        if (Token(http.Request.Headers) is not { } token)
            return await RefuseAsync(request, new(401, "no_token", "Show the pod's token: Authorization: Bearer, once, of at most 8 KiB."), null, address);
        // Whoever shows a token that was seen lately costs nothing; asking costs the API server.
        if (!reviews.Knows(token) && !throttle.TryTake(address))
        {
            return await RefuseAsync(request, new(429, "too_many_requests", "Too many tokens from this address; wait a second."), null, address);
        }
        var caller = await identity.IdentifyAsync(token, address, http.RequestAborted);
        if (caller.Refusal is { } refusal)
        {
            using (caller)
                return await RefuseAsync(request, refusal, caller.Pod, address);
        }
        // It said who it is; nobody else needs it.
        http.Request.Headers.Remove("Authorization");
        return caller;
    }

    private async Task<PodCaller?> RefuseAsync(AgentRequest request, PodRefusal refusal, SandboxPod? pod, IPAddress address)
    {
        // Somebody who is not known keeps no connection.
        request.Http.Response.Headers.Connection = "close";
        if (refusal.Status is 503 or 429)
            request.Http.Response.Headers.RetryAfter = "1";
        await alerts.RefusedAsync(refusal, pod, address, request.CorrelationId);
        await request.RefuseAsync(refusal.Status, refusal.Code, refusal.Sentence);
        return null;
    }

    private async Task AdmitAsync(AgentRequest request, SandboxPod pod, CancellationToken end)
    {
        await using var cut = end.Register(static http => ((HttpContext)http!).Abort(), request.Http);
        if (_known.TryAdd(pod.Uid, pod.Sandbox ?? default))
            end.Register(() => Forget(pod.Uid));
        if (pod.Sandbox is null)
        {
            if (await WarmAsync(request, pod) is not { } claimed)
                return;
            pod = claimed;
        }
        var sandbox = pod.Sandbox!.Value;
        if (request.Path == Protocol.TaskPath)
            await TakeOverCageAsync(pod, sandbox, request.Aborted);
        _known.TryUpdate(pod.Uid, sandbox, default);
        request.Http.Features.Set(new SandboxConnection(sandbox));
        await dispatcher.HandleAsync(request.Http);
        // Refused although its session is open: it showed no cage.
        if (request.Path == Protocol.HelloPath && request.Http.Response.StatusCode == StatusCodes.Status403Forbidden
            && await sessions.FindAsync(sandbox, request.Aborted) is { State: "starting" })
            cages.Refused(pod.Uid, PodConnection.AddressOf(request.Http));
    }

    // The pod, when it was claimed while it waited for its task; null when the request is answered.
    private async Task<SandboxPod?> WarmAsync(AgentRequest request, SandboxPod pod)
    {
        if (RequestReader.Check(request.Http, mayBeEncoded: false) is { } problem)
        {
            request.Http.Response.Headers.Connection = "close";
            await request.RefuseAsync(problem.Status, problem.Code, problem.Sentence);
            return null;
        }
        switch (request.Http.Request.Method, request.Path, request.Query)
        {
            case ("POST", Protocol.HelloPath, ""):
                await HelloAsync(request, pod);
                return null;
            case ("GET", Protocol.TaskPath, ""):
                return await WaitForClaimAsync(request, pod);
            default:
                await request.RefuseAsync(403, "not_claimed", $"This pod has no investigation yet. It may POST {Protocol.HelloPath} and GET {Protocol.TaskPath}.");
                return null;
        }
    }

    private async Task HelloAsync(AgentRequest request, SandboxPod pod)
    {
        var (body, unread) = await RequestReader.ReadAsync(request.Http);
        if (unread is { } bad)
        {
            await request.RefuseAsync(bad.Status, bad.Code, bad.Sentence);
            return;
        }
        var (cage, refusal) = hello.Judge(body);
        // A good hello that is said again changes nothing and needs no second audit row.
        if (cage is not null && (refusal is not null || pod.CagedAt is null))
            await RecordAsync(request, pod, cage, isCaged: refusal is null);
        if (refusal is { } why)
        {
            if (why.Code == "not_caged")
                cages.Refused(pod.Uid, PodConnection.AddressOf(request.Http));
            await request.RefuseAsync(why.Status, why.Code, why.Sentence);
        }
        else if (await pods.CagedAsync(pod.Uid, request.Aborted))
            await request.AnswerAsync(200, new AgentWelcome { SandboxId = pod.Uid }, ContractsJson.Default.AgentWelcome);
        else
            await request.RefuseAsync(403, "pod_ending", "The pod of this token has ended, or is being deleted.");
    }

    private Task RecordAsync(AgentRequest request, SandboxPod pod, JsonArray cage, bool isCaged) => audit.AppendAsync(new AuditEvent
    {
        EventType = AuditEventTypes.SandboxChanged,
        UserId = "system",
        Status = isCaged ? "caged" : "not_caged",
        CorrelationId = request.CorrelationId,
        Details = new JsonObject { ["pod"] = pod.Name, ["pod_uid"] = pod.Uid, ["probes"] = cage },
    }, request.Aborted);

    private async Task<SandboxPod?> WaitForClaimAsync(AgentRequest request, SandboxPod pod)
    {
        var started = time.GetTimestamp();
        using var watch = signals.WatchFor("sandbox_pod", Guid.Parse(pod.Uid));
        using var either = CancellationTokenSource.CreateLinkedTokenSource(request.Aborted, lifetime.ApplicationStopping);
        while (true)
        {
            if (await pods.FindAsync(pod.Uid, request.Aborted) is not { State: not SandboxPodState.Gone } now)
            {
                await request.RefuseAsync(403, "pod_ending", "The pod of this token has ended, or is being deleted.");
                return null;
            }
            if (now.Sandbox is not null)
                return now;
            if (now.CagedAt is null)
            {
                await request.RefuseAsync(403, "not_caged", $"Say hello first: POST {Protocol.HelloPath}.");
                return null;
            }
            if (time.GetElapsedTime(started) >= Wait || lifetime.ApplicationStopping.IsCancellationRequested)
            {
                await request.AnswerAsync(204);
                return null;
            }
            try
            {
                await watch.WaitAsync(Look, either.Token);
            }
            catch (OperationCanceledException) when (!request.Aborted.IsCancellationRequested)
            {
                // The gateway stops: another one goes on with it.
            }
        }
    }

    // A pod of the pool showed its cage before it was anybody's; nothing about its network has changed since, and it is written down for the sandbox that it became.
    private async Task TakeOverCageAsync(SandboxPod pod, SandboxId sandbox, CancellationToken ct)
    {
        if (pod.CagedAt is { } shown && await sessions.FindAsync(sandbox, ct) is { State: "starting" } session)
        {
            await sessions.RecordCageAsync(session, caged: true, new JsonArray(new JsonObject
            {
                ["kind"] = "warm_pod", ["target"] = pod.Name, ["reached"] = false, ["detail"] = $"shown before it was claimed, at {shown:O}",
            }), ct);
        }
    }

    private void Forget(string uid)
    {
        if (!_known.TryRemove(uid, out var sandbox))
            return;
        traffic.Forget(new SandboxId(Guid.Parse(uid)));
        traffic.Forget(sandbox);
        lately.Forget(sandbox);
    }

    private static string? Token(IHeaderDictionary headers) =>
        headers.Authorization is [{ Length: > 7 and <= LongestToken } text] && text.StartsWith("Bearer ", StringComparison.Ordinal)
        && text.AsSpan(7).IndexOfAnyExcept(TokenCharacters) < 0
            ? text[7..]
            : null;

    private static readonly System.Buffers.SearchValues<char> TokenCharacters =
        System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=");
}
