using IncidentFox.Gateway.Rules;

namespace IncidentFox.Gateway.Injection;

/// <summary>The class of each scheme.</summary>
internal sealed class Injectors
{
    private readonly NoneInjector _none = new();
    private readonly BearerInjector _bearer = new();
    private readonly BasicInjector _basic = new();
    private readonly HeaderInjector _header = new();
    private readonly QueryInjector _query = new();
    private readonly MissingInjector _missing = new();

    public IInjector For(AuthScheme scheme) => scheme switch
    {
        AuthScheme.None => _none,
        AuthScheme.Bearer => _bearer,
        AuthScheme.Basic => _basic,
        AuthScheme.Header => _header,
        AuthScheme.Query => _query,
        _ => _missing,
    };

    private sealed class MissingInjector : IInjector
    {
        public ValueTask<Injected> InjectAsync(InjectionContext context, CancellationToken cancellationToken) =>
            new(Injected.Refuse($"The scheme {AuthSchemes.Of(context.Integration.Auth.Scheme).Name} is not built yet."));
    }
}
