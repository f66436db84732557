namespace IncidentFox.Gateway.Injection;

/// <summary>A header of the target's own, e.g. <c>DD-API-KEY: KEY</c>.</summary>
public sealed class HeaderInjector : IInjector
{
    /// <inheritdoc />
    public Injected Inject(HttpRequestMessage request, Credential credential)
    {
        var value = credential.Secret!.RevealForUse();
        if (!HeaderText.IsVisible(value))
            return Injected.Refused("The credential has characters that a header can't have (RFC 9110: visible ASCII). Look at the secret's value.");
        request.Headers.Remove(credential.HeaderName!);
        return request.Headers.TryAddWithoutValidation(credential.HeaderName!, value)
            ? new([value], null)
            : Injected.Refused($"The header {credential.HeaderName} can't carry a credential.");
    }
}
