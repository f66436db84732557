using System.Buffers.Binary;
using System.Security.Cryptography;

namespace IncidentFox.Core.Audit;

/// <summary>
/// How the chain is made. An event's digest is the SHA-256 of its canonical JSON without its timestamp; its seal is its timestamp in microseconds since 1970 as
/// 8 bytes big-endian, and its digest. A block's hash is
/// <c>SHA-256(sequence of its first event as 8 bytes big-endian ‖ hash of the block before ‖ seals in order)</c>.
/// </summary>
public static class AuditChain
{
    /// <summary>Bytes of every hash here.</summary>
    public const int Size = SHA256.HashSizeInBytes;

    /// <summary>Bytes of a seal.</summary>
    public const int SealSize = sizeof(long) + Size;

    /// <summary>What the first block builds on: 32 zero bytes.</summary>
    public static byte[] Genesis => new byte[Size];

    /// <summary>What is sealed of one event: when the database says it happened, and its digest.</summary>
    public static void Seal(DateTime at, ReadOnlySpan<byte> digest, Span<byte> seal)
    {
        if (digest.Length != Size)
            throw new ArgumentException("A digest has 32 bytes.", nameof(digest));
        BinaryPrimitives.WriteInt64BigEndian(seal, (at.ToUniversalTime() - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);
        digest.CopyTo(seal[sizeof(long)..]);
    }

    /// <summary>The block's hash.</summary>
    /// <param name="first">Place of its first event, from 1.</param>
    /// <param name="previous">Hash of the block before.</param>
    /// <param name="seals">Of its events.</param>
    public static byte[] Hash(long first, ReadOnlySpan<byte> previous, ReadOnlySpan<byte> seals)
    {
        if (previous.Length != Size)
            throw new ArgumentException("A hash has 32 bytes.", nameof(previous));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> place = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(place, first);
        hash.AppendData(place);
        hash.AppendData(previous);
        hash.AppendData(seals);
        return hash.GetHashAndReset();
    }
}
