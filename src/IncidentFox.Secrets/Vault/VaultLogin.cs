using System.Text.Json;
using IncidentFox.Secrets.Http;

namespace IncidentFox.Secrets.Vault;

/// <summary>Signs in to Vault, one way or another. Expected failures are results.</summary>
internal sealed class VaultLogin(VaultOptions options, VaultApi api, VaultLogin.SecretLookup secrets, TimeProvider time)
{
    /// <summary>Asks another store for the token or the secret id.</summary>
    public delegate ValueTask<SecretResult> SecretLookup(SecretReference reference, bool fresh, CancellationToken cancellationToken);

    private readonly VaultAuthOptions _auth = options.Auth;

    /// <summary>Whether a token that ends can be replaced without anybody's help.</summary>
    public bool CanSignInAnew => _auth.Method != "token";

    /// <param name="refused">The token that Vault refused, when that is why.</param>
    /// <param name="cancellationToken">Cancels.</param>
    public Task<(VaultToken? Token, SecretResult? Problem)> SignInAsync(string? refused, CancellationToken cancellationToken) => _auth.Method switch
    {
        "kubernetes" => AsServiceAccountAsync(cancellationToken),
        "approle" => AsRoleAsync(cancellationToken),
        _ => WithTokenAsync(refused, cancellationToken),
    };

    private async Task<(VaultToken?, SecretResult?)> WithTokenAsync(string? refused, CancellationToken cancellationToken)
    {
        var (text, problem) = await LookUpAsync(_auth.Token!, fresh: refused is not null, cancellationToken);
        if (text is null)
        {
            return (null, problem);
        }

        if (text == refused)
        {
            return (null, SecretResult.Denied($"Vault refuses the token that {_auth.Token} names: put a new one there."));
        }

        var from = time.GetTimestamp();
        var answer = await api.LookUpSelfAsync(text, cancellationToken);
        if (answer.Status == 403)
        {
            return (null, SecretResult.Denied($"Vault refuses the token that {_auth.Token} names: put a new one there, with the policy 'default', which lets a token look itself up and renew itself."));
        }

        using var json = answer.Status == 200 ? Json.Parse(answer.Body) : null;
        var data = ((JsonElement?)json?.RootElement).Member("data");
        return data.Member("ttl").Number() is { } ttl and >= 0
            ? (new VaultToken(text, data.Member("renewable") is { ValueKind: JsonValueKind.True }, TimeSpan.FromSeconds(ttl), from, time), null)
            : (null, VaultAnswers.Trouble(answer));
    }

    private async Task<(VaultToken?, SecretResult?)> AsServiceAccountAsync(CancellationToken cancellationToken)
    {
        var (jwt, problem) = await TokenFile.ReadAsync(_auth.JwtFile, cancellationToken);
        return jwt is null
            ? (null, SecretResult.Unavailable($"No service account token to sign in to Vault with: {problem}."))
            : await LoginAsync(
                new(StringComparer.Ordinal) { ["role"] = _auth.Role!, ["jwt"] = jwt },
                $"Vault does not let this service account sign in as role {_auth.Role} at auth/{_auth.MountOrDefault}: check the role's bound_service_account_names and _namespaces.",
                cancellationToken);
    }

    private async Task<(VaultToken?, SecretResult?)> AsRoleAsync(CancellationToken cancellationToken)
    {
        string? secretId = null;
        for (var fresh = false; ; fresh = true)
        {
            var tried = secretId;
            var body = new Dictionary<string, string>(StringComparer.Ordinal) { ["role_id"] = _auth.RoleId! };
            if (_auth.SecretId is not null)
            {
                (secretId, var problem) = await LookUpAsync(_auth.SecretId, fresh, cancellationToken);
                if (secretId is null)
                {
                    return (null, problem);
                }

                body["secret_id"] = secretId;
            }

            var denial = $"Vault does not let this AppRole sign in at auth/{_auth.MountOrDefault}: check RoleId, and issue a new secret id where {_auth.SecretId ?? "its CIDR"} allows.";
            if (fresh && secretId == tried)
            {
                return (null, SecretResult.Denied(denial));
            }

            var (token, refusal) = await LoginAsync(body, denial, cancellationToken);
            // A secret id that was replaced in its store meanwhile is tried once.
            if (token is not null || fresh || _auth.SecretId is null || refusal!.Outcome != SecretOutcome.Denied)
            {
                return (token, refusal);
            }
        }
    }

    // https://developer.hashicorp.com/vault/api-docs/auth/approle#login-with-approle, https://developer.hashicorp.com/vault/api-docs/auth/kubernetes#login
    private async Task<(VaultToken?, SecretResult?)> LoginAsync(Dictionary<string, string> body, string denial, CancellationToken cancellationToken)
    {
        var from = time.GetTimestamp();
        var answer = await api.LoginAsync(_auth.MountOrDefault, body, cancellationToken);
        return answer.Status is 400 or 403 or 404 ? (null, SecretResult.Denied(denial))
            : Granted(answer, from) is { } token ? (token, null)
            : (null, VaultAnswers.Trouble(answer));
    }

    /// <summary>The token in the answer to a login or a renewal; null when there is none.</summary>
    public VaultToken? Granted(StoreAnswer answer, long from)
    {
        using var json = answer.Status == 200 ? Json.Parse(answer.Body) : null;
        var auth = ((JsonElement?)json?.RootElement).Member("auth");
        return auth.Member("client_token").Text() is { Length: > 0 } text && auth.Member("lease_duration").Number() is { } lease and >= 0
            ? new VaultToken(text, auth.Member("renewable") is { ValueKind: JsonValueKind.True }, TimeSpan.FromSeconds(lease), from, time)
            : null;
    }

    private async Task<(string? Text, SecretResult? Problem)> LookUpAsync(string reference, bool fresh, CancellationToken cancellationToken)
    {
        _ = SecretReference.TryParse(reference, out var parsed, out _);   // checked at start-up
        var result = await secrets(parsed, fresh, cancellationToken);
        return result.TryGet(out var value) ? (value.RevealForUse(), null) : (null, result);
    }
}
