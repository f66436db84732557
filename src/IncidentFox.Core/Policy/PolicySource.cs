namespace IncidentFox.Core.Policy;

/// <summary>The policy in force. Replaced whole; a reader sees the old one or the new one, never a mixture.</summary>
public sealed class PolicySource(ToolPolicy initial)
{
    private ToolPolicy _current = initial;

    /// <summary>The policy in force now.</summary>
    public ToolPolicy Current => Volatile.Read(ref _current);

    /// <summary>Puts another one in force.</summary>
    public void Replace(ToolPolicy policy) => Volatile.Write(ref _current, policy);
}
