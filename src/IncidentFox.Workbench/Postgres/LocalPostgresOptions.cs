namespace IncidentFox.Workbench.Postgres;

public sealed record LocalPostgresOptions
{
    /// <summary>Where the cluster lives. May be left empty when <see cref="Ephemeral"/>: a temporary folder then.</summary>
    public string DataDirectory { get; init; } = "";

    /// <summary>For tests: fast and unsafe (no fsync), stopped at once with its parent, removed at the end.</summary>
    public bool Ephemeral { get; init; }

    /// <summary>Commits reach the disk also when <see cref="Ephemeral"/>: for measuring what they cost.</summary>
    public bool Durable { get; init; }
}
