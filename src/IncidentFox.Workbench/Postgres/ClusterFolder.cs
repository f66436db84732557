using System.Security.Cryptography;
using System.Text;
using IncidentFox.Workbench.Processes;

namespace IncidentFox.Workbench.Postgres;

/// <summary>The folder of one cluster: found or made so that the server's account can reach it, locked while in use.</summary>
internal sealed class ClusterFolder : IDisposable
{
    private const string TemporaryPrefix = "incidentfox-pg-";
    private const string SharedMemory = "/dev/shm";
    private const long RoomNeeded = 4L << 30;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Reachable = OwnerOnly | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
    private readonly FileStream _lock;
    private readonly bool _temporary;

    private ClusterFolder(string path, SystemAccount? account, bool temporary)
    {
        Root = path;
        Account = account;
        _temporary = temporary;
        _lock = TryLock(path) ?? throw new InvalidOperationException(
            $"Another run uses the database in {path}: stop it first, or use another folder.");
    }

    public string Root { get; }

    /// <summary>Whom the server runs as when we are root.</summary>
    public SystemAccount? Account { get; }

    public string Cluster => Path.Combine(Root, "cluster");

    public string Unfinished => Path.Combine(Root, "cluster.unfinished");

    public string PasswordFile => Path.Combine(Root, "owner-password");

    public string LogFile => Path.Combine(Root, "postgres.log");

    public string? Version
    {
        get
        {
            var file = Path.Combine(Cluster, "PG_VERSION");
            return File.Exists(file) ? File.ReadAllText(file).Trim() : null;
        }
    }

    public static async Task<ClusterFolder> OpenAsync(LocalPostgresOptions options, CancellationToken cancellationToken)
    {
        var account = SystemAccount.WeAreRoot ? SystemAccount.Find("postgres", "nobody") : null;
        if (options.DataDirectory.Length == 0)
        {
            if (!options.Ephemeral)
            {
                throw new ArgumentException("A cluster that is kept needs a DataDirectory.", nameof(options));
            }

            RemoveLeftOvers();
            var temporary = Path.Combine(TemporaryPlace(), TemporaryPrefix + RandomNumberGenerator.GetHexString(12, lowercase: true));
            Directory.CreateDirectory(temporary, Reachable);
            File.SetUnixFileMode(temporary, Reachable);
            return new(temporary, account, temporary: true);
        }

        var wanted = Path.GetFullPath(options.DataDirectory);
        Directory.CreateDirectory(wanted, Reachable);
        if (account is null || await CanReachAsync(wanted, account, cancellationToken))
        {
            return new(wanted, account, options.Ephemeral);
        }

        // Root's own folders (a checkout under /root) are closed to the server's account.
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(wanted)))[..12];
        var elsewhere = Path.Combine("/var/lib/incidentfox", hash);
        Directory.CreateDirectory(elsewhere, Reachable);
        return new(elsewhere, account, options.Ephemeral);
    }

    /// <summary>A new private folder for the server's account.</summary>
    public string MakeSocketFolder()
    {
        // Paths of Unix sockets end near 107 bytes, so it is never below the data folder.
        var folder = Directory.CreateTempSubdirectory("ifpg-").FullName;
        Account?.Own(folder);
        return folder;
    }

    /// <summary>The random password of the owner's role, kept beside the cluster for the next start.</summary>
    public string ReadOrMakeOwnerPassword()
    {
        if (File.Exists(PasswordFile))
        {
            return File.ReadAllText(PasswordFile).Trim();
        }

        var password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
        var how = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        using var writer = new StreamWriter(PasswordFile, how);
        writer.Write(password);
        return password;
    }

    public void Dispose()
    {
        _lock.Dispose();
        if (_temporary)
        {
            Directory.Delete(Root, recursive: true);
        }
    }

    private static async Task<bool> CanReachAsync(string path, SystemAccount account, CancellationToken cancellationToken)
    {
        await using var test = ChildProcess.Start(new()
        {
            Program = "/usr/bin/test",
            Arguments = ["-x", path],
            WorkingDirectory = "/",
            Account = account,
        });
        await test.WaitForExitAsync(cancellationToken);
        return test.ExitCode == 0;
    }

    private static FileStream? TryLock(string path)
    {
        try
        {
            return new FileStream(Path.Combine(path, "in-use.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }

    // A test's database is some hundred files, made and removed again: ext4 takes longer and longer to find numbers for new ones while old ones were just given
    // back. In memory that costs nothing, where there is enough of it.
    private static string TemporaryPlace()
    {
        try
        {
            return Directory.Exists(SharedMemory) && new DriveInfo(SharedMemory).AvailableFreeSpace > RoomNeeded && GC.GetGCMemoryInfo().TotalAvailableMemoryBytes > RoomNeeded
                ? SharedMemory : Path.GetTempPath();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Path.GetTempPath();
        }
    }

    /// <summary>Removes what tests left that were killed. A cluster in use is locked; one being made is young.</summary>
    private static void RemoveLeftOvers()
    {
        string[] places = [Path.GetTempPath(), SharedMemory];
        foreach (var folder in places.Where(Directory.Exists).SelectMany(p => Directory.EnumerateDirectories(p, TemporaryPrefix + "*")))
        {
            try
            {
                if (TimeProvider.System.GetUtcNow().UtcDateTime - Directory.GetCreationTimeUtc(folder) < TimeSpan.FromMinutes(1))
                {
                    continue;
                }

                using (var held = TryLock(folder))
                {
                    if (held is null || StaleServer.IsRunning(Path.Combine(folder, "cluster")))
                    {
                        continue;
                    }
                }

                Directory.Delete(folder, recursive: true);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // Somebody else's, or somebody else removes it now.
                continue;
            }
        }
    }
}
