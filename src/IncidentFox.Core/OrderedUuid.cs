using System.Buffers.Binary;
using System.Security.Cryptography;

namespace IncidentFox.Core;

/// <summary>
/// UUIDs of version 7 (RFC 9562, section 5.7) for what every call makes several of. The framework's ask the system for random bytes each; these take theirs, 74 bits of the
/// same quality, from what was fetched for many.
/// </summary>
public static class OrderedUuid
{
    private const int Each = 10;
    private const int Fetched = 50 * Each;

    [ThreadStatic]
    private static byte[]? _random;

    [ThreadStatic]
    private static int _left;

    /// <summary>A new one; one of a later millisecond sorts later.</summary>
    public static Guid New() => New(TimeProvider.System.GetUtcNow());

    /// <summary>A new one, of that millisecond.</summary>
    public static Guid New(DateTimeOffset at)
    {
        var random = _random ??= new byte[Fetched];
        if (_left == 0)
        {
            RandomNumberGenerator.Fill(random);
            _left = Fetched;
        }
        _left -= Each;
        Span<byte> id = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(id, at.ToUnixTimeMilliseconds() << 16);
        random.AsSpan(_left, Each).CopyTo(id[6..]);
        id[6] = (byte)(0x70 | (id[6] & 0x0F));
        id[8] = (byte)(0x80 | (id[8] & 0x3F));
        return new Guid(id, bigEndian: true);
    }
}
