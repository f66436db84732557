using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;

namespace IncidentFox.Gateway.Injection;

/// <summary>Query parameters, e.g. <c>?key=KEY</c>, behind those of the rule. The address is not logged by anything that sees it after this.</summary>
public sealed class QueryInjector : IInjector
{
    /// <inheritdoc />
    public ValueTask<Injected> InjectAsync(InjectionContext context, CancellationToken cancellationToken)
    {
        var fields = CredentialFields.Fill(context, static text => !HeaderText.HasControl(text));
        if (fields.Problem is not null)
            return new(Injected.Refuse($"{fields.Problem} that no address should have (control characters). Look at the secret's value."));
        var target = context.Message.RequestUri!.PathAndQuery;
        foreach (var (name, value) in fields.Values)
        {
            // Which of two a server believes is anybody's guess.
            if (HasKey(target, name))
                return new(Injected.Refuse($"The request has a query parameter {name} already: its rule must not name the one that carries the credential."));
            target += $"{(target.Contains('?', StringComparison.Ordinal) ? '&' : '?')}{name}={Percent.Encode(value)}";
        }
        context.Message.RequestUri = OutgoingMessage.Address(context.Integration, target);
        return new(new Injected(fields.Secrets, null));
    }

    private static bool HasKey(string target, string name)
    {
        var start = target.IndexOf('?', StringComparison.Ordinal);
        return start >= 0 && target[(start + 1)..].Split('&')
            .Any(pair => string.Equals(Uri.UnescapeDataString(pair.Split('=')[0].Replace('+', ' ')), name, StringComparison.OrdinalIgnoreCase));
    }
}
