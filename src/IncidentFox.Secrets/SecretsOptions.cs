namespace IncidentFox.Secrets;

/// <summary>How secrets are found and how long they are kept in memory. Configuration section <c>Secrets</c>.</summary>
public sealed class SecretsOptions
{
    /// <summary>The section's name.</summary>
    public const string SectionName = "Secrets";

    /// <summary>How long a secret is used before its store must be asked again. Default 5 minutes; 10 seconds to 1 hour.</summary>
    public TimeSpan CacheFor { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long "no" is believed. Default 10 seconds; 1 second to 5 minutes. A throttling store's own wish is honoured when longer.</summary>
    public TimeSpan CacheFailuresFor { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long after <see cref="CacheFor"/> a secret may still be used while its store can't be reached. Default zero; at most 1 hour.</summary>
    public TimeSpan StaleFor { get; init; } = TimeSpan.Zero;

    /// <summary>Least time between two forced refreshes of one secret. Default 30 seconds; 1 second to 1 hour.</summary>
    public TimeSpan ForcedRefreshInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a store may take to answer, retries included. Default 15 seconds; 1 second to 2 minutes.</summary>
    public TimeSpan FetchTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How many secrets are kept in memory. Default 1,000; 1 to 100,000.</summary>
    public int MaxCached { get; init; } = 1000;

    /// <summary>Whether <c>env://</c> references work. Default false: environments are inherited, listed and dumped; for development only.</summary>
    public bool AllowEnvironment { get; init; }

    /// <summary>Where <c>file://</c> references may point.</summary>
    public FileSecretsOptions File { get; init; } = new();

    /// <summary>How Key Vault is reached.</summary>
    public KeyVaultOptions KeyVault { get; init; } = new();

    /// <summary>How HashiCorp Vault is reached; <c>vault://</c> references work only where its address is set.</summary>
    public VaultOptions Vault { get; init; } = new();

    /// <summary>How Kubernetes Secrets are reached.</summary>
    public KubernetesOptions Kubernetes { get; init; } = new();

    /// <summary>Parts of stores that are reserved for some teams. Default none: every team's integrations may name every reference.</summary>
    public IReadOnlyList<SecretScope> Scopes { get; init; } = [];

    /// <summary>Why a team's integration can't use a reference in this installation, as far as that can be told without asking its store; null when it can.</summary>
    /// <param name="reference">What the integration names.</param>
    /// <param name="team">Whose integration it is; null when it is every team's.</param>
    public string? Refusal(SecretReference reference, string? team) => reference.Scheme switch
    {
        SecretScheme.Vault when Vault.Address is null => $"{reference} is in HashiCorp Vault, which is not set up: set {SectionName}:{nameof(Vault)}:{nameof(VaultOptions.Address)}.",
        SecretScheme.Environment when !AllowEnvironment =>
            $"{reference} is for development only: use a store or file://, or set {SectionName}:{nameof(AllowEnvironment)} to true on a developer's machine.",
        _ => new SecretScopes(Scopes).Refusal(reference, team),
    };

    /// <summary>Every mistake, each with how to mend it; empty when all is well.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new List<string>();
        Between(errors, nameof(CacheFor), CacheFor, TimeSpan.FromSeconds(10), TimeSpan.FromHours(1));
        Between(errors, nameof(CacheFailuresFor), CacheFailuresFor, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5));
        Between(errors, nameof(StaleFor), StaleFor, TimeSpan.Zero, TimeSpan.FromHours(1));
        Between(errors, nameof(ForcedRefreshInterval), ForcedRefreshInterval, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        Between(errors, nameof(FetchTimeout), FetchTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(2));
        if (MaxCached is < 1 or > 100_000)
        {
            errors.Add($"{SectionName}:{nameof(MaxCached)} is {MaxCached}: set it from 1 to 100000.");
        }

        File.Validate(errors);
        KeyVault.Validate(errors);
        Vault.Validate(errors);
        Kubernetes.Validate(errors);
        SecretScopes.Validate(Scopes, errors);
        return errors;
    }

    private static void Between(List<string> errors, string name, TimeSpan value, TimeSpan least, TimeSpan most)
    {
        if (value < least || value > most)
        {
            errors.Add($"{SectionName}:{name} is {value:c}: set it from {least:c} to {most:c} (hours:minutes:seconds).");
        }
    }
}

/// <summary>
/// Where <c>file://</c> references may point. A reference can come from a team's own integration file, so without these limits it
/// could name another team's key or the gateway's own service-account token.
/// </summary>
public sealed class FileSecretsOptions
{
    /// <summary>Directories whose files must be closed to others (no permission for others, no write for the group). Default <c>/etc/incidentfox/secrets</c>.</summary>
    public IReadOnlyList<string>? Directories { get; init; }

