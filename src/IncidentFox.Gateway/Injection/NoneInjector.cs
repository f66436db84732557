namespace IncidentFox.Gateway.Injection;

/// <summary>The target asks for no credential.</summary>
public sealed class NoneInjector : IInjector
{
    /// <inheritdoc />
    public ValueTask<Injected> InjectAsync(InjectionContext context, CancellationToken cancellationToken) => new(Injected.Nothing);
}
