using System.Buffers.Binary;
using System.Security.Cryptography;

namespace IncidentFox.Core.Audit;

/// <summary>
/// How the chain is made. An event's digest is the SHA-256 of its canonical JSON without its timestamp; its leaf is
/// <c>SHA-256(timestamp in microseconds since 1970 as 8 bytes big-endian ‖ digest)</c>; a block's hash is
/// <c>SHA-256(sequence of its first event as 8 bytes big-endian ‖ hash of the block before ‖ leaves in order)</c>.
/// </summary>
public static class AuditChain
{
    /// <summary>Bytes of every hash here.</summary>
    public const int Size = SHA256.HashSizeInBytes;

    /// <summary>What the first block builds on: 32 zero bytes.</summary>
    public static byte[] Genesis => new byte[Size];

    /// <summary>What is sealed of one event: when the database says it happened, and its digest.</summary>
    public static void Leaf(DateTime at, ReadOnlySpan<byte> digest, Span<byte> leaf)
    {
        if (digest.Length != Size)
            throw new ArgumentException("A digest has 32 bytes.", nameof(digest));
        Span<byte> input = stackalloc byte[8 + Size];
        BinaryPrimitives.WriteInt64BigEndian(input, (at.ToUniversalTime() - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);
        digest.CopyTo(input[8..]);
        SHA256.HashData(input, leaf);
    }

    /// <summary>The block's hash.</summary>
    /// <param name="first">Place of its first event, from 1.</param>
    /// <param name="previous">Hash of the block before.</param>
    /// <param name="leaves">32 bytes for each event.</param>
    public static byte[] Hash(long first, ReadOnlySpan<byte> previous, ReadOnlySpan<byte> leaves)
    {
        if (previous.Length != Size)
            throw new ArgumentException("A hash has 32 bytes.", nameof(previous));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> place = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(place, first);
        hash.AppendData(place);
        hash.AppendData(previous);
        hash.AppendData(leaves);
        return hash.GetHashAndReset();
    }
}
