using System.Diagnostics.CodeAnalysis;
using System.Globalization;

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

    private SecretReference(SecretScheme scheme, string? vault, string name, string? version, string text)
    {
        Scheme = scheme;
        Vault = vault;
        Name = name;
        Version = version;
        _text = text;
    }

    /// <summary>The kind of store.</summary>
    public SecretScheme Scheme { get; }

    /// <summary>The vault's name, lower case, for <see cref="SecretScheme.KeyVault"/>; otherwise null.</summary>
    public string? Vault { get; }

    /// <summary>The secret's name in its vault, the absolute path of its file, or the name of its variable.</summary>
    public string Name { get; }

    /// <summary>The pinned version in Key Vault, or null for the newest.</summary>
    public string? Version { get; }

    /// <summary>True for <c>default</c>, which names nothing and which no store accepts.</summary>
    public bool IsEmpty => _text is null;

    /// <summary>The canonical reference, such as <c>keyvault://acme-prod/prometheus-password</c>.</summary>
    public override string ToString() => _text ?? "(no secret reference)";

    /// <summary>Parses a reference. When it is refused, <paramref name="reason"/> says why and never quotes the input.</summary>
    public static bool TryParse(string? text, out SecretReference reference, [NotNullWhen(false)] out string? reason)
    {
        reference = default;
        reason = Parse(text, out var parsed);
        if (reason is not null)
        {
            return false;
        }

        reference = parsed;
        return true;
    }

    private static string? Parse(string? text, out SecretReference reference)
    {
        reference = default;
        if (string.IsNullOrEmpty(text))
        {
            return "The secret reference is empty: name where the secret is kept, such as keyvault://my-vault/my-secret.";
        }

        if (text.Length > MaxLength)
        {
            return $"The secret reference is longer than {MaxLength} characters.";
        }

        var separator = text.IndexOf("://", StringComparison.Ordinal);
        var rest = separator < 0 ? "" : text[(separator + 3)..];
        return (separator < 0 ? "" : text[..separator].ToLowerInvariant()) switch
        {
            "keyvault" => ParseKeyVault(rest, out reference),
            "file" => ParseFile(rest, out reference),
            "env" => ParseEnvironment(rest, out reference),
            "vault" => "vault:// (HashiCorp Vault) is not supported by this build: use keyvault:// or file://.",
            "k8s" => "k8s:// (Kubernetes Secrets) is not supported by this build: mount the Secret and use file://.",
            _ => "This is not a secret reference, and a secret itself is refused here: put the secret in a store and name it, "
                + "as keyvault://{vault}/{name}[/{version}], file:///path, or env://NAME in development.",
        };
    }

    // Limits of names: https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates
    private static string? ParseKeyVault(string rest, out SecretReference reference)
    {
        reference = default;
        var parts = rest.Split('/');
        if (parts.Length is < 2 or > 3)
        {
            return "A Key Vault reference has the form keyvault://{vault}/{name} or keyvault://{vault}/{name}/{version}.";
        }

        if (!IsVaultName(parts[0]))
        {
            return "The vault in a keyvault:// reference is its name alone: 3 to 24 letters, digits and single hyphens, starting with a letter.";
        }

        if (parts[1].Length is 0 or > 127 || !parts[1].All(static c => char.IsAsciiLetterOrDigit(c) || c == '-'))
        {
            return "The secret's name in a keyvault:// reference is 1 to 127 letters, digits and hyphens.";
        }

        if (parts.Length == 3 && (parts[2].Length != 32 || !parts[2].All(char.IsAsciiHexDigit)))
        {
            return "The version in a keyvault:// reference is 32 hexadecimal digits; leave it out for the newest version.";
        }

        // Key Vault compares all three without regard to case.
        var canonical = Array.ConvertAll(parts, static p => p.ToLowerInvariant());
        var version = canonical.Length == 3 ? canonical[2] : null;
        reference = new(SecretScheme.KeyVault, canonical[0], canonical[1], version, "keyvault://" + string.Join('/', canonical));
        return null;
    }

    private static string? ParseFile(string path, out SecretReference reference)
    {
        reference = default;
        if (path.Length < 2 || path[0] != '/')
        {
            return "A file reference has the form file:///absolute/path, with three slashes and no host.";
        }

        // Percent, query and fragment mean something in a URI and something else in a file name: neither reading is guessed.
        if (path.Any(static c => IsInvisible(c) || c is '%' or '?' or '#' or '\\'))
        {
            return "The path in a file:// reference must not contain invisible characters, or any of % ? # \\.";
        }

        if (path[1..].Split('/').Any(static segment => segment is "" or "." or ".."))
        {
            return "The path in a file:// reference must be plain: no empty, '.' or '..' segments and no slash at the end.";
        }

        reference = new(SecretScheme.File, null, path, null, "file://" + path);
        return null;
    }

    private static string? ParseEnvironment(string name, out SecretReference reference)
    {
        reference = default;
        if (name.Length is 0 or > 128 || char.IsAsciiDigit(name[0]) || !name.All(static c => char.IsAsciiLetterOrDigit(c) || c == '_'))
        {
            return "The variable in an env:// reference is 1 to 128 letters, digits and underscores, and does not start with a digit.";
        }

        reference = new(SecretScheme.Environment, null, name, null, "env://" + name);
        return null;
    }

    // What could break a log line or turn the reading order of a card.
    private static bool IsInvisible(char c) => char.GetUnicodeCategory(c)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.OtherNotAssigned;

    internal static bool IsVaultName(string name) =>
        name.Length is >= 3 and <= 24
        && char.IsAsciiLetter(name[0])
        && name[^1] != '-'
        && !name.Contains("--", StringComparison.Ordinal)
        && name.All(static c => char.IsAsciiLetterOrDigit(c) || c == '-');
}
