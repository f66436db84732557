using System.Diagnostics.CodeAnalysis;

namespace IncidentFox.Secrets;

/// <summary>Where a secret lives.</summary>
public enum SecretScheme
{
    /// <summary>Azure Key Vault: <c>keyvault://{vault}/{name}[/{version}]</c>.</summary>
    KeyVault = 1,

    /// <summary>A file on this machine or a mounted secret: <c>file:///path</c>.</summary>
    File = 2,

    /// <summary>An environment variable of this process, for development: <c>env://NAME</c>.</summary>
    Environment = 3,

    /// <summary>HashiCorp Vault, secrets engine KV version 2: <c>vault://{mount}/{path}#{field}</c>.</summary>
    Vault = 4,

    /// <summary>A Kubernetes Secret: <c>k8s://{namespace}/{name}#{key}</c>.</summary>
    Kubernetes = 5,
}

/// <summary>
/// The name of a secret, never the secret: safe to log, audit and digest. <see cref="ToString"/> is the canonical form, so two
/// spellings of one Key Vault secret are equal. What cannot be parsed is described without repeating any of it, because the usual
/// mistake is a pasted password.
/// </summary>
public readonly record struct SecretReference
{
    /// <summary>The longest reference accepted, in characters.</summary>
    public const int MaxLength = 1024;

    private readonly string? _text;

    internal SecretReference(SecretScheme scheme, string? place, string name, string? version, string? field, string text)
    {
        Scheme = scheme;
        Place = place;
        Name = name;
        Version = version;
        Field = field;
        _text = text;
    }

    /// <summary>The kind of store.</summary>
    public SecretScheme Scheme { get; }

    /// <summary>The Key Vault's name in lower case, the mount in HashiCorp Vault, or the Kubernetes namespace; otherwise null.</summary>
    public string? Place { get; }

    /// <summary>The secret's name or path in its store, the absolute path of its file, or the name of its variable.</summary>
    public string Name { get; }

    /// <summary>The pinned version in Key Vault, or null for the newest.</summary>
    public string? Version { get; }

    /// <summary>Which member of the secret, where a store keeps several under one name: Vault's field, Kubernetes' key. Otherwise null.</summary>
    public string? Field { get; }

    /// <summary>True for <c>default</c>, which names nothing and which no store accepts.</summary>
    public bool IsEmpty => _text is null;

    /// <summary>The canonical reference, such as <c>keyvault://acme-prod/prometheus-password</c>.</summary>
    public override string ToString() => _text ?? "(no secret reference)";

    /// <summary>Whether both name the same: the canonical form says all there is.</summary>
    public bool Equals(SecretReference other) => string.Equals(_text, other._text, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override int GetHashCode() => _text is null ? 0 : _text.GetHashCode(StringComparison.Ordinal);

    /// <summary>Parses a reference. When it is refused, <paramref name="reason"/> says why and never quotes the input.</summary>
    public static bool TryParse(string? text, out SecretReference reference, [NotNullWhen(false)] out string? reason)
    {
        reference = default;
        reason = SecretReferenceParser.Parse(text, out var parsed);
        if (reason is not null)
        {
            return false;
        }

        reference = parsed;
        return true;
    }
}
