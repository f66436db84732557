namespace IncidentFox.Workbench.Postgres;

/// <summary>Where PostgreSQL's server programs are. Debian keeps them out of PATH, one folder per version.</summary>
internal sealed record PostgresBinaries(string Folder)
{
    private const string DebianRoot = "/usr/lib/postgresql";

    public string Initdb => Path.Combine(Folder, "initdb");

    public string Postgres => Path.Combine(Folder, "postgres");

    /// <summary>The newest version installed, or for a cluster that exists exactly the version that wrote it.</summary>
    public static PostgresBinaries Find(string? clusterVersion)
    {
        var candidates = Candidates().Where(c => File.Exists(c.Folder.Postgres)).ToList();
        if (candidates.Count == 0)
        {
            throw new InvalidOperationException(
                "PostgreSQL is not installed (no server in /usr/lib/postgresql/*/bin or PATH). Install it: apt-get install postgresql");
        }

        if (clusterVersion is null)
        {
            return candidates.MaxBy(c => c.Version)!.Folder;
        }

        // The version of a server found by PATH is not known from its folder; it checks PG_VERSION itself.
        var match = candidates.Find(c => c.Version.ToString() == clusterVersion) ?? candidates.Find(c => c.Version == 0);
        return match?.Folder ?? throw new InvalidOperationException(
            $"The database was written by PostgreSQL {clusterVersion}, which is not installed. Install it (apt-get install postgresql-{clusterVersion}), or remove the folder to start afresh.");
    }

    private static IEnumerable<Candidate> Candidates()
    {
        if (Directory.Exists(DebianRoot))
        {
            foreach (var folder in Directory.EnumerateDirectories(DebianRoot))
            {
                if (int.TryParse(Path.GetFileName(folder), out var version))
                {
                    yield return new(version, new(Path.Combine(folder, "bin")));
                }
            }
        }

        foreach (var folder in (string[])["/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin"])
        {
            // Often only a link to a Debian folder, which is listed with its version already.
            var server = new FileInfo(Path.Combine(folder, "postgres"));
            if (server.Exists && server.ResolveLinkTarget(returnFinalTarget: true)?.FullName.StartsWith(DebianRoot, StringComparison.Ordinal) != true)
            {
                yield return new(0, new(folder));
            }
        }
    }

    private sealed record Candidate(int Version, PostgresBinaries Folder);
}
