using IncidentFox.Gateway.Rules;
using IncidentFox.Secrets;

namespace IncidentFox.Gateway.Injection;

/// <summary>Fetches what an integration's scheme needs, by reference. Reads and writes have references of their own.</summary>
public sealed class CredentialSource(SecretStore store)
{
    private static readonly NoneInjector None = new();
    private static readonly BearerInjector Bearer = new();
    private static readonly BasicInjector Basic = new();
    private static readonly HeaderInjector Header = new();

    /// <summary>The class that adds this scheme's credential.</summary>
    public static IInjector For(AuthScheme scheme) => scheme switch
    {
        AuthScheme.None => None,
        AuthScheme.Bearer => Bearer,
        AuthScheme.Basic => Basic,
        AuthScheme.Header => Header,
        _ => throw new ArgumentOutOfRangeException(nameof(scheme), scheme, "There is no such scheme."),
    };

    /// <summary>The credential, or a sentence that says why there is none.</summary>
    /// <param name="auth">The integration's.</param>
    /// <param name="write">The write credential.</param>
    /// <param name="fresh">The target refused the cached one: ask the store again.</param>
    /// <param name="cancellationToken">Cancels.</param>
    public async ValueTask<(Credential? Credential, string? Problem)> GetAsync(AuthSettings auth, bool write, bool fresh, CancellationToken cancellationToken)
    {
        if (auth.Scheme == AuthScheme.None)
            return (Credential.Nothing, null);
        var (secret, problem) = await FetchAsync(write ? auth.WriteReference : auth.ReadReference, fresh, cancellationToken);
        if (secret is null)
            return (null, problem);
        if (auth.UserName?.Contains("://", StringComparison.Ordinal) is not true)
            return (new Credential(secret, auth.UserName, UserNameIsSecret: false, auth.HeaderName), null);
        var (user, missing) = await FetchAsync(auth.UserName, fresh, cancellationToken);
        return user is null ? (null, missing) : (new Credential(secret, user.RevealForUse(), UserNameIsSecret: true, auth.HeaderName), null);
    }

    private async ValueTask<(SecretValue? Value, string? Problem)> FetchAsync(string? reference, bool fresh, CancellationToken cancellationToken)
    {
        if (!SecretReference.TryParse(reference, out var parsed, out var reason))
            return (null, reason);
        var result = fresh ? await store.GetFreshAsync(parsed, cancellationToken) : await store.GetAsync(parsed, cancellationToken);
        return result.TryGet(out var value) ? (value, null) : (null, result.Reason);
    }
}
