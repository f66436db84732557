using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace IncidentFox.Secrets;

/// <summary>
/// A secret in memory. It prints as <c>[redacted]</c>, refuses JSON in both directions, and gives its text away through
/// <see cref="RevealForUse"/> alone, so that every use can be found by searching for that name.
/// </summary>
/// <remarks>Equality is about the text only, not the version, and takes the same time whatever the two texts are.</remarks>
[DebuggerDisplay("[redacted]")]
[JsonConverter(typeof(RefuseJson))]
public sealed class SecretValue : IEquatable<SecretValue>
{
    /// <summary>The largest secret accepted from any source, in bytes of UTF-8.</summary>
    public const int MaxBytes = 64 * 1024;

    // Comparing digests under a key of this process hides the lengths too, and gives a hash code that says nothing outside it.
    private static readonly byte[] ComparisonKey = RandomNumberGenerator.GetBytes(32);

    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private readonly string _text;

    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private readonly byte[] _digest;

    /// <summary>Wraps a secret that was fetched or minted.</summary>
    /// <param name="text">The secret. Never empty.</param>
    /// <param name="version">What tells this value from the one before it: safe to log.</param>
    /// <param name="fetchedAt">When the source gave it.</param>
    /// <param name="expiresAt">When the store says it stops being valid, or null.</param>
    public SecretValue(string text, string version, DateTimeOffset fetchedAt, DateTimeOffset? expiresAt = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(text);
        ArgumentException.ThrowIfNullOrEmpty(version);
        _text = text;
        _digest = HMACSHA256.HashData(ComparisonKey, Encoding.UTF8.GetBytes(text));
        Version = version;
        FetchedAt = fetchedAt;
        ExpiresAt = expiresAt;
    }

    /// <summary>The version in the store, or for a file the time it was last written.</summary>
    public string Version { get; }

    /// <summary>When the source gave this value.</summary>
    public DateTimeOffset FetchedAt { get; }

    /// <summary>When the store says it stops being valid, or null.</summary>
    public DateTimeOffset? ExpiresAt { get; }

    /// <summary>The secret itself. Call it where the credential is used and nowhere else; do not keep what it returns.</summary>
    public string RevealForUse() => _text;

    /// <summary>Always <c>[redacted]</c>.</summary>
    public override string ToString() => "[redacted]";

    /// <inheritdoc/>
    public bool Equals(SecretValue? other) => other is not null && CryptographicOperations.FixedTimeEquals(_digest, other._digest);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as SecretValue);

    /// <inheritdoc/>
    public override int GetHashCode() => BitConverter.ToInt32(_digest);

    /// <summary>Whether both hold the same text.</summary>
    public static bool operator ==(SecretValue? left, SecretValue? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Whether the texts differ.</summary>
    public static bool operator !=(SecretValue? left, SecretValue? right) => !(left == right);

    private sealed class RefuseJson : JsonConverter<SecretValue>
    {
        public override SecretValue Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException("A secret is never read from JSON: name it with a secret reference.");

        public override void Write(Utf8JsonWriter writer, SecretValue value, JsonSerializerOptions options) =>
            throw new NotSupportedException("A secret is never written to JSON.");
    }
}
