namespace IncidentFox.Gateway.Injection.Certificates;

/// <summary>What was made of secrets, so that keys are not parsed for every request: kept for a few minutes, by a digest of what it was made of.</summary>
internal sealed class ParsedSecrets<T>(TimeProvider time) where T : class
{
    private const int MostKept = 200;
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(5);

    private readonly Dictionary<string, (T Value, long Since)> _parsed = [];
    private readonly Lock _gate = new();

    public T Get(string digest, Func<T> parse)
    {
        lock (_gate)
        {
            if (_parsed.TryGetValue(digest, out var found) && time.GetElapsedTime(found.Since) < Kept)
                return found.Value;
        }
        var value = parse();   // twice at the same moment does no harm
        lock (_gate)
        {
            foreach (var spent in _parsed.Where(p => time.GetElapsedTime(p.Value.Since) >= Kept).Select(p => p.Key).ToArray())
                _parsed.Remove(spent);
            if (_parsed.Count < MostKept)
                _parsed[digest] = (value, time.GetTimestamp());
        }
        return value;
    }
}
