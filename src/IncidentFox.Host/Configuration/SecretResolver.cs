using IncidentFox.Secrets;
using Npgsql;

namespace IncidentFox.Host.Configuration;

/// <summary>Fetches what start-up itself needs: database passwords, column keys, Slack's tokens. Collects every failure before anything starts.</summary>
public sealed class SecretResolver(SecretStore store)
{
    private readonly List<string> _errors = [];

    /// <summary>What could not be had, each with its setting's name.</summary>
    public IReadOnlyList<string> Errors => _errors;

    /// <summary>A text secret; empty when it could not be had.</summary>
    public async Task<string> TextAsync(string setting, string? reference, CancellationToken cancellationToken)
    {
        if (!SecretReference.TryParse(reference, out var parsed, out var reason))
        {
            _errors.Add($"{setting}: {reason}");
            return "";
        }
        var result = await store.GetAsync(parsed, SecretPurpose.Installation, cancellationToken);
        if (result.TryGet(out var value))
            return value.RevealForUse();
        _errors.Add($"{setting}: {result.Reason}");
        return "";
    }

    /// <summary>A key of 32 bytes from base64; null when it could not be had.</summary>
    public async Task<byte[]?> KeyAsync(string setting, string? reference, CancellationToken cancellationToken)
    {
        var text = await TextAsync(setting, reference, cancellationToken);
        if (text.Length == 0)
            return null;
        var key = new byte[33];
        if (Convert.TryFromBase64String(text.Trim(), key, out var length) && length == 32)
            return key[..32];
        _errors.Add($"{setting}: the secret is not 32 bytes in base64. Make one with: openssl rand -base64 32");
        return null;
    }

    // The product runs the same hundred statements over and over; planning each anew costs the database as much as running it.
    private const int PreparedStatements = 100;

    /// <summary>A connection string with its password.</summary>
    public async Task<string> ConnectionStringAsync(string setting, string? connectionString, string? password, string role, CancellationToken cancellationToken)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString) { ApplicationName = $"incidentfox-{role}" };
        if (builder.MaxAutoPrepare == 0)
            builder.MaxAutoPrepare = PreparedStatements;
        if (password is not null)
            builder.Password = await TextAsync($"{setting}Password", password, cancellationToken);
        return builder.ConnectionString;
    }
}
