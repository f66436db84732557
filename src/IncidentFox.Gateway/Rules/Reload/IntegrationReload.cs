using System.Text.Json.Nodes;
using IncidentFox.Core.Audit;
using IncidentFox.Secrets;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Gateway.Rules.Reload;

/// <summary>What came of looking at the files.</summary>
internal enum ReloadOutcome
{
    /// <summary>They are as they were.</summary>
    Unchanged,

    /// <summary>The new set is in force.</summary>
    Replaced,

    /// <summary>They have mistakes; the old set stays in force.</summary>
    Refused,

    /// <summary>The change could not be written to the audit trail; the old set stays in force until it can.</summary>
    NotAudited,
}

/// <summary>
/// Looks at the integration files and puts a changed set in force, whole or not at all. No audit row, no change. A frozen call of a rule that changed is
/// refused by whoever would run it, as its version is another one.
/// </summary>
internal sealed class IntegrationReload(GatewayOptions options, IntegrationSource source, AuditLog audit, ILogger<IntegrationReload> logger, SecretsOptions? secrets = null)
{
    private readonly SemaphoreSlim _turn = new(1);
    private string? _refused;

    public async Task<ReloadOutcome> CheckAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            return await LookAsync(cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task<ReloadOutcome> LookAsync(CancellationToken cancellationToken)
    {
        var (files, unreadable) = IntegrationLoader.Read(options.Integrations);
        var digest = IntegrationLoader.Digest([.. files, .. unreadable.Select(e => ("", e))]);
        var old = source.Current;
        if (digest == old.Digest)
        {
            _refused = null;
            return ReloadOutcome.Unchanged;
        }
        if (digest == _refused)
            return ReloadOutcome.Unchanged;   // said already
        var load = IntegrationLoader.Parse(files, secrets);
        IReadOnlyList<string> errors = [.. unreadable, .. load.Errors];
        var change = errors.Count == 0 ? IntegrationChange.Between(old, load.Catalog!) : IntegrationChange.Refused(old, digest, errors);
        if (!await RecordAsync(change, errors.Count == 0, cancellationToken))
            return ReloadOutcome.NotAudited;
        if (errors.Count > 0)
        {
            _refused = digest;
            foreach (var error in errors)
                logger.LogError("Integrations were changed and have a mistake, so the old ones stay in force: {Error}", error);
            return ReloadOutcome.Refused;
        }
        _refused = null;
        source.Replace(load.Catalog!);
        logger.LogInformation("Integrations were changed and are in force: {Change}", change.ToJsonString());
        return ReloadOutcome.Replaced;
    }

    private async Task<bool> RecordAsync(JsonObject change, bool succeeded, CancellationToken cancellationToken)
    {
        try
        {
            await audit.AppendAsync(new AuditEvent
            {
                EventType = AuditEventTypes.ConfigurationChanged, UserId = "system", Status = succeeded ? "success" : "error", Details = change,
            }, cancellationToken);
            return true;
        }
        catch (Exception e) when (e is Npgsql.NpgsqlException or TimeoutException)
        {
            logger.LogError("Integrations were changed, but that can't be written to the audit trail, so the old ones stay in force ({Reason})", e.Message);
            return false;
        }
    }
}

/// <summary>What a change of the integrations was, for the audit trail: names and digests, never addresses of secrets or their values.</summary>
internal static class IntegrationChange
{
    private const int MaxErrors = 20;

    public static JsonObject Between(IntegrationCatalog old, IntegrationCatalog next)
    {
        Dictionary<string, string> before = Digests(old), after = Digests(next);
        return new JsonObject
        {
            ["setting"] = "integrations",
            ["old_value"] = old.Digest,
            ["new_value"] = next.Digest,
            ["added"] = List(after.Keys.Except(before.Keys)),
            ["removed"] = List(before.Keys.Except(after.Keys)),
            ["changed"] = List(after.Where(a => before.TryGetValue(a.Key, out var b) && b != a.Value).Select(a => a.Key)),
        };
    }

    public static JsonObject Refused(IntegrationCatalog old, string digest, IReadOnlyList<string> errors) => new()
    {
        ["setting"] = "integrations",
        ["old_value"] = old.Digest,
        ["refused_value"] = digest,
        ["errors"] = List(errors.Take(MaxErrors)),
        ["error_count"] = errors.Count,
    };

    // Everything that decides what is sent and as whom.
    private static Dictionary<string, string> Digests(IntegrationCatalog catalog)
    {
        var digests = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var i in catalog.All)
        {
            digests[i.Team is { } team ? $"{team}/{i.Name}" : i.Name] = string.Join('\n',
            [
                i.BaseUrl.AbsoluteUri, i.Auth.Scheme.ToString(), i.Auth.IdentityFor(write: false), i.Auth.IdentityFor(write: true), i.Network.CaFile ?? "",
                string.Join(',', i.Network.AllowedRanges), i.Limits.ToString(), string.Join(',', i.Refusal.Statuses), i.Refusal.Pointer ?? "",
                string.Join(',', i.Refusal.Texts), .. i.Rules.Select(r => r.Version),
            ]);
        }
        return digests;
    }

    private static JsonArray List(IEnumerable<string> texts) => new([.. texts.Order(StringComparer.Ordinal).Select(t => JsonValue.Create(t))]);
}
