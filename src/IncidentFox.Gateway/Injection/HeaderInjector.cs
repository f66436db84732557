namespace IncidentFox.Gateway.Injection;

/// <summary>Headers of the target's own, e.g. <c>DD-API-KEY: KEY</c> or <c>Authorization: Token KEY</c>.</summary>
public sealed class HeaderInjector : IInjector
{
    /// <inheritdoc />
    public ValueTask<Injected> InjectAsync(InjectionContext context, CancellationToken cancellationToken)
    {
        var fields = CredentialFields.Fill(context, HeaderText.IsVisible);
        if (fields.Problem is not null)
            return new(Injected.Refuse($"{fields.Problem} that a header can't have (RFC 9110: visible ASCII). Look at the secret's value."));
        var headers = context.Message.Headers;
        foreach (var (name, value) in fields.Values)
        {
            headers.Remove(name);
            if (!headers.TryAddWithoutValidation(name, value))
                return new(Injected.Refuse($"The header {name} can't carry a credential."));
        }
        return new(new Injected(fields.Secrets, null));
    }
}
