using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>Signs and checks service-account tokens: real JWTs, by a key of this cluster, bound to their account and mostly to a pod.</summary>
internal sealed class TokenAuthority(ObjectStore store, TimeProvider clock)
{
    /// <summary>The API server's own audience, and its issuer.</summary>
    public const string Issuer = "https://kubernetes.default.svc.cluster.local";

    /// <summary>How long the API server goes by a positive answer, from the first one.</summary>
    public static readonly TimeSpan CachedFor = TimeSpan.FromSeconds(10);

    /// <summary>A pod that is being deleted keeps its token so long after its deletion time.</summary>
    private static readonly TimeSpan DeletionLeeway = TimeSpan.FromSeconds(60);
    private const int MostCached = 1000;
    private const string UserPrefix = "system:serviceaccount:";
    private readonly Lazy<RSA> _key = new(() => RSA.Create(2048));
    private readonly Dictionary<string, (DateTimeOffset At, TokenUser User)> _cache = new(StringComparer.Ordinal);

    /// <param name="pod">The pod that the token is bound to; null for one bound to its account only.</param>
    public string Issue(JsonObject account, IReadOnlyList<string> audiences, TimeSpan lifetime, JsonObject? pod)
    {
        var now = clock.GetUtcNow().ToUnixTimeSeconds();
        var bound = new JsonObject { ["namespace"] = account.Namespace() };
        if (pod is not null)
        {
            if (pod.Text("spec", "nodeName") is { } node)
            {
                bound["node"] = new JsonObject { ["name"] = node, ["uid"] = store.Get(ResourceTypes.Nodes, "", node)?.Uid() };
            }

            bound["pod"] = new JsonObject { ["name"] = pod.Name(), ["uid"] = pod.Uid() };
        }

        bound["serviceaccount"] = new JsonObject { ["name"] = account.Name(), ["uid"] = account.Uid() };
        var claims = new JsonObject
        {
            ["aud"] = new JsonArray([.. audiences.Select(a => JsonValue.Create(a))]),
            ["exp"] = now + (long)lifetime.TotalSeconds,
            ["iat"] = now,
            ["iss"] = Issuer,
            ["jti"] = Guid.NewGuid().ToString(),
            ["kubernetes.io"] = bound,
            ["nbf"] = now,
            ["sub"] = $"{UserPrefix}{account.Namespace()}:{account.Name()}",
        };
        var signed = $"{Encode(new JsonObject { ["alg"] = "RS256", ["kid"] = "double" })}.{Encode(claims)}";
        lock (_key)
        {
            return $"{signed}.{WebEncoders.Base64UrlEncode(_key.Value.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}";
        }
    }

    /// <summary>Whose token it is, for these audiences; a positive answer holds for ten seconds whatever happens to the pod meanwhile.</summary>
    public TokenVerdict Check(string token, IReadOnlyList<string> audiences)
    {
        var now = clock.GetUtcNow();
        var key = $"{string.Join('\n', audiences)}\n{token}";
        lock (_cache)
        {
            if (_cache.TryGetValue(key, out var known) && now - known.At < CachedFor)
            {
                return new(known.User, Error: null);
            }
        }

        var verdict = Examine(token, audiences, now);
        lock (_cache)
        {
            if (_cache.Count > MostCached)
            {
                foreach (var (old, _) in _cache.Where(c => now - c.Value.At >= CachedFor).ToList())
                {
                    _cache.Remove(old);
                }
            }

            if (verdict.User is { } user)
            {
                _cache[key] = (now, user);
            }
            else
            {
                _cache.Remove(key);
            }
        }

        return verdict;
    }

    private TokenVerdict Examine(string token, IReadOnlyList<string> audiences, DateTimeOffset now)
    {
        if (Read(token) is not { } claims)
        {
            return TokenVerdict.Invalid();
        }

        if (!IsSigned(token))
        {
            return TokenVerdict.Invalid("go-jose/go-jose: error in cryptographic primitive");
        }

        var own = (claims["aud"] as JsonArray ?? []).Select(a => a.Text() ?? "").ToList();
        var common = audiences.Where(own.Contains).ToList();
        if (common.Count == 0)
        {
            return TokenVerdict.Invalid($"token audiences {GoList(own)} is invalid for the target audiences {GoList(audiences)}");
        }

        if (now.ToUnixTimeSeconds() > claims.Number("exp"))
        {
            return TokenVerdict.Invalid("service account token has expired");
        }

        var bound = claims["kubernetes.io"];
        var ns = bound.Text("namespace") ?? "";
        return WhyUnbound(bound, ns, now) is { } why ? TokenVerdict.Invalid(why) : new(UserOf(claims, bound, ns, common), Error: null);
    }

