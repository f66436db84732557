using System.Net.Http.Headers;

namespace IncidentFox.Gateway.Injection;

/// <summary><c>Authorization: Bearer TOKEN</c> (RFC 6750, section 2.1).</summary>
public sealed class BearerInjector : IInjector
{
    /// <inheritdoc />
    public Injected Inject(HttpRequestMessage request, Credential credential)
    {
        var token = credential.Secret!.RevealForUse();
        if (!HeaderText.IsToken68(token))
            return Injected.Refused("The credential has characters that a bearer token can't have (RFC 6750: letters, digits, - . _ ~ + / and = at the end). Look at the secret's value.");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return new([token], null);
    }
}
