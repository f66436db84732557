using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;

namespace IncidentFox.Gateway.Scrubbing;

/// <summary>
/// Patterns of the secrets that are in use: to prepare them takes much longer than to look for them. Bounded in number and memory. A set
/// is known by a keyed digest, and for as long by the strings that were asked for last; and as patterns are made of the secrets, they are forgotten within three minutes of
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
    private readonly Entry?[] _asked = new Entry?[16];   // by the very strings that were asked for last: a digest takes longer
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
        ref var asked = ref _asked[RuntimeHelpers.GetHashCode(secrets[0]) % _asked.Length];
        if (Volatile.Read(ref asked) is { } last && last.Is(secrets) is { } same)
            return same;
        var digest = DigestOf(secrets);
        lock (_gate)
        {
            if (_entries.TryGetValue(digest, out var known))
            {
                known.Ask([.. secrets]);
                Volatile.Write(ref asked, known);
                return known.Patterns;
            }
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
        if (!_entries.Remove(digest, out var entry))
            return;
        _bytes -= entry.Patterns.Size;
        entry.Ask(null);
        for (var i = 0; i < _asked.Length; i++)
            Interlocked.CompareExchange(ref _asked[i], null, entry);
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
        {
            _entries.Clear();
            Array.Clear(_asked);
        }
    }

    private sealed class Entry(SecretPatterns patterns, long made)
    {
        private string[]? _secrets;

        public SecretPatterns Patterns { get; } = patterns;

        public long Made { get; } = made;

        // Null: forgotten.
        public void Ask(string[]? secrets) => Volatile.Write(ref _secrets, secrets);

        // The same strings, not only the same text.
        public SecretPatterns? Is(IReadOnlyList<string> secrets)
        {
            if (Volatile.Read(ref _secrets) is not { } asked || asked.Length != secrets.Count)
                return null;
            for (var i = 0; i < asked.Length; i++)
            {
                if (!ReferenceEquals(asked[i], secrets[i]))
                    return null;
            }
            return Patterns;
        }
    }
}
