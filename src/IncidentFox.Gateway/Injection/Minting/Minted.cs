using IncidentFox.Gateway.Sending;

namespace IncidentFox.Gateway.Injection.Minting;

/// <summary>A credential that was made of a longer-lived one, or why there is none.</summary>
/// <param name="Id">Tells this one from those before and after it; 0 without one.</param>
/// <param name="Values">A token first, then what of its making must not come back either; with AWS an access key's id, its secret and a session token.</param>
/// <param name="Problem">A sentence without secret material; null when there is one.</param>
public sealed record Minted(long Id, IReadOnlyList<string> Values, string? Problem)
{
    /// <summary>Always <c>[redacted]</c>, or the problem.</summary>
    public override string ToString() => Problem ?? "[redacted]";
}

/// <summary>What a token endpoint gave.</summary>
/// <param name="Values">As in <see cref="Minted.Values"/>.</param>
/// <param name="Life">For how long.</param>
public sealed record FreshCredential(IReadOnlyList<string> Values, TimeSpan Life)
{
    /// <summary>Always <c>[redacted]</c>.</summary>
    public override string ToString() => "[redacted]";
}

/// <summary>One question to a token endpoint and how it ended. Names only, never a secret.</summary>
public sealed record MintEvent
{
    /// <summary>On whose behalf.</summary>
    public required SendContext Caller { get; init; }

    /// <summary>For which integration.</summary>
    public required string Integration { get; init; }

    /// <summary>The scheme, as it is written.</summary>
    public required string Scheme { get; init; }

    /// <summary>Of what it was made: references.</summary>
    public required string Reference { get; init; }

    /// <summary>True: the target refused the one before.</summary>
    public required bool Refused { get; init; }

    /// <summary>Why there is none; null when there is one.</summary>
    public string? Problem { get; init; }

    /// <summary>For how long it holds, when there is one.</summary>
    public TimeSpan? Life { get; init; }

    /// <summary>How long it took.</summary>
    public required TimeSpan Duration { get; init; }
}

/// <summary>Is told of every question to a token endpoint before anybody gets the answer.</summary>
public interface IMintObserver
{
    /// <summary>Records it. When it throws, the token is not used: what can't be recorded is not used.</summary>
    ValueTask MintedAsync(MintEvent minted, CancellationToken cancellationToken);
}

/// <summary>There will be no token. The message is ours: it names references and what to do, and never repeats what an endpoint said.</summary>
public sealed class MintException(string message) : Exception(message);
