using System.Globalization;
using System.Text;
using System.Text.Json;
using IncidentFox.Secrets.Http;

namespace IncidentFox.Secrets.Vault;

/// <summary>
/// What Vault's answers mean: https://developer.hashicorp.com/vault/api-docs#http-status-codes. Reasons are our own words: Vault's may
/// name hosts, policies and accessors.
/// </summary>
internal static class VaultAnswers
{
    private static readonly TimeSpan DefaultWait = TimeSpan.FromSeconds(10);

    public static SecretResult ToResult(StoreAnswer answer, SecretReference reference, DateTimeOffset now)
    {
        var (mount, path) = (reference.Place, reference.Name);
        switch (answer.Status)
        {
            case 200:
                using (var json = Json.Parse(answer.Body))
                {
                    return json is null ? Senseless : Read(((JsonElement?)json.RootElement).Member("data"), reference, now);
                }

            case 403:
                return SecretResult.Denied($"Vault does not let the gateway read {mount}/{path}: give its policy path \"{mount}/data/{path}\" {{ capabilities = [\"read\"] }}.");
            case 404:
                using (var json = Json.Parse(answer.Body))
                {
                    return Gone(((JsonElement?)json?.RootElement).Member("data").Member("metadata"), reference);
                }

            default:
                return Trouble(answer);
        }
    }

    /// <summary>Answers that are about Vault, not about one secret.</summary>
    public static SecretResult Trouble(StoreAnswer answer) => answer.Status switch
    {
        0 => SecretResult.Unavailable($"Vault did not answer: {answer.Problem}."),
        429 => SecretResult.Throttled("Vault is throttling: a rate limit quota is used up.", answer.RetryAfter ?? DefaultWait),
        503 when answer.RetryAfter is { } wait => SecretResult.Throttled("Vault asks to be left alone for a while.", wait),
        503 => SecretResult.Unavailable("Vault is sealed or in maintenance: unseal it (vault status says which)."),
        301 or 302 or 307 or 308 => SecretResult.Unavailable(
            $"The Vault at {SecretsOptions.SectionName}:Vault:{nameof(VaultOptions.Address)} is a standby that sends callers elsewhere, and redirects are not followed: name the address of the active node or of a load balancer."),
        472 or 473 => SecretResult.Unavailable("The Vault that answered is a standby that does not serve reads: name the address of the active node or of a load balancer."),
        412 => SecretResult.Unavailable("The Vault that answered has not caught up with the others yet."),
        200 => Senseless,
        var status => SecretResult.Unavailable($"Vault answered {status}."),
    };

    private static SecretResult Senseless { get; } = SecretResult.Unavailable(
        $"What answers as Vault does not answer like it: check {SecretsOptions.SectionName}:Vault:{nameof(VaultOptions.Address)}, and that the mount is of the secrets engine KV version 2.");

    private static SecretResult Read(JsonElement? data, SecretReference reference, DateTimeOffset now)
    {
        var metadata = data.Member("metadata");
        if (data.Member("data") is not { ValueKind: JsonValueKind.Object } fields || metadata.Member("version").Number() is not { } version)
        {
            return Senseless;
        }

        // In the future where delete_version_after is set: the value is good until then.
        DateTimeOffset? ends = DateTimeOffset.TryParse(metadata.Member("deletion_time").Text(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : null;
        var where = $"{reference.Name} in Vault's mount {reference.Place}";
        if (ends <= now)
        {
            return Gone(metadata, reference);
        }

        return ((JsonElement?)fields).Member(reference.Field!) switch
        {
            null => SecretResult.NotFound($"Version {version} of {where} has no field {reference.Field}: correct the reference, or add the field."),
            { ValueKind: not JsonValueKind.String } => SecretResult.Denied($"The field {reference.Field} of {where} is not text: store it as a string."),
            var field when field.Text() is not { Length: > 0 } text || Encoding.UTF8.GetByteCount(text) > SecretValue.MaxBytes =>
                SecretResult.Denied($"The field {reference.Field} of {where} is empty, larger than {SecretValue.MaxBytes / 1024} KiB or not text."),
            var field => SecretResult.Found(new SecretValue(field.Text()!, version.ToString(CultureInfo.InvariantCulture), now, ends)),
        };
    }

    private static SecretResult Gone(JsonElement? metadata, SecretReference reference)
    {
        var where = $"{reference.Name} in Vault's mount {reference.Place}";
        return SecretResult.NotFound(metadata.Member("version").Number() is not { } version
            ? $"There is no {where}: create it, or correct the reference (its path is written without 'data')."
            : metadata.Member("destroyed") is { ValueKind: JsonValueKind.True }
                ? $"Version {version} of {where} was destroyed: store a new version."
                : $"Version {version} of {where} was deleted: undelete it, or store a new version.");
    }
}
