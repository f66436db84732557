namespace IncidentFox.Core.Policy;

/// <summary>The policies in force. Replaced whole; a reader sees the old one or the new one, never a mixture.</summary>
public sealed class PolicySource(ToolPolicy file)
{
    private ToolPolicy _file = file;

    /// <summary>The configuration's policy: the lowest layer, in force where the database holds none.</summary>
    public ToolPolicy File => Volatile.Read(ref _file);

    /// <summary>The policy in force for a team.</summary>
    public ToolPolicy For(OrgId org, TeamId team) => File;

    /// <summary>Puts another one in force.</summary>
    public void Replace(ToolPolicy policy) => Volatile.Write(ref _file, policy);
}
