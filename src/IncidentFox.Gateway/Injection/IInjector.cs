using IncidentFox.Gateway.Injection.Certificates;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;

namespace IncidentFox.Gateway.Injection;

/// <summary>
/// Adds a credential to a request, and nothing else. Who may call, where to and what is logged are other types' work.
/// </summary>
public interface IInjector
{
    /// <summary>Adds the credential; schemes that mint a token may ask a token endpoint first.</summary>
    /// <param name="context">The request and what was fetched for it.</param>
    /// <param name="cancellationToken">Cancels.</param>
    /// <returns>Every form of a secret that is in the request now: the answer is scrubbed of them. Or why it can't be added.</returns>
    ValueTask<Injected> InjectAsync(InjectionContext context, CancellationToken cancellationToken);
}

/// <summary>A request that needs a credential.</summary>
public sealed class InjectionContext
{
    /// <summary>As it will be sent, without credentials.</summary>
    public required HttpRequestMessage Message { get; init; }

    /// <summary>Its body, byte for byte; empty without one.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>Where to.</summary>
    public required Integration Integration { get; init; }

    /// <summary>The credential of writes, not that of reads.</summary>
    public required bool Write { get; init; }

    /// <summary>What was fetched.</summary>
    public required CredentialSlots Secrets { get; init; }

    /// <summary>On whose behalf.</summary>
    public required SendContext Caller { get; init; }

    /// <summary>What is left of the call's time limit.</summary>
    public required TimeSpan Left { get; init; }

    /// <summary>What the target refused with 401 a moment ago; null at the first try.</summary>
    public Injected? Refused { get; init; }
}

/// <summary>What came of adding it.</summary>
/// <param name="Secrets">What must never come back: the secrets that were used, and every form of one that is in the request.</param>
/// <param name="Problem">A sentence without secret material; null when it was added.</param>
public readonly record struct Injected(IReadOnlyList<string> Secrets, string? Problem)
{
    /// <summary>What is made anew for every request (signatures), and must not come back either.</summary>
    public IReadOnlyList<string> OneTime { get; init; } = [];

    /// <summary>Which minted credential it is; 0: none.</summary>
    public long Mint { get; init; }

    /// <summary>Who to be in the TLS handshake, and whom to believe there; null: nobody in particular.</summary>
    public TlsIdentity? Tls { get; init; }

    /// <summary>Whether the request says the same as another one: nobody who refused that would take this.</summary>
    public bool IsSameAs(Injected other) => Secrets.SequenceEqual(other.Secrets, StringComparer.Ordinal) && Tls?.Key == other.Tls?.Key;

    /// <summary>Says how many, not which.</summary>
    public override string ToString() => Problem ?? $"{Secrets.Count} secrets";

    internal static Injected Nothing { get; } = new([], null);

    internal static Injected Refuse(string problem) => new([], problem);
}
