using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using IncidentFox.Secrets;

namespace IncidentFox.Gateway.Injection;

/// <summary>The secrets that were fetched for a request, by the names that the scheme has for them.</summary>
public sealed class CredentialSlots(params IReadOnlyList<KeyValuePair<string, SecretValue>> slots)
{
    private static readonly byte[] DigestKey = RandomNumberGenerator.GetBytes(32);

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

    /// <summary>Tells these secrets from others, within this process only.</summary>
    internal string Digest()
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, DigestKey);
        Span<byte> length = stackalloc byte[4];
        foreach (var (name, value) in slots)
        {
            foreach (var text in new[] { name, value.RevealForUse() })
            {
                var bytes = Encoding.UTF8.GetBytes(text);
                BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
                hash.AppendData(length);
                hash.AppendData(bytes);
            }
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Always <c>[redacted]</c>.</summary>
    public override string ToString() => "[redacted]";
}