    /// <summary>Why what the token is bound to no longer holds it.</summary>
    private string? WhyUnbound(JsonNode? bound, string ns, DateTimeOffset now)
    {
        var name = bound.Text("serviceaccount", "name") ?? "";
        if (store.Get(ResourceTypes.ServiceAccounts, ns, name) is not { } account)
        {
            return $"serviceaccounts \"{name}\" not found";
        }

        if (account.Uid() != bound.Text("serviceaccount", "uid"))
        {
            return $"service account UID ({account.Uid()}) does not match claim ({bound.Text("serviceaccount", "uid")})";
        }

        if (bound.At("pod") is not { } pod)
        {
            return null;
        }

        if (store.Get(ResourceTypes.Pods, ns, pod.Text("name") ?? "") is not { } present)
        {
            return "service account token has been invalidated";
        }

        if (present.Uid() != pod.Text("uid"))
        {
            return $"pod UID ({present.Uid()}) does not match service account pod ref claim ({pod.Text("uid")})";
        }

        return DateTimeOffset.TryParse(present.Text("metadata", "deletionTimestamp"), out var deleted) && now > deleted + DeletionLeeway
            ? "service account token has been invalidated" : null;
    }

    private static TokenUser UserOf(JsonObject claims, JsonNode? bound, string ns, List<string> audiences)
    {
        JsonArray One(string? value) => new(value);
        var extra = new JsonObject { ["authentication.kubernetes.io/credential-id"] = One($"JTI={claims.Text("jti")}") };
        foreach (var what in (string[])["node", "pod"])
        {
            if (bound.At(what) is { } reference)
            {
                extra[$"authentication.kubernetes.io/{what}-name"] = One(reference.Text("name"));
                extra[$"authentication.kubernetes.io/{what}-uid"] = One(reference.Text("uid"));
            }
        }

        return new(claims.Text("sub")!, bound.Text("serviceaccount", "uid")!, GroupsOf(ns), extra, audiences);
    }

    public static string[] GroupsOf(string ns) => ["system:serviceaccounts", $"system:serviceaccounts:{ns}", "system:authenticated"];

    private static JsonObject? Read(string token)
    {
        try
        {
            return token.Split('.') is [_, var payload, _] && JsonNode.Parse(WebEncoders.Base64UrlDecode(payload)) is JsonObject claims && claims.Text("iss") == Issuer ? claims : null;
        }
        catch (Exception error) when (error is FormatException or JsonException)
        {
            return null;
        }
    }

    private bool IsSigned(string token)
    {
        var at = token.LastIndexOf('.');
        try
        {
            lock (_key)
            {
                return _key.Value.VerifyData(
                    Encoding.ASCII.GetBytes(token[..at]), WebEncoders.Base64UrlDecode(token[(at + 1)..]), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            }
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static string Encode(JsonObject part) => WebEncoders.Base64UrlEncode(Encoding.UTF8.GetBytes(part.Compacted()));

    private static string GoList(IEnumerable<string> values) => $"[{string.Join(' ', values.Select(v => $"\"{v}\""))}]";
}

/// <param name="Extra">The pod and node it is bound to, and the token's own id.</param>
/// <param name="Audiences">Those asked for that the token is good for.</param>
internal sealed record TokenUser(string Name, string Uid, string[] Groups, JsonObject Extra, IReadOnlyList<string> Audiences)
{
    public JsonObject ToJson() => new()
    {
        ["username"] = Name, ["uid"] = Uid, ["groups"] = new JsonArray([.. Groups.Select(g => JsonValue.Create(g))]), ["extra"] = Extra.Copy(),
    };
}

internal sealed record TokenVerdict(TokenUser? User, string? Error)
{
    public static TokenVerdict Invalid(string? why = null) => new(User: null, why is null ? "invalid bearer token" : $"[invalid bearer token, {why}]");
}
