namespace IncidentFox.Secrets;

/// <summary>One kind of store. It asks the store each time; <see cref="SecretStore"/> does the caching.</summary>
public interface ISecretSource
{
    /// <summary>The scheme of the references it answers.</summary>
    SecretScheme Scheme { get; }

    /// <summary>Asks the store. Expected failures are results; their reasons hold no secret material.</summary>
    ValueTask<SecretResult> FetchAsync(SecretReference reference, CancellationToken cancellationToken);

    /// <summary>Whether a cached value is still what the store holds. Asked at every use, so it must be quick; true where that can't be told at once.</summary>
    bool IsStillCurrent(SecretReference reference, SecretValue value) => true;
}
