using IncidentFox.Secrets;
using Npgsql;

namespace IncidentFox.Host.Configuration;

/// <summary>
/// Section <c>Database</c>: one PostgreSQL database, three logins. Connection strings carry no password: it comes from a secret reference beside each.
/// </summary>
public sealed class DatabaseOptions
{
    /// <summary>Name of the configuration section.</summary>
    public const string Section = "Database";

    /// <summary>Login of the owner, for <c>incidentfox migrate</c> and nothing else.</summary>
    public string? Owner { get; set; }

    /// <summary>Reference to the owner's password.</summary>
    public string? OwnerPassword { get; set; }

    /// <summary>Login with the role <c>incidentfox_bot</c>.</summary>
    public string? Bot { get; set; }

    /// <summary>Reference to the bot's password.</summary>
    public string? BotPassword { get; set; }

    /// <summary>Login with the role <c>incidentfox_gateway</c>.</summary>
    public string? Gateway { get; set; }

    /// <summary>Reference to the gateway's password.</summary>
    public string? GatewayPassword { get; set; }

    /// <summary>Reference to the key of questions, timelines and reports: 32 bytes, base64. Bot and gateway both need it.</summary>
    public string? ColumnKey { get; set; }

    /// <summary>Reference to the key of frozen calls: 32 bytes, base64. The gateway's alone.</summary>
    public string? FrozenCallKey { get; set; }

    internal static void CheckLogin(List<string> errors, string name, string? connectionString, string? password)
    {
        if (string.IsNullOrWhiteSpace(connectionString))
        {
            errors.Add($"{Section}:{name} is empty: give a PostgreSQL connection string such as Host=db.internal;Database=incidentfox;Username=incidentfox_bot.");
            return;
        }
        try
        {
            var builder = new NpgsqlConnectionStringBuilder(connectionString);
            if (!string.IsNullOrEmpty(builder.Password))
                errors.Add($"{Section}:{name} holds a password: take it out and put a secret reference into {Section}:{name}Password.");
        }
        catch (ArgumentException e)
        {
            errors.Add($"{Section}:{name} is not a PostgreSQL connection string: {e.Message}");
        }
        if (password is not null)
            CheckReference(errors, $"{Section}:{name}Password", password);
    }

    internal static void CheckReference(List<string> errors, string name, string? text)
    {
        if (!SecretReference.TryParse(text, out _, out var reason))
            errors.Add($"{name}: {reason}");
    }
}
