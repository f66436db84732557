using System.Diagnostics.CodeAnalysis;

namespace IncidentFox.Secrets;

/// <summary>What became of asking for a secret.</summary>
public enum SecretOutcome
{
    /// <summary>The secret is there and may be used.</summary>
    Found = 1,

    /// <summary>The store has no such secret.</summary>
    NotFound = 2,

    /// <summary>Somebody disabled it in the store.</summary>
    Disabled = 3,

    /// <summary>Its expiry date has passed.</summary>
    Expired = 4,

    /// <summary>Its activation date has not come.</summary>
    NotYetValid = 5,

    /// <summary>The store, or a rule of this installation, does not let us read it.</summary>
    Denied = 6,

    /// <summary>The store asks us to come back later.</summary>
    Throttled = 7,

    /// <summary>The store could not be reached or did not make sense.</summary>
    Unavailable = 8,
}

/// <summary>The answer to a request for a secret: a value, or a sentence a person can act on that holds no secret material.</summary>
public sealed class SecretResult
{
    private SecretResult(SecretOutcome outcome, string reason)
    {
        Outcome = outcome;
        Reason = reason;
    }

    /// <summary>What became of it.</summary>
    public SecretOutcome Outcome { get; }

    /// <summary>Why there is no value and what to do about it; for a found secret, which version it is.</summary>
    public string Reason { get; }

    /// <summary>The secret; null unless <see cref="Outcome"/> is <see cref="SecretOutcome.Found"/>.</summary>
    public SecretValue? Value { get; private init; }

    /// <summary>How long to wait, when <see cref="Outcome"/> is <see cref="SecretOutcome.Throttled"/>.</summary>
    public TimeSpan? RetryAfter { get; private init; }

    /// <summary>True when the store could not be asked and an older value is served, which only <see cref="SecretsOptions.StaleFor"/> allows.</summary>
    public bool IsStale { get; private init; }

    /// <summary>True for what may pass by itself: throttled and unavailable. Everything else is the store's considered answer.</summary>
    public bool IsTransient => Outcome is SecretOutcome.Throttled or SecretOutcome.Unavailable;

    /// <summary>Gives the value when there is one.</summary>
    public bool TryGet([NotNullWhen(true)] out SecretValue? value)
    {
        value = Value;
        return value is not null;
    }

    /// <summary>The outcome and the reason; never the value.</summary>
    public override string ToString() => $"{Outcome}: {Reason}";

    /// <summary>A secret that may be used.</summary>
    public static SecretResult Found(SecretValue value) => new(SecretOutcome.Found, $"Version {value.Version}.") { Value = value };

    /// <summary>The store has no such secret.</summary>
    public static SecretResult NotFound(string reason) => new(SecretOutcome.NotFound, reason);

    /// <summary>Somebody disabled the secret.</summary>
    public static SecretResult Disabled(string reason) => new(SecretOutcome.Disabled, reason);

    /// <summary>The secret's expiry date has passed.</summary>
    public static SecretResult Expired(string reason) => new(SecretOutcome.Expired, reason);

    /// <summary>The secret's activation date has not come.</summary>
    public static SecretResult NotYetValid(string reason) => new(SecretOutcome.NotYetValid, reason);

    /// <summary>We may not read it.</summary>
    public static SecretResult Denied(string reason) => new(SecretOutcome.Denied, reason);

    /// <summary>The store asks us to come back later.</summary>
    public static SecretResult Throttled(string reason, TimeSpan retryAfter) => new(SecretOutcome.Throttled, reason) { RetryAfter = retryAfter };

    /// <summary>The store could not be reached or did not make sense.</summary>
    public static SecretResult Unavailable(string reason) => new(SecretOutcome.Unavailable, reason);

    internal SecretResult AsStale() => new(Outcome, Reason) { Value = Value, IsStale = true };
}
