using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Secrets.Kubernetes;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Gateway.AgentDoor.Pods;

/// <summary>
/// Asks the API server whose a token is (TokenReview). Every answer is kept for ten seconds, as the API server itself keeps the good ones; a token is kept as its
/// SHA-256 only, and callers that show the same one at once share one question. No answer is a refusal, and is not kept.
/// </summary>
internal sealed class TokenReviews(KubernetesApi api, PodDoorOptions options, TimeProvider time, ILogger<TokenReviews> logger) : IDisposable
{
    private const string Path = "apis/authentication.k8s.io/v1/tokenreviews?fieldValidation=Strict";
    private const string Extra = "authentication.kubernetes.io/";
    private const int MaxKept = 10_000;
    private const int AtOnce = 16;
    private static readonly TimeSpan Keep = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, Entry> _kept = new();
    private readonly SemaphoreSlim _turns = new(AtOnce);

    /// <summary>Whether the answer is known: then asking costs nothing.</summary>
    public bool Knows(string token) => Find(Hash(token)) is not null;

    /// <summary>Whose it is.</summary>
    public Task<TokenVerdict> ReviewAsync(string token, CancellationToken cancellationToken)
    {
        var life = Life(token);
        // The API server goes on vouching for ten seconds; and whoever shows an old one costs it no question.
        if (life <= TimeSpan.Zero)
            return Task.FromResult(Expired);
        var hash = Hash(token);
        if (Find(hash) is not { } entry)
        {
            MakeRoom();
            var fresh = new Entry(time.GetTimestamp(), life, new Lazy<Task<TokenVerdict>>(() => AskAsync(token, hash)));
            entry = _kept.AddOrUpdate(hash, fresh, (_, other) => IsGood(other) ? other : fresh);
        }
        return entry.Verdict.Value.WaitAsync(cancellationToken);
    }

    public void Dispose() => _turns.Dispose();

    private Entry? Find(string hash) => _kept.TryGetValue(hash, out var entry) && IsGood(entry) ? entry : null;

    private bool IsGood(Entry entry) => time.GetElapsedTime(entry.AskedAt) < entry.Life;

    private void MakeRoom()
    {
        if (_kept.Count < MaxKept)
            return;
        foreach (var (hash, _) in _kept.Where(e => !IsGood(e.Value)))
            _kept.TryRemove(hash, out _);
        if (_kept.Count >= MaxKept)
            _kept.Clear();
    }

    private async Task<TokenVerdict> AskAsync(string token, string hash)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        var verdict = Unavailable;
        try
        {
            await _turns.WaitAsync(patience.Token);
            try
            {
                verdict = Read(await api.SendAsync(HttpMethod.Post, Path, Question(token), patience.Token));
            }
            finally
            {
                _turns.Release();
            }
        }
        catch (OperationCanceledException)
        {
            logger.LogWarning("The API server did not say within {Seconds} s whose a token is", Patience.TotalSeconds);
        }
        if (verdict.Refusal?.Status == 503)
            _kept.TryRemove(hash, out _);
        return verdict;
    }

    private JsonObject Question(string token) => new()
    {
        ["apiVersion"] = "authentication.k8s.io/v1",
        ["kind"] = "TokenReview",
        ["spec"] = new JsonObject { ["token"] = token, ["audiences"] = new JsonArray(options.Audience) },
    };

    private TokenVerdict Read(KubernetesAnswer answer)
    {
        if (answer.Status is not (200 or 201) || answer.Body is not JsonObject body || body["status"] is not JsonObject status)
        {
            logger.LogError("The API server does not say whose a token is ({Answer}){Hint}", answer,
                answer.Status is 401 or 403 ? ": give the gateway's service account the verb create on tokenreviews" : "");
            return Unavailable;
        }
        if (Text(status["error"]) is { Length: > 0 } || status["authenticated"] is not JsonValue value || !value.TryGetValue<bool>(out var authenticated) || !authenticated)
            return TokenVerdict.Refuse(401, "token_invalid", "The token is not valid: it has expired, its pod is gone, it is for another audience, or it is none.", isSuspicious: true);
        // Who does not know audiences answers without any: such a token could be meant for anybody.
        if (!Texts(status["audiences"]).Contains(options.Audience))
            return TokenVerdict.Refuse(401, "token_invalid", "The token is for another audience.", isSuspicious: true);
        if (Text(status["user"]?["username"]) != options.User)
            return TokenVerdict.Refuse(403, "not_a_sandbox", "The token is not a sandbox's.", isSuspicious: true);
        var extra = status["user"]?["extra"];
        return (Texts(extra?[Extra + "pod-name"]), Texts(extra?[Extra + "pod-uid"])) is ([{ Length: > 0 } name], [{ Length: > 0 } uid])
            ? new TokenVerdict(name, uid, null)
            : TokenVerdict.Refuse(403, "token_unbound", "The token is not bound to a pod.", isSuspicious: true);
    }

    private static TokenVerdict Expired { get; } = TokenVerdict.Refuse(401, "token_invalid", "The token has expired.", isSuspicious: true);

    private static TokenVerdict Unavailable { get; } =
        TokenVerdict.Refuse(503, "identity_unavailable", "The gateway can't ask the cluster whose this token is, so nothing is handed out. Try again.");

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static List<string> Texts(JsonNode? node) => node is JsonArray array ? [.. array.Select(Text).OfType<string>()] : [];

    private static string Hash(string token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(token)));

    // The token's own end, which only shortens: whether it is true, the API server judges.
    private TimeSpan Life(string token)
    {
        try
        {
            if (token.Split('.') is [_, var claims, _] && JsonNode.Parse(Base64Url.DecodeFromChars(claims)) is JsonObject json
                && json["exp"] is JsonValue value && value.TryGetValue<long>(out var end) && end is > 0 and < 253_402_300_800)
            {
                var left = DateTimeOffset.FromUnixTimeSeconds(end) - time.GetUtcNow();
                return left < Keep ? left : Keep;
            }
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            // No JWT: garbage is refused by the API server like everything else.
        }
        return Keep;
    }

    private sealed record Entry(long AskedAt, TimeSpan Life, Lazy<Task<TokenVerdict>> Verdict);
}
