using System.Security.Cryptography;
using System.Text.Json;

namespace IncidentFox.TestKit.Vault;

/// <summary>Who may sign in to a <see cref="VaultDouble"/>, the tokens it gave and how long they are good.</summary>
public sealed class VaultTokens(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _tokens = new(StringComparer.Ordinal);

    /// <summary>The lease of tokens that are given at a sign-in.</summary>
    public TimeSpan Lease { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long a token can be renewed at most, from its beginning.</summary>
    public TimeSpan LongestLife { get; set; } = TimeSpan.FromDays(32);

    public bool Renewable { get; set; } = true;

    /// <summary>AppRole: id and secret id; null for a role without one.</summary>
    public (string RoleId, string? SecretId) AppRole { get; set; } = ("role-1", "secret-id-1");

    /// <summary>Kubernetes: the role, and the service account token that the cluster vouches for.</summary>
    public (string Role, string Jwt) ServiceAccount { get; set; } = ("incidentfox", "jwt-1");

    /// <summary>Paths that policies forbid.</summary>
    public HashSet<string> Forbidden { get; } = new(StringComparer.Ordinal);

    public int SignIns { get; private set; }

    public int Renewals { get; private set; }

    /// <summary>Makes a token outside any sign-in, as an operator does.</summary>
    public string Create(TimeSpan lease, bool renewable)
    {
        lock (_gate)
        {
            return Add(lease, renewable);
        }
    }

    public void RevokeAll()
    {
        lock (_gate)
        {
            _tokens.Clear();
        }
    }

    internal bool MayRead(string token, string path)
    {
        lock (_gate)
        {
            return Find(token) is not null && !Forbidden.Contains(path);
        }
    }

    internal (int Status, object Answer) Answer(string method, string path, string token, JsonElement? body)
    {
        lock (_gate)
        {
            string? Field(string name) => body?.TryGetProperty(name, out var value) == true ? value.GetString() : null;
            switch ((method, path))
            {
                case ("POST", "approle/login"):
                    return Field("role_id") == AppRole.RoleId && Field("secret_id") == AppRole.SecretId ? SignIn() : Error(400, "invalid role or secret ID");
                case ("POST", "kubernetes/login"):
                    return Field("role") != ServiceAccount.Role ? Error(400, "invalid role name") : Field("jwt") == ServiceAccount.Jwt ? SignIn() : Error(403, "permission denied");
                case ("GET", "token/lookup-self") when Find(token) is { } entry:
                    return (200, new { data = new { ttl = Left(entry), renewable = entry.Renewable } });
                case ("POST", "token/renew-self") when Find(token) is { } entry:
                    if (!entry.Renewable)
                    {
                        return Error(400, "lease is not renewable");
                    }

                    Renewals++;
                    var end = time.GetUtcNow() + entry.Lease;
                    entry.Ends = end < entry.Begun + LongestLife ? end : entry.Begun + LongestLife;
                    return Granted(token, entry);
                default:
                    return Error(403, "permission denied");
            }
        }
    }

    private (int, object) SignIn()
    {
        SignIns++;
        var token = Add(Lease, Renewable);
        return Granted(token, _tokens[token]);
    }

    private string Add(TimeSpan lease, bool renewable)
    {
        var token = "hvs." + RandomNumberGenerator.GetHexString(24);
        var now = time.GetUtcNow();
        _tokens[token] = new Entry { Begun = now, Ends = lease == TimeSpan.Zero ? DateTimeOffset.MaxValue : now + lease, Lease = lease, Renewable = renewable };
        return token;
    }

    private Entry? Find(string token) => _tokens.TryGetValue(token, out var entry) && time.GetUtcNow() < entry.Ends ? entry : null;

    private long Left(Entry entry) => entry.Lease == TimeSpan.Zero ? 0 : (long)(entry.Ends - time.GetUtcNow()).TotalSeconds;

    private (int, object) Granted(string token, Entry entry) =>
        (200, new { auth = new { client_token = token, lease_duration = Left(entry), renewable = entry.Renewable, accessor = "a1", policies = new[] { "default" } } });

    private static (int, object) Error(int status, string error) => (status, new { errors = new[] { error } });

    private sealed class Entry
    {
        public required DateTimeOffset Begun { get; init; }

        public required DateTimeOffset Ends { get; set; }

        public required TimeSpan Lease { get; init; }

        public required bool Renewable { get; init; }
    }
}
