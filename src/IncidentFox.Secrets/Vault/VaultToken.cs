namespace IncidentFox.Secrets.Vault;

/// <summary>A token that Vault gave or accepted. Times are monotonic ticks.</summary>
internal sealed class VaultToken(string text, bool renewable, TimeSpan lease, long from, TimeProvider time)
{
    private readonly long _ends = lease == TimeSpan.Zero ? long.MaxValue : from + (long)(lease.TotalSeconds * time.TimestampFrequency);

    public bool Renewable => renewable;

    /// <summary>How long it was good for when it was given or renewed; zero for one that does not end.</summary>
    public TimeSpan Lease => lease;

    public bool IsUsable => time.GetTimestamp() < _ends;

    /// <summary>How long it is still good.</summary>
    public TimeSpan Left => lease == TimeSpan.Zero ? TimeSpan.MaxValue : TimeSpan.FromSeconds(Math.Max(0, (_ends - time.GetTimestamp()) / (double)time.TimestampFrequency));

    public string RevealForUse() => text;

    public bool Is(string other) => text == other;

    /// <summary>Always <c>[redacted]</c>.</summary>
    public override string ToString() => "[redacted]";
}
