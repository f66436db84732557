using IncidentFox.Secrets;

namespace IncidentFox.Gateway.Injection;

/// <summary>The secrets that were fetched for a request, by the names that the scheme has for them.</summary>
public sealed class CredentialSlots(params IReadOnlyList<KeyValuePair<string, SecretValue>> slots)
{
    /// <summary>Those of who needs none.</summary>
    public static CredentialSlots Nothing { get; } = new([]);

    /// <summary>A secret that the scheme can't do without; integrations that don't name it are not loaded.</summary>
    /// <exception cref="InvalidOperationException">It was not fetched.</exception>
    public SecretValue this[string slot] => Find(slot) ?? throw new InvalidOperationException($"The secret {slot} was not fetched.");

    /// <summary>A secret; null when the integration names none for it.</summary>
    public SecretValue? Find(string slot)
    {
        foreach (var (name, value) in slots)
        {
            if (name == slot)
                return value;
        }
        return null;
    }

    /// <summary>Always <c>[redacted]</c>.</summary>
    public override string ToString() => "[redacted]";
}
