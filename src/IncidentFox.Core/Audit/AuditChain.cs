using System.Buffers.Binary;
using System.Security.Cryptography;
using IncidentFox.Core.Tools;

namespace IncidentFox.Core.Audit;

/// <summary>How links are made: <c>hash = SHA-256(sequence as 8 bytes big-endian ‖ previous hash ‖ SHA-256 of the event's canonical JSON)</c>.</summary>
public static class AuditChain
{
    /// <summary>What the first link builds on: 32 zero bytes.</summary>
    public static byte[] Genesis => new byte[32];

    /// <summary>SHA-256 of the canonical JSON of what is sealed.</summary>
    /// <param name="e">The event.</param>
    /// <param name="payloadDigest">Of its query.</param>
    /// <param name="take">True: the event was read for this and nothing else.</param>
    public static byte[] Digest(AuditEvent e, byte[]? payloadDigest, bool take = false) =>
        SHA256.HashData(CanonicalJson.Write(AuditJson.Sealed(e, payloadDigest, take)));

    /// <summary>The link's hash.</summary>
    public static byte[] Hash(long sequence, ReadOnlySpan<byte> previous, ReadOnlySpan<byte> digest)
    {
        if (previous.Length != 32 || digest.Length != 32)
            throw new ArgumentException("A link is made of two hashes of 32 bytes.", nameof(previous));
        Span<byte> input = stackalloc byte[8 + 32 + 32];
        BinaryPrimitives.WriteInt64BigEndian(input, sequence);
        previous.CopyTo(input[8..]);
        digest.CopyTo(input[40..]);
        return SHA256.HashData(input);
    }
}
