using System.Security.Cryptography;

namespace IncidentFox.TestKit.KeyVault;

/// <summary>What a secret's version carries besides its value.</summary>
public sealed record KeyVaultAttributes
{
    public bool Enabled { get; init; } = true;

    public DateTimeOffset? NotBefore { get; init; }

    public DateTimeOffset? Expires { get; init; }
}

/// <summary>The secrets of a vault, with their versions. Names and versions are compared without regard to case, as the service does.</summary>
public sealed class KeyVaultContents
{
    private sealed record Stored(string Version, string Value, KeyVaultAttributes Attributes);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, List<Stored>> _secrets = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, List<Stored>> _deleted = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Adds a version, which becomes the newest, and returns its identifier.</summary>
    public string Set(string name, string value, KeyVaultAttributes? attributes = null)
    {
        lock (_gate)
        {
            if (_deleted.ContainsKey(name))
            {
                throw new InvalidOperationException($"409 Conflict: {name} is deleted but recoverable; the service refuses the name too.");
            }

            var version = RandomNumberGenerator.GetHexString(32, lowercase: true);
            if (!_secrets.TryGetValue(name, out var versions))
            {
                _secrets.Add(name, versions = []);
            }

            versions.Add(new Stored(version, value, attributes ?? new KeyVaultAttributes()));
            return version;
        }
    }

    /// <summary>Changes the attributes of the newest version.</summary>
    public void Update(string name, KeyVaultAttributes attributes)
    {
        lock (_gate)
        {
            _secrets[name][^1] = _secrets[name][^1] with { Attributes = attributes };
        }
    }

    /// <summary>Deletes a secret; it stays recoverable.</summary>
    public void Delete(string name)
    {
        lock (_gate)
        {
            _secrets.Remove(name, out var versions);
            _deleted.Add(name, versions ?? throw new InvalidOperationException($"404: there is no secret {name}."));
        }
    }

    /// <summary>Brings a deleted secret back.</summary>
    public void Recover(string name)
    {
        lock (_gate)
        {
            _deleted.Remove(name, out var versions);
            _secrets.Add(name, versions ?? throw new InvalidOperationException($"404: there is no deleted secret {name}."));
        }
    }

    /// <summary>GET /secrets/{name} or /secrets/{name}/{version}, as the service answers it.</summary>
    internal KeyVaultAnswer Answer(string method, string path, string host)
    {
        var parts = path.Trim('/').Split('/');
        if (method != "GET" || parts.Length is < 2 or > 3 || parts[0] != "secrets")
        {
            return KeyVaultAnswer.MethodNotAllowed;
        }

        lock (_gate)
        {
            var version = parts.Length == 3 ? parts[2] : null;
            var versions = _secrets.GetValueOrDefault(parts[1]);
            var secret = version is null ? versions?[^1] : versions?.Find(v => v.Version.Equals(version, StringComparison.OrdinalIgnoreCase));
            if (secret is null)
            {
                return KeyVaultAnswer.SecretNotFound(version is null ? parts[1] : $"{parts[1]}/{version}");
            }

            if (!secret.Attributes.Enabled)
            {
                return KeyVaultAnswer.SecretDisabled;
            }

            // Dates are informative to the service: an expired secret is still given.
            return KeyVaultAnswer.Secret(new
            {
                value = secret.Value,
                id = $"https://{host}/secrets/{parts[1]}/{secret.Version}",
                attributes = new
                {
                    enabled = true,
                    nbf = secret.Attributes.NotBefore?.ToUnixTimeSeconds(),
                    exp = secret.Attributes.Expires?.ToUnixTimeSeconds(),
                    created = 1_700_000_000,
                    updated = 1_700_000_000,
                    recoveryLevel = "Recoverable+Purgeable",
                    recoverableDays = 90,
                },
            });
        }
    }
}
