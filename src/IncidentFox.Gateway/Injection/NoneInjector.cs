namespace IncidentFox.Gateway.Injection;

/// <summary>The target asks for no credential.</summary>
public sealed class NoneInjector : IInjector
{
    /// <inheritdoc />
    public Injected Inject(HttpRequestMessage request, Credential credential) => new([], null);
}
