using System.Collections.Concurrent;
using System.Net;

namespace IncidentFox.Gateway.AgentDoor.Pods;

/// <summary>
/// What one address may cost before it is known who calls: questions to the API server and open connections. Where addresses are translated
/// (<see cref="PodDoorOptions.CheckAddress"/> is false) all pods may have one, which then may cost as much as many.
/// </summary>
internal sealed class PodThrottle(PodDoorOptions options, TimeProvider time)
{
    /// <summary>Connections of one address at once.</summary>
    public const int MaxConnections = 64;

    /// <summary>Connections of all addresses together.</summary>
    private const int MaxInAll = 4_096;

    private const int PodsBehindOne = 16;
    private const int MaxAddresses = 10_000;

    private readonly int _behind = options.CheckAddress ? 1 : PodsBehindOne;
    private readonly ConcurrentDictionary<IPAddress, int> _connections = new();
    private int _inAll;

    private double PerSecond => 10 * _behind;

    private double Burst => 40 * _behind;

    private readonly Dictionary<IPAddress, (double Tokens, long At)> _buckets = [];

    /// <summary>Whether it may connect once more; then <see cref="Leave"/> follows.</summary>
    public bool TryConnect(IPAddress address)
    {
        var inAll = Interlocked.Increment(ref _inAll);
        if (_connections.AddOrUpdate(address, 1, (_, n) => n + 1) <= MaxConnections * _behind && inAll <= MaxInAll)
            return true;
        Leave(address);
        return false;
    }

    public void Leave(IPAddress address)
    {
        Interlocked.Decrement(ref _inAll);
        if (_connections.AddOrUpdate(address, 0, (_, n) => n - 1) <= 0)
            _connections.TryRemove(KeyValuePair.Create(address, 0));
    }

    /// <summary>Takes one of its turns; false when it has none.</summary>
    public bool TryTake(IPAddress address)
    {
        lock (_buckets)
        {
            var now = time.GetTimestamp();
            // A full bucket and no bucket are the same.
            if (_buckets.Count >= MaxAddresses)
            {
                foreach (var full in _buckets.Where(b => Tokens(b.Value, now) >= Burst).Select(b => b.Key).ToList())
                    _buckets.Remove(full);
            }
            var tokens = _buckets.TryGetValue(address, out var bucket) ? Tokens(bucket, now) : _buckets.Count >= MaxAddresses ? 0 : Burst;
            if (tokens < 1)
                return false;
            _buckets[address] = (tokens - 1, now);
            return true;
        }
    }

    private double Tokens((double Tokens, long At) bucket, long now) => Math.Min(Burst, bucket.Tokens + (time.GetElapsedTime(bucket.At, now).TotalSeconds * PerSecond));
}
