using System.Net.Http.Headers;
using System.Text;
using IncidentFox.Gateway.Scrubbing;

namespace IncidentFox.Gateway.Injection;

/// <summary><c>Authorization: Basic base64(USER:PASSWORD)</c> in UTF-8 (RFC 7617, section 2).</summary>
public sealed class BasicInjector : IInjector
{
    /// <inheritdoc />
    public Injected Inject(HttpRequestMessage request, Credential credential)
    {
        var (user, password) = (credential.UserName ?? "", credential.Secret!.RevealForUse());
        if (user.Contains(':', StringComparison.Ordinal) || HeaderText.HasControl(user) || HeaderText.HasControl(password))
            return Injected.Refused("The user name has a colon, or one of user name and password has control characters: basic authentication can't carry that (RFC 7617). Look at the secret's value.");
        var pair = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", pair);
        // A short name (admin) is no secret, wherever it is kept, and can't be told from ordinary text.
        return new(credential.UserNameIsSecret && SecretPatterns.CanHold(user) ? [password, pair, user] : [password, pair], null);
    }
}
