namespace IncidentFox.Secrets;

/// <summary>Why a store was asked.</summary>
public enum SecretFetchCause
{
    /// <summary>Nothing usable was cached.</summary>
    Miss = 1,

    /// <summary>Two thirds of a cached value's life had passed.</summary>
    Refresh = 2,

    /// <summary>An upstream refused the cached value.</summary>
    Forced = 3,

    /// <summary>The source saw that what it holds has changed.</summary>
    Changed = 4,

    /// <summary>No store was asked: a <see cref="SecretScope"/> keeps the reference from whoever wanted it.</summary>
    Reserved = 5,
}

/// <summary>One question to a store and how it ended. Holds names only, never a secret.</summary>
public sealed record SecretFetch
{
    /// <summary>Which secret.</summary>
    public required SecretReference Reference { get; init; }

    /// <summary>Why the store was asked.</summary>
    public required SecretFetchCause Cause { get; init; }

    /// <summary>On whose behalf the question was put; others who wait for the same answer are not named. Null when nobody said.</summary>
    public SecretPurpose? Purpose { get; init; }

    /// <summary>How it ended.</summary>
    public required SecretOutcome Outcome { get; init; }

    /// <summary>The sentence that goes with the outcome.</summary>
    public required string Reason { get; init; }

    /// <summary>The version that was given, when one was.</summary>
    public string? Version { get; init; }

    /// <summary>When the question was put.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>How long the answer took.</summary>
    public required TimeSpan Duration { get; init; }
}

/// <summary>Is told of every question to a store before anybody gets the answer, so that it can be audited. Called in the context of the caller who put the question.</summary>
public interface ISecretObserver
{
    /// <summary>Records a fetch. When it throws, the secret is not handed out: what can't be recorded is not used.</summary>
    ValueTask FetchedAsync(SecretFetch fetch, CancellationToken cancellationToken);
}
