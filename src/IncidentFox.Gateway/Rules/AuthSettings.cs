using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;

namespace IncidentFox.Gateway.Rules;

/// <summary>How a credential is added to a request. What each needs is in <see cref="AuthSchemes"/>.</summary>
public enum AuthScheme
{
    /// <summary>The target asks for none.</summary>
    None,

    /// <summary><c>Authorization: Bearer …</c> (RFC 6750).</summary>
    Bearer,

    /// <summary><c>Authorization: Basic …</c> (RFC 7617).</summary>
    Basic,

    /// <summary>Headers of the target's own, e.g. <c>X-Api-Key</c>.</summary>
    Header,

    /// <summary>Query parameters, for targets that know no better way.</summary>
    Query,

    /// <summary>A token for a client's id and secret (RFC 6749, section 4.4).</summary>
    OAuth2ClientCredentials,

    /// <summary>An installation's token for a GitHub App's key.</summary>
    GitHubApp,

    /// <summary>AWS Signature Version 4.</summary>
    AwsSigV4,

    /// <summary>A token of Microsoft Entra ID for an application.</summary>
    AzureAd,

    /// <summary>A token for a Google service account's key.</summary>
    GoogleServiceAccount,

    /// <summary>A client certificate.</summary>
    Mtls,

    /// <summary>What a kubeconfig file says: a token or a client certificate.</summary>
    Kubeconfig,
}

/// <summary>Where one of the secrets of a scheme is kept.</summary>
/// <param name="Slot">What the scheme calls it, e.g. <c>secret_access_key</c>.</param>
/// <param name="Reference">Canonical.</param>
public sealed record SlotReference(string Slot, string Reference);

/// <summary>A header or query parameter that carries secrets.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Parts">Its value: literal text and slots, in order.</param>
public sealed record CredentialField(string Name, IReadOnlyList<CredentialPart> Parts);

/// <summary>A piece of a value: either is null.</summary>
public readonly record struct CredentialPart(string? Literal, string? Slot);

/// <summary>Which credentials, by reference, and how they are added. A literal secret is refused when integrations are loaded.</summary>
public sealed record AuthSettings
{
    /// <summary>How it is added.</summary>
    public required AuthScheme Scheme { get; init; }

    /// <summary>For reads, sorted by slot; null with <see cref="AuthScheme.None"/> only.</summary>
    public IReadOnlyList<SlotReference>? Read { get; init; }

    /// <summary>For writes and their dry runs; null: the tools that change something are not offered, unless the scheme is <see cref="AuthScheme.None"/>.</summary>
    public IReadOnlyList<SlotReference>? Write { get; init; }

    /// <summary>The scheme's options, defaults filled in. Nothing secret.</summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = FrozenDictionary<string, string>.Empty;

    /// <summary>With <see cref="AuthScheme.Header"/>: headers; with <see cref="AuthScheme.Query"/>: query parameters.</summary>
    public IReadOnlyList<CredentialField> Fields { get; init; } = [];

    /// <summary>Whether there is a credential for it, or none is needed.</summary>
    public bool HasCredential(bool write) => Scheme == AuthScheme.None || For(write) is not null;

    /// <summary>The references of reads or of writes.</summary>
    public IReadOnlyList<SlotReference>? For(bool write) => write ? Write : Read;

    /// <summary>An option's value; null when it is not stated and has no default.</summary>
    public string? Option(string name) => Options.GetValueOrDefault(name);

    /// <summary>
    /// Which credential a request uses, as one text for logs and audit rows: the reference, or with several <c>slot=reference;…</c> sorted by slot;
    /// <c>none</c> when the target asks for none.
    /// </summary>
    public string ReferenceFor(bool write) => For(write) switch
    {
        null or [] => "none",
        [{ } one] => one.Reference,
        { } several => string.Join(';', several.Select(s => $"{s.Slot}={s.Reference}")),
    };

    /// <summary>
    /// <see cref="ReferenceFor"/>, and with options a digest of them, as it is frozen: a call that was approved for one user, role or application does
    /// not run as another.
    /// </summary>
    public string IdentityFor(bool write) => Options.Count == 0 && Fields.Count == 0 ? ReferenceFor(write) : $"{ReferenceFor(write)};settings={SettingsDigest()}";

    private string SettingsDigest()
    {
        var options = Options.OrderBy(o => o.Key, StringComparer.Ordinal).Select(o => $"{o.Key}={o.Value}");
        var fields = Fields.Select(f => $"{f.Name}: {string.Concat(f.Parts.Select(p => p.Literal ?? $"{{{p.Slot}}}"))}");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', options.Append("").Concat(fields)))))[..16];
    }
}
