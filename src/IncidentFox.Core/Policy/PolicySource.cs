using Microsoft.Extensions.Logging;

namespace IncidentFox.Core.Policy;

/// <summary>The policies in force, in memory. Replaced whole; a reader sees the old ones or the new ones, never a mixture.</summary>
/// <param name="file">The configuration's policy: the lowest layer, in force where nothing else is set.</param>
/// <param name="store">What people set; null: nothing but the file. Until it was read once everything is denied.</param>
/// <param name="logger">Told of every policy that can't be read.</param>
public sealed class PolicySource(ToolPolicy file, PolicyStore? store = null, ILogger<PolicySource>? logger = null) : IDisposable
{
    private readonly SemaphoreSlim _refreshing = new(1, 1);
    private InForce _inForce = new(file, [], store is null ? null : "The policies were not read from the database yet, so everything is denied. Try again.");

    /// <summary>The policy in force for a team.</summary>
    public ToolPolicy For(OrgId org, TeamId team) => Volatile.Read(ref _inForce).For(org, team);

    /// <summary>Puts another file policy in force.</summary>
    public void Replace(ToolPolicy policy)
    {
        var now = Volatile.Read(ref _inForce);
        Volatile.Write(ref _inForce, new(policy, now.Layers, now.Missing));
    }

    /// <summary>Reads what changed in the database. What throws leaves everything as it was.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        if (store is null)
            return;
        await _refreshing.WaitAsync(cancellationToken);
        try
        {
            var now = Volatile.Read(ref _inForce);
            var layers = await store.ReadAsync(now.Layers, cancellationToken);
            if (now.Missing is null && layers.Select(l => l.Id).SequenceEqual(now.Layers.Select(l => l.Id)))
                return;
            var next = new InForce(now.File, layers, null);
            foreach (var reason in next.Unreadable)
                logger?.LogError("{Reason}", reason);
            Volatile.Write(ref _inForce, next);
            logger?.LogInformation("Policies in force: the file's and {Count} of the database", layers.Count);
        }
        finally
        {
            _refreshing.Release();
        }
    }

    /// <summary>From now on everything is denied, until they were read again.</summary>
    public void Forget(string reason)
    {
        var now = Volatile.Read(ref _inForce);
        Volatile.Write(ref _inForce, new(now.File, now.Layers, reason));
    }

    /// <inheritdoc />
    public void Dispose() => _refreshing.Dispose();

    private sealed class InForce
    {
        private readonly Dictionary<OrgId, ToolPolicy> _orgs = [];
        private readonly Dictionary<(OrgId, TeamId), ToolPolicy> _teams = [];
        private readonly ToolPolicy _otherwise;

        public InForce(ToolPolicy file, IReadOnlyList<StoredLayer> layers, string? missing)
        {
            (File, Layers, Missing) = (file, layers, missing);
            _otherwise = missing is null ? file : ToolPolicy.DenyAll(missing);
            if (missing is not null)
                return;
            var texts = layers.Where(l => l.Team is null).ToDictionary(l => new OrgId(l.Org), l => l.Json);
            foreach (var (org, json) in texts)
                _orgs[org] = PolicyStore.Effective(file, org, null, json, null);
            foreach (var layer in layers.Where(l => l.Team is not null))
            {
                var (org, team) = (new OrgId(layer.Org), new TeamId(layer.Team!));
                _teams[(org, team)] = PolicyStore.Effective(file, org, team, texts.GetValueOrDefault(org), layer.Json);
            }
        }

        public ToolPolicy File { get; }

        public IReadOnlyList<StoredLayer> Layers { get; }

        public string? Missing { get; }

        public IEnumerable<string> Unreadable => _orgs.Values.Concat(_teams.Values).Select(p => p.Unreadable).OfType<string>();

        public ToolPolicy For(OrgId org, TeamId team) =>
            _teams.TryGetValue((org, team), out var own) ? own : _orgs.GetValueOrDefault(org, _otherwise);
    }
}
