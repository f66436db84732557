namespace IncidentFox.Secrets.Sources;

/// <summary>Variables of this process, for development. Refused unless <see cref="SecretsOptions.AllowEnvironment"/> is set.</summary>
internal sealed class EnvironmentSource(bool allowed, Func<string, string?> read, TimeProvider time) : ISecretSource
{
    public SecretScheme Scheme => SecretScheme.Environment;

    public ValueTask<SecretResult> FetchAsync(SecretReference reference, CancellationToken cancellationToken)
    {
        if (!allowed)
        {
            return new(SecretResult.Denied(
                $"{reference} is for development only: use keyvault:// or file://, or set {SecretsOptions.SectionName}:{nameof(SecretsOptions.AllowEnvironment)} to true on a developer's machine."));
        }

        var text = read(reference.Name);
        return new(string.IsNullOrEmpty(text)
            ? SecretResult.NotFound($"The variable {reference.Name} is not set for this process.")
            : SecretResult.Found(new SecretValue(text, "environment", time.GetUtcNow())));
    }
}
