using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using IncidentFox.Gateway.Rules;
using IncidentFox.Secrets;

namespace IncidentFox.Gateway.Injection;

/// <summary>Fetches what an integration's scheme needs, by reference. Reads and writes have references of their own.</summary>
public sealed class CredentialSource(SecretStore store)
{
    // By the very text that an integration has: it is read once, for as long as the integration is there.
    private readonly ConditionalWeakTable<string, object> _parsed = [];

    /// <summary>The secrets, or a sentence that says why there are none.</summary>
    /// <param name="auth">The integration's.</param>
    /// <param name="write">The write credential.</param>
    /// <param name="fresh">The target refused the cached one: ask the store again.</param>
    /// <param name="purpose">On whose behalf: its team decides whether it may have them, and the audit rows of fetches name it.</param>
    /// <param name="cancellationToken">Cancels.</param>
    public async ValueTask<(CredentialSlots? Secrets, string? Problem)> GetAsync(AuthSettings auth, bool write, bool fresh, SecretPurpose? purpose, CancellationToken cancellationToken)
    {
        if (auth.Scheme == AuthScheme.None)
            return (CredentialSlots.Nothing, null);
        if (auth.For(write) is not { Count: > 0 } references)
            return (null, $"The integration names no secret for {(write ? "writes" : "reads")}.");
        var slots = new KeyValuePair<string, SecretValue>[references.Count];
        for (var i = 0; i < slots.Length; i++)
        {
            var (value, problem) = await FetchAsync(references[i].Reference, fresh, purpose, cancellationToken);
            if (value is null)
                return (null, problem);
            slots[i] = new(references[i].Slot, value);
        }
        return (new CredentialSlots(slots), null);
    }

    private async ValueTask<(SecretValue? Value, string? Problem)> FetchAsync(string reference, bool fresh, SecretPurpose? purpose, CancellationToken cancellationToken)
    {
        if (!TryParse(reference, out var parsed, out var reason))
            return (null, reason);
        var result = fresh ? await store.GetFreshAsync(parsed, purpose, cancellationToken) : await store.GetAsync(parsed, purpose, cancellationToken);
        return result.TryGet(out var value) ? (value, null) : (null, result.Reason);
    }

    private bool TryParse(string reference, out SecretReference parsed, [NotNullWhen(false)] out string? reason)
    {
        reason = null;
        if (_parsed.TryGetValue(reference, out var known))
        {
            parsed = (SecretReference)known;
            return true;
        }
        if (!SecretReference.TryParse(reference, out parsed, out reason))
            return false;
        _parsed.AddOrUpdate(reference, parsed);
        return true;
    }
}
