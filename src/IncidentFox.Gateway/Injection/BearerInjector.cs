using System.Net.Http.Headers;

namespace IncidentFox.Gateway.Injection;

/// <summary><c>Authorization: Bearer TOKEN</c> (RFC 6750, section 2.1).</summary>
public sealed class BearerInjector : IInjector
{
    /// <inheritdoc />
    public ValueTask<Injected> InjectAsync(InjectionContext context, CancellationToken cancellationToken) =>
        new(Inject(context.Message, context.Secrets["token"].RevealForUse()));

    /// <summary>Adds a token, wherever it is from.</summary>
    internal static Injected Inject(HttpRequestMessage message, string token)
    {
        if (!HeaderText.IsToken68(token))
            return Injected.Refuse("The credential has characters that a bearer token can't have (RFC 6750: letters, digits, - . _ ~ + / and = at the end). Look at the secret's value.");
        message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return new([token], null);
    }
}
