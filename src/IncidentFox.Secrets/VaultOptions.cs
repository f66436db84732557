using IncidentFox.Secrets.Http;

namespace IncidentFox.Secrets;

/// <summary>How HashiCorp Vault is reached. Without an address there is none.</summary>
public sealed class VaultOptions
{
    private const string Section = SecretsOptions.SectionName + ":Vault";

    /// <summary>Where it is, such as <c>https://vault.internal:8200</c>. Plain HTTP is accepted on loopback only. Default none.</summary>
    public string? Address { get; init; }

    /// <summary>The namespace (Enterprise) of everything that is asked for, such as <c>platform/sre</c>. Default none.</summary>
    public string? Namespace { get; init; }

    /// <summary>PEM file with the certificate authorities to trust instead of the system's. Default none.</summary>
    public string? CaFile { get; init; }

    /// <summary>How the gateway signs in.</summary>
    public VaultAuthOptions Auth { get; init; } = new();

    internal void Validate(List<string> errors)
    {
        if (Address is null)
        {
            if (Namespace is not null || CaFile is not null || Auth.Method is not null)
            {
                errors.Add($"{Section}:{nameof(Address)} is missing: write it as https://vault.internal:8200, or take the section out.");
            }

            return;
        }

        if (!Uri.TryCreate(Address, UriKind.Absolute, out var uri) || uri.PathAndQuery != "/" || uri.UserInfo.Length > 0 || uri.Fragment.Length > 0
            || !(uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback)))
        {
            errors.Add($"{Section}:{nameof(Address)} is not the address of a Vault: write it as https://{{host}}[:port] and nothing after it. Plain http is for a Vault on this machine only.");
        }

        if (Namespace is not null && (Namespace.Length == 0 || Namespace.Trim('/').Split('/').Any(static s => s.Length == 0 || !s.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))))
        {
            errors.Add($"{Section}:{nameof(Namespace)} is not a namespace: write it as platform/sre, or take it out.");
        }

        Authorities.Validate($"{Section}:{nameof(CaFile)}", CaFile, errors);
        Auth.Validate($"{Section}:{nameof(Auth)}", errors);
    }
}

/// <summary>How the gateway signs in to Vault: with a token, as a Kubernetes service account, or as an AppRole.</summary>
public sealed class VaultAuthOptions
{
    /// <summary><c>token</c>, <c>kubernetes</c> or <c>approle</c>.</summary>
    public string? Method { get; init; }

    /// <summary>Where the auth method is mounted. Default the method's name.</summary>
    public string? Mount { get; init; }

    /// <summary>With <c>token</c>: a reference to the token, in another store.</summary>
    public string? Token { get; init; }

    /// <summary>With <c>kubernetes</c>: the role to sign in as.</summary>
    public string? Role { get; init; }

    /// <summary>With <c>kubernetes</c>: the service account's token. Default <c>/var/run/secrets/kubernetes.io/serviceaccount/token</c>.</summary>
    public string JwtFile { get; init; } = KubernetesOptions.ServiceAccount + "token";

    /// <summary>With <c>approle</c>: the role's id, which is no secret.</summary>
    public string? RoleId { get; init; }

    /// <summary>With <c>approle</c>: a reference to the secret id, in another store; none for a role that is bound otherwise.</summary>
    public string? SecretId { get; init; }

    internal string MountOrDefault => Mount ?? Method!;

    internal void Validate(string section, List<string> errors)
    {
        var needed = Method switch
        {
            "token" => (nameof(Token), Token),
            "kubernetes" => (nameof(Role), Role),
            "approle" => (nameof(RoleId), RoleId),
            _ => default,
        };
        if (needed.Item1 is null)
        {
            errors.Add($"{section}:{nameof(Method)} is missing or unknown: write token, kubernetes or approle.");
        }
        else if (string.IsNullOrWhiteSpace(needed.Item2))
        {
            errors.Add($"{section}:{needed.Item1} is missing: the method {Method} needs it.");
        }

        if (Mount is not null && (Mount.Length == 0 || !Mount.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/') || Mount.Split('/').Any(static s => s is "" or "." or "..")))
        {
            errors.Add($"{section}:{nameof(Mount)} is not the path of an auth method: write it as kubernetes/prod, without slashes at its ends.");
        }

        if (Method == "kubernetes" && !Path.IsPathFullyQualified(JwtFile))
        {
            errors.Add($"{section}:{nameof(JwtFile)} is not an absolute path.");
        }

        CheckReference(errors, $"{section}:{nameof(Token)}", Token);
        CheckReference(errors, $"{section}:{nameof(SecretId)}", SecretId);
    }

    private static void CheckReference(List<string> errors, string setting, string? text)
    {
        if (text is null)
        {
            return;
        }

        if (!SecretReference.TryParse(text, out var reference, out var reason))
        {
            errors.Add($"{setting}: {reason}");
        }
        else if (reference.Scheme == SecretScheme.Vault)
        {
            errors.Add($"{setting} is kept in the Vault that it opens: keep it in another store, such as file:///etc/incidentfox/secrets/vault.");
        }
    }
}