    /// <summary>
    /// Directories mounted into this container alone, where files may be readable by others (Kubernetes mounts Secrets with mode
    /// 0644) because the container is the boundary. Default <c>/run/secrets/incidentfox</c>.
    /// </summary>
    public IReadOnlyList<string>? MountedDirectories { get; init; }

    internal IReadOnlyList<string> Closed => Directories ?? ["/etc/incidentfox/secrets"];

    internal IReadOnlyList<string> Mounted => MountedDirectories ?? ["/run/secrets/incidentfox"];

    internal void Validate(List<string> errors)
    {
        foreach (var (name, directory) in Closed.Select(d => (nameof(Directories), d)).Concat(Mounted.Select(d => (nameof(MountedDirectories), d))))
        {
            if (!SecretReference.TryParse("file://" + directory, out _, out _))
            {
                errors.Add($"{SecretsOptions.SectionName}:File:{name} has '{directory}': write an absolute path below / without '..' and without a slash at the end.");
            }
        }
    }
}

/// <summary>How Key Vault is reached. The identity is the machine's own: workload identity, managed identity or the <c>AZURE_*</c> variables.</summary>
public sealed class KeyVaultOptions
{
    /// <summary>What follows a vault's name in its address. Default <c>vault.azure.net</c>; other clouds have their own.</summary>
    public string DnsSuffix { get; init; } = "vault.azure.net";

    /// <summary>Vault names whose address is not made from <see cref="DnsSuffix"/>: name to HTTPS address.</summary>
    public IReadOnlyDictionary<string, string> Vaults { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Whether the sign-ins of a developer's tools (az, azd, Visual Studio) are tried as well. Default false.</summary>
    public bool AllowDeveloperCredentials { get; init; }

    /// <summary>The HTTP proxy to reach Key Vault and Entra ID through, or null for none. Proxies of the environment are ignored.</summary>
    public string? Proxy { get; init; }

    internal void Validate(List<string> errors)
    {
        const string Section = SecretsOptions.SectionName + ":KeyVault";
        if (Uri.CheckHostName(DnsSuffix) != UriHostNameType.Dns || !DnsSuffix.Contains('.', StringComparison.Ordinal))
        {
            errors.Add($"{Section}:{nameof(DnsSuffix)} is not a domain name: leave it out for Azure's public cloud, or write it as vault.azure.net.");
        }

        foreach (var (name, address) in Vaults)
        {
            if (!SecretReferenceParser.IsKeyVaultName(name))
            {
                errors.Add($"{Section}:{nameof(Vaults)} names '{name}': a vault's name is 3 to 24 letters, digits and single hyphens, starting with a letter.");
            }

            if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttps || uri.PathAndQuery != "/" || uri.UserInfo.Length > 0 || uri.Fragment.Length > 0)
            {
                errors.Add($"{Section}:{nameof(Vaults)}:{name} is not the address of a vault: write it as https://{{host}} and nothing after it.");
            }
        }

        if (Vaults.Keys.GroupBy(k => k, StringComparer.OrdinalIgnoreCase).FirstOrDefault(g => g.Skip(1).Any()) is { } twice)
        {
            errors.Add($"{Section}:{nameof(Vaults)} has '{twice.Key}' twice in different case: keep one.");
        }

        if (Proxy is not null && (!Uri.TryCreate(Proxy, UriKind.Absolute, out var proxy) || proxy.Scheme is not ("http" or "https") || proxy.UserInfo.Length > 0))
        {
            errors.Add($"{Section}:{nameof(Proxy)} is not the address of a proxy: write it as http://host:port, without a password.");
        }
    }
}
