namespace IncidentFox.Gateway.Rules;

/// <summary>
/// The integrations in force. Whoever serves a call asks once and keeps what it got: a call in flight is not changed by a new set.
/// </summary>
public sealed class IntegrationSource(IntegrationCatalog initial)
{
    private volatile IntegrationCatalog _current = initial;

    /// <summary>The set in force.</summary>
    public IntegrationCatalog Current => _current;

    /// <summary>Puts a checked set in force.</summary>
    public void Replace(IntegrationCatalog catalog) => _current = catalog;
}
