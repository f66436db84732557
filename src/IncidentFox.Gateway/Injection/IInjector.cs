using IncidentFox.Secrets;

namespace IncidentFox.Gateway.Injection;

/// <summary>
/// Adds a credential to a request, and nothing else. Who may call, where to and what is logged are other types' work.
/// </summary>
public interface IInjector
{
    /// <summary>Adds the credential.</summary>
    /// <param name="request">Without credentials.</param>
    /// <param name="credential">What was fetched for it.</param>
    /// <returns>Every form of a secret that is in the request now: the answer is scrubbed of them. Or why it can't be added.</returns>
    Injected Inject(HttpRequestMessage request, Credential credential);
}

/// <summary>What a scheme needs. Values are secrets or, for a user name, may be none.</summary>
/// <param name="Secret">The secret; null with the scheme none.</param>
/// <param name="UserName">With basic.</param>
/// <param name="UserNameIsSecret">The user name came from a secret store too.</param>
/// <param name="HeaderName">With a header of its own.</param>
public sealed record Credential(SecretValue? Secret, string? UserName, bool UserNameIsSecret, string? HeaderName)
{
    /// <summary>The credential of those who need none.</summary>
    public static Credential Nothing { get; } = new(null, null, false, null);

    /// <summary>Always <c>[redacted]</c>.</summary>
    public override string ToString() => "[redacted]";
}

/// <summary>What came of adding it.</summary>
/// <param name="Secrets">What must never come back.</param>
/// <param name="Problem">A sentence without secret material; null when it was added.</param>
public readonly record struct Injected(IReadOnlyList<string> Secrets, string? Problem)
{
    /// <summary>Says how many, not which.</summary>
    public override string ToString() => Problem ?? $"{Secrets.Count} secrets";

    internal static Injected Refused(string problem) => new([], problem);
}
