using System.Net.Http.Headers;
using System.Text;
using IncidentFox.Gateway.Scrubbing;

namespace IncidentFox.Gateway.Injection;

/// <summary><c>Authorization: Basic base64(USER:PASSWORD)</c> in UTF-8 (RFC 7617, section 2).</summary>
public sealed class BasicInjector : IInjector
{
    /// <inheritdoc />
    public ValueTask<Injected> InjectAsync(InjectionContext context, CancellationToken cancellationToken)
    {
        var kept = context.Secrets.Find("username")?.RevealForUse();
        return new(Inject(context.Message, kept ?? context.Integration.Auth.Option("username") ?? "", kept is not null, context.Secrets["password"].RevealForUse()));
    }

    private static Injected Inject(HttpRequestMessage message, string user, bool userIsSecret, string password)
    {
        if (user.Contains(':', StringComparison.Ordinal) || HeaderText.HasControl(user) || HeaderText.HasControl(password))
            return Injected.Refuse("The user name has a colon, or one of user name and password has control characters: basic authentication can't carry that (RFC 7617). Look at the secret's value.");
        var pair = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"));
        message.Headers.Authorization = new AuthenticationHeaderValue("Basic", pair);
        // A short name (admin) is no secret, wherever it is kept, and can't be told from ordinary text.
        return new(userIsSecret && SecretPatterns.CanHold(user) ? [password, pair, user] : [password, pair], null);
    }
}
