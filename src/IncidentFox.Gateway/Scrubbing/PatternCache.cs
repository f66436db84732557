using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace IncidentFox.Gateway.Scrubbing;

/// <summary>
/// Patterns of the secrets that are in use: to prepare them takes much longer than to look for them. Bounded in number and memory. A set
/// is known by a keyed digest, never by the secrets; and as patterns are made of the secrets, they are forgotten within three minutes of
/// being made, used or not: sooner than the secret cache forgets its own by default.
/// </summary>
internal sealed class PatternCache : IDisposable
{
    private const int MostSets = 256;
    private const long MostBytes = 64 * 1024 * 1024;
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan SweepEvery = TimeSpan.FromSeconds(30);
    private static readonly SecretPatterns Nothing = SecretPatterns.Of([]);

    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly Dictionary<(long, long), Entry> _entries = [];
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly ITimer _sweep;
    private long _bytes;

    public PatternCache(TimeProvider time)
    {
        _time = time;
        _sweep = time.CreateTimer(static cache => ((PatternCache)cache!).Sweep(), this, SweepEvery, SweepEvery);
    }

    internal int Count
    {
        get
        {
            lock (_gate)
                return _entries.Count;
        }
    }

    /// <summary>As <see cref="SecretPatterns.Of"/>, from memory where possible.</summary>
    public SecretPatterns Of(IReadOnlyList<string> secrets)
    {
        if (secrets.Count == 0)
            return Nothing;
        var digest = DigestOf(secrets);
        lock (_gate)
        {
            if (_entries.TryGetValue(digest, out var known))
                return known.Patterns;
        }
        var patterns = SecretPatterns.Of(secrets);
        lock (_gate)
        {
            while (_entries.Count > 0 && (_entries.Count >= MostSets || _bytes + patterns.Size > MostBytes))
                Remove(_entries.MinBy(e => e.Value.Made).Key);
            if (_entries.TryAdd(digest, new Entry(patterns, _time.GetTimestamp())))
                _bytes += patterns.Size;
        }
        return patterns;
    }

    private void Sweep()
    {
        lock (_gate)
        {
            foreach (var digest in _entries.Where(e => _time.GetElapsedTime(e.Value.Made) >= Lifetime).Select(e => e.Key).ToArray())
                Remove(digest);
        }
    }

    private void Remove((long, long) digest)
    {
        if (_entries.Remove(digest, out var entry))
            _bytes -= entry.Patterns.Size;
    }

    private (long, long) DigestOf(IReadOnlyList<string> secrets)
    {
        var size = secrets.Sum(static s => sizeof(int) + Encoding.UTF8.GetByteCount(s));
        var text = ArrayPool<byte>.Shared.Rent(size);
        var at = 0;
        foreach (var secret in secrets)
        {
            var length = Encoding.UTF8.GetBytes(secret, text.AsSpan(at + sizeof(int)));
            BinaryPrimitives.WriteInt32LittleEndian(text.AsSpan(at), length);
            at += sizeof(int) + length;
        }
        Span<byte> digest = stackalloc byte[32];
        HMACSHA256.HashData(_key, text.AsSpan(0, size), digest);
        CryptographicOperations.ZeroMemory(text.AsSpan(0, size));
        ArrayPool<byte>.Shared.Return(text);
        return (BitConverter.ToInt64(digest), BitConverter.ToInt64(digest[8..]));
    }

    public void Dispose()
    {
        _sweep.Dispose();
        lock (_gate)
            _entries.Clear();
    }

    private sealed record Entry(SecretPatterns Patterns, long Made);
}
