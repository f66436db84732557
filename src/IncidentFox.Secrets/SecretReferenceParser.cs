using System.Globalization;

namespace IncidentFox.Secrets;

/// <summary>Takes references apart, scheme by scheme. Every refusal describes the form that is wanted and repeats nothing of what was written.</summary>
internal static class SecretReferenceParser
{
    private const int MostSegments = 20;

    public static string? Parse(string? text, out SecretReference reference)
    {
        reference = default;
        if (string.IsNullOrEmpty(text))
        {
            return "The secret reference is empty: name where the secret is kept, such as keyvault://my-vault/my-secret.";
        }

        if (text.Length > SecretReference.MaxLength)
        {
            return $"The secret reference is longer than {SecretReference.MaxLength} characters.";
        }

        var separator = text.IndexOf("://", StringComparison.Ordinal);
        var rest = separator < 0 ? "" : text[(separator + 3)..];
        return (separator < 0 ? "" : text[..separator].ToLowerInvariant()) switch
        {
            "keyvault" => ParseKeyVault(rest, out reference),
            "vault" => ParseVault(rest, out reference),
            "k8s" => ParseKubernetes(rest, out reference),
            "file" => ParseFile(rest, out reference),
            "env" => ParseEnvironment(rest, out reference),
            _ => "This is not a secret reference, and a secret itself is refused here: put the secret in a store and name it, "
                + "as keyvault://{vault}/{name}[/{version}], vault://{mount}/{path}#{field}, k8s://{namespace}/{name}#{key}, file:///path, or env://NAME in development.",
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

        if (!IsKeyVaultName(parts[0]))
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
        reference = new(SecretScheme.KeyVault, canonical[0], canonical[1], version, null, "keyvault://" + string.Join('/', canonical));
        return null;
    }

    // Characters that mean the same in a path, a policy and a URL, so that what is asked for is what a policy was written for.
    private static string? ParseVault(string rest, out SecretReference reference)
    {
        reference = default;
        if (!TrySplit(rest, out var path, out var field) || path.Length is < 2 or > MostSegments)
        {
            return "A Vault reference has the form vault://{mount}/{path}#{field}, without 'data' between mount and path.";
        }

        if (!path.All(static s => s.Length is > 0 and <= 255 && s.All(IsPlain) && s is not ("." or "..")))
        {
            return "Mount and path in a vault:// reference are letters, digits and any of - _ . = + : @, without empty, '.' or '..' segments.";
        }

        if (field.Length is 0 or > 255 || !field.All(IsPlain))
        {
            return "The field in a vault:// reference is 1 to 255 letters, digits and any of - _ . = + : @.";
        }

        reference = new(SecretScheme.Vault, path[0], string.Join('/', path.Skip(1)), null, field, "vault://" + rest);
        return null;
    }

    // Limits of names: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/, of keys: https://kubernetes.io/docs/concepts/configuration/secret/
    private static string? ParseKubernetes(string rest, out SecretReference reference)
    {
        reference = default;
        if (!TrySplit(rest, out var path, out var key) || path.Length != 2)
        {
            return "A Kubernetes Secret's reference has the form k8s://{namespace}/{name}#{key}.";
        }

        if (path[0].Length > 63 || !IsLabel(path[0]))
        {
            return "The namespace in a k8s:// reference is 1 to 63 lower-case letters, digits and hyphens, with a letter or digit at both ends.";
        }

        if (path[1].Length > 253 || !path[1].Split('.').All(IsLabel))
        {
            return "The Secret's name in a k8s:// reference is 1 to 253 lower-case letters, digits, hyphens and dots, with a letter or digit at both ends.";
        }

        if (key.Length is 0 or > 253 || !key.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
        {
            return "The key in a k8s:// reference is 1 to 253 letters, digits and any of - _ .";
        }

        reference = new(SecretScheme.Kubernetes, path[0], path[1], null, key, "k8s://" + rest);
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

        reference = new(SecretScheme.File, null, path, null, null, "file://" + path);
        return null;
    }

    private static string? ParseEnvironment(string name, out SecretReference reference)
    {
        reference = default;
        if (name.Length is 0 or > 128 || char.IsAsciiDigit(name[0]) || !name.All(static c => char.IsAsciiLetterOrDigit(c) || c == '_'))
        {
            return "The variable in an env:// reference is 1 to 128 letters, digits and underscores, and does not start with a digit.";
        }

        reference = new(SecretScheme.Environment, null, name, null, null, "env://" + name);
        return null;
    }

    private static bool TrySplit(string rest, out string[] path, out string field)
    {
        var parts = rest.Split('#');
        (path, field) = (parts[0].Split('/'), parts.Length == 2 ? parts[1] : "");
        return parts.Length == 2;
    }

    private static bool IsPlain(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '=' or '+' or ':' or '@';

    private static bool IsLabel(string text) =>
        text.Length > 0 && text[0] != '-' && text[^1] != '-' && text.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    // What could break a log line or turn the reading order of a card.
    private static bool IsInvisible(char c) => char.GetUnicodeCategory(c)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.OtherNotAssigned;

    internal static bool IsKeyVaultName(string name) =>
        name.Length is >= 3 and <= 24
        && char.IsAsciiLetter(name[0])
        && name[^1] != '-'
        && !name.Contains("--", StringComparison.Ordinal)
        && name.All(static c => char.IsAsciiLetterOrDigit(c) || c == '-');
}
