using System.Security.Cryptography;
using IncidentFox.Workbench.Processes;

namespace IncidentFox.Workbench.Estate.Monitoring;

/// <summary>A random user and password for basic auth.</summary>
public sealed record BasicCredential(string User, string Password)
{
    internal static BasicCredential New(string user) => new(user, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)));

    /// <summary>The web configuration that Prometheus' programs share; the hash they demand is bcrypt.</summary>
    internal string WebConfig() => $"basic_auth_users:\n  {User}: '{BCrypt.Net.BCrypt.HashPassword(Password, WorkFactor)}'\n";

    /// <summary>The password is 128 random bits: a slow hash adds nothing, and every request pays for it.</summary>
    private const int WorkFactor = 4;

    public override string ToString() => $"{User}:[redacted]";
}

/// <summary>The folder of one monitoring server: readable and writable by the account it runs as.</summary>
internal sealed class MonitoringFolder : IDisposable
{
    private readonly SystemAccount? _account;

    private MonitoringFolder(string path, SystemAccount? account)
    {
        Root = path;
        _account = account;
        account?.Own(path);
        Directory.CreateDirectory(Data, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        account?.Own(Data);
    }

    public string Root { get; }

    public string Data => Path.Combine(Root, "data");

    /// <summary>A private temporary folder: what is measured is not kept over a restart, and the account can always reach it.</summary>
    public static MonitoringFolder Create(SystemAccount? account) => new(Directory.CreateTempSubdirectory("incidentfox-estate-").FullName, account);

    public string Write(string name, string content)
    {
        var path = Path.Combine(Root, name);
        var how = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite };
        using (var writer = new StreamWriter(path, how))
        {
            writer.Write(content);
        }

        _account?.Own(path);
        return path;
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
