using IncidentFox.Gateway.Injection.Minting;
using IncidentFox.Gateway.Scrubbing;
using IncidentFox.Secrets;

namespace IncidentFox.Gateway.Injection;

/// <summary>Adds a minted token as a bearer token.</summary>
internal static class MintedToken
{
    /// <summary>Adds it, or says why there is none.</summary>
    /// <param name="context">The request.</param>
    /// <param name="minted">The token.</param>
    /// <param name="secrets">Of what it was made. They are not in the request, but a target may hold them as well: they are looked for where they can be.</param>
    public static Injected Add(InjectionContext context, Minted minted, params ReadOnlySpan<SecretValue?> secrets)
    {
        if (minted.Problem is { } problem)
            return Injected.Refuse(problem);
        var added = BearerInjector.Inject(context.Message, minted.Values[0]);
        return added.Problem is null ? added with { Secrets = [.. minted.Values, .. Searchable(secrets)], Mint = minted.Id } : added;
    }

    /// <summary>Those that answers can be searched for, and that can be told from ordinary text.</summary>
    public static List<string> Searchable(params ReadOnlySpan<SecretValue?> secrets)
    {
        var found = new List<string>();
        foreach (var secret in secrets)
        {
            if (secret?.RevealForUse().Trim() is { } text && SecretPatterns.CanHold(text))
                found.Add(text);
        }
        return found;
    }
}
