using System.Collections.Concurrent;
using System.Security.Cryptography;
using Azure.Core;

namespace IncidentFox.TestKit.KeyVault;

/// <summary>Stands in for Entra ID: mints tokens for the audience that is asked for; the vault accepts only its own audience and tenant.</summary>
public sealed class KeyVaultIdentity : TokenCredential
{
    public const string Resource = "https://vault.azure.net";
    public const string Tenant = "11111111-2222-3333-4444-555555555555";

    private readonly ConcurrentDictionary<string, TokenRequestContext> _tokens = new(StringComparer.Ordinal);

    /// <summary>Every scope that a token was asked for.</summary>
    public IReadOnlyList<string> ScopesAskedFor => [.. _tokens.Values.SelectMany(static t => t.Scopes)];

    /// <summary>When set, no token is to be had and this is thrown.</summary>
    public Exception? Failure { get; set; }

    /// <summary>Makes every token so far worthless.</summary>
    public void RevokeAll() => _tokens.Clear();

    public bool Accepts(string token) => _tokens.TryGetValue(token, out var asked) && asked.Scopes.Contains(Resource + "/.default") && asked.TenantId == Tenant;

    public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken)
    {
        if (Failure is not null)
        {
            throw Failure;
        }

        var token = "kv-token-" + RandomNumberGenerator.GetHexString(32);
        _tokens[token] = requestContext;
        return new AccessToken(token, TimeProvider.System.GetUtcNow().AddHours(1));
    }

    public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken) =>
        new(GetToken(requestContext, cancellationToken));
}
