namespace IncidentFox.TestKit.Vault;

/// <summary>What a <see cref="VaultDouble"/>'s KV version 2 engines hold.</summary>
public sealed class VaultContents(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, List<Version>> _secrets = new(StringComparer.Ordinal);

    /// <summary>How long a new version takes to be seen, as on a standby that lags behind.</summary>
    public TimeSpan Lag { get; set; }

    /// <summary>Stores a new version and returns its number.</summary>
    /// <param name="path">Such as <c>secret/app</c>: mount and path.</param>
    /// <param name="fields">Texts, mostly.</param>
    /// <param name="deletedAfter">As delete_version_after.</param>
    public int Set(string path, Dictionary<string, object> fields, TimeSpan? deletedAfter = null)
    {
        lock (_gate)
        {
            if (!_secrets.TryGetValue(path, out var versions))
            {
                _secrets[path] = versions = [];
            }

            versions.Add(new Version(fields, time.GetUtcNow(), time.GetUtcNow() + deletedAfter, Destroyed: false));
            return versions.Count;
        }
    }

    public int Set(string path, string field, string value) => Set(path, new Dictionary<string, object>(StringComparer.Ordinal) { [field] = value });

    public void Delete(string path) => Change(path, v => v with { DeletedAt = time.GetUtcNow() });

    public void Undelete(string path) => Change(path, v => v with { DeletedAt = null });

    public void Destroy(string path) => Change(path, v => v with { Destroyed = true });

    private void Change(string path, Func<Version, Version> change)
    {
        lock (_gate)
        {
            _secrets[path][^1] = change(_secrets[path][^1]);
        }
    }

    internal (int Status, object Answer) Answer(string path)
    {
        lock (_gate)
        {
            var parts = path.Split('/');
            var key = $"{parts[0]}/{string.Join('/', parts.Skip(2))}";
            if (parts.Length < 3 || parts[1] != "data" || !_secrets.TryGetValue(key, out var versions))
            {
                return (404, new { errors = Array.Empty<string>() });
            }

            var number = Math.Max(1, versions.Count(v => v.CreatedAt + Lag <= time.GetUtcNow()));
            var newest = versions[number - 1];
            var gone = newest.Destroyed || newest.DeletedAt <= time.GetUtcNow();
            return (gone ? 404 : 200, new
            {
                request_id = Guid.NewGuid(),
                data = new
                {
                    data = gone ? null : newest.Fields,
                    metadata = new { created_time = "2026-01-01T00:00:00Z", deletion_time = newest.DeletedAt?.ToString("O") ?? "", destroyed = newest.Destroyed, version = number },
                },
            });
        }
    }

    private sealed record Version(Dictionary<string, object> Fields, DateTimeOffset CreatedAt, DateTimeOffset? DeletedAt, bool Destroyed);
}
