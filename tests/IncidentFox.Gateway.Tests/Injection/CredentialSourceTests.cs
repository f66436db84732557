using System.Collections.Concurrent;
using IncidentFox.Core.Audit;
using IncidentFox.Gateway.Injection;
using IncidentFox.Gateway.Rules;
using IncidentFox.Secrets;
using IncidentFox.TestKit;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace IncidentFox.Gateway.Tests.Injection;

public sealed class CredentialSourceTests(TestPostgres postgres)
{
    private static readonly SecretPurpose Purpose = new()
    {
        Org = "acme", Team = "payments", Investigation = Guid.CreateVersion7(), Sandbox = Guid.CreateVersion7(), Integration = "prometheus", User = "U1", CorrelationId = "corr-1",
    };

    private readonly Vault _vault = new();

    [Fact]
    public async Task Reads_and_writes_use_credentials_of_their_own()
    {
        var source = new CredentialSource(_vault.Store([]));
        Assert.Equal("reads", await RevealAsync(source, Basic("reader"), write: false));
        Assert.Equal("writes", await RevealAsync(source, Basic("reader"), write: true));
    }

    [Fact]
    public async Task Without_a_write_reference_the_read_credential_is_not_used_instead()
    {
        var (credential, problem) = await new CredentialSource(_vault.Store([])).GetAsync(Basic("reader") with { Write = null }, true, false, Purpose, default);
        Assert.Null(credential);
        Assert.NotNull(problem);
        Assert.Empty(_vault.Asked);
    }

    [Fact]
    public async Task A_user_name_may_be_a_reference()
    {
        var (credential, _) = await new CredentialSource(_vault.Store([])).GetAsync(Basic("keyvault://acme/user"), false, false, Purpose, default);
        Assert.Equal("user", credential!["username"].RevealForUse());
    }

    [Fact]
    public async Task A_user_name_that_is_not_there_is_a_problem_not_an_empty_name()
    {
        var (credential, problem) = await new CredentialSource(_vault.Store([])).GetAsync(Basic("keyvault://acme/missing"), false, false, Purpose, default);
        Assert.Null(credential);
        Assert.Contains("keyvault://acme/missing", problem);
    }

    [Fact]
    public async Task A_target_that_asks_for_none_gets_none_and_no_store_is_asked()
    {
        var (credential, problem) = await new CredentialSource(_vault.Store([])).GetAsync(new AuthSettings { Scheme = AuthScheme.None }, true, true, Purpose, default);
        Assert.Same(CredentialSlots.Nothing, credential);
        Assert.Null(problem);
        Assert.Empty(_vault.Asked);
    }

    [Fact]
    public async Task Every_fetch_leaves_an_audit_row_with_the_reference_and_never_the_value()
    {
        await using var database = await postgres.CreateAsync();
        using var store = _vault.Store([new SecretAudit(new AuditLog(database.Gateway, database.SharedCipher))]);
        var source = new CredentialSource(store);
        await source.GetAsync(Basic("reader"), false, false, Purpose, default);
        await source.GetAsync(Basic("reader"), false, false, Purpose, default);   // from memory: the store was not asked
        await source.GetAsync(Basic("keyvault://acme/missing"), false, false, Purpose, default);

        var rows = await new AuditReader(database.Owner, database.SharedCipher).LastAsync(10, new AuditFilter(), default);
        Assert.Equal(
            [("keyvault://acme/reads", "success"), ("keyvault://acme/missing", "error")],
            rows.Select(r => ((string)r.Details!["reference"]!, r.Status!)));
        Assert.All(rows, r => Assert.Equal(AuditEventTypes.SecretAccessed, r.EventType));
        Assert.All(rows, r => Assert.Equal(
            (Purpose.Org, Purpose.Team, Purpose.Investigation, Purpose.Sandbox, Purpose.Integration, Purpose.User, Purpose.CorrelationId),
            (r.OrgId, r.TeamId, r.InvestigationId, r.SandboxId, (string?)r.Details!["integration"], r.UserId, r.CorrelationId)));
        Assert.Equal("v-reads", (string?)rows[0].Details!["version"]);
        Assert.DoesNotContain("canary", string.Concat(rows.Select(r => r.Details!.ToJsonString())));
    }

    [Fact]
    public async Task A_fetch_that_cannot_be_recorded_gives_no_credential()
    {
        await using var database = await postgres.CreateAsync();
        using var store = _vault.Store([new SecretAudit(new AuditLog(database.Gateway, database.SharedCipher))]);
        await database.ExecuteAsync("revoke insert on app.audit_events from public, incidentfox_gateway, incidentfox_bot");
        var (credential, problem) = await new CredentialSource(store).GetAsync(Basic("reader"), false, false, Purpose, default);
        Assert.Null(credential);
        Assert.Contains("could not be recorded", problem);
    }

    [Fact]
    public async Task A_secret_that_is_reserved_for_another_team_is_not_given_though_it_is_cached_and_the_attempt_is_recorded()
    {
        await using var database = await postgres.CreateAsync();
        var options = new SecretsOptions { Scopes = [new SecretScope { Prefix = "keyvault://acme/", Teams = ["payments"] }] };
        using var store = _vault.Store([new SecretAudit(new AuditLog(database.Gateway, database.SharedCipher))], options);
        var source = new CredentialSource(store);
        Assert.NotNull((await source.GetAsync(Basic("reader"), false, false, Purpose, default)).Secrets);
        foreach (var fresh in new[] { false, true })
        {
            var (credential, problem) = await source.GetAsync(Basic("reader"), false, fresh, Purpose with { Team = "search" }, default);
            Assert.Null(credential);
            Assert.Contains("reserved for team payments", problem);
        }
        Assert.Single(_vault.Asked);
        var rows = await new AuditReader(database.Owner, database.SharedCipher).LastAsync(10, new AuditFilter(), default);
        Assert.Equal([("payments", "success"), ("search", "denied"), ("search", "denied")], rows.Select(r => (r.TeamId!, r.Status!)));
    }

    private static AuthSettings Basic(string user)
    {
        var isReference = user.Contains("://", StringComparison.Ordinal);
        List<SlotReference> With(string password) => [new("password", password), .. isReference ? [new SlotReference("username", user)] : Array.Empty<SlotReference>()];
        return new AuthSettings
        {
            Scheme = AuthScheme.Basic, Read = With("keyvault://acme/reads"), Write = With("keyvault://acme/writes"),
            Options = isReference ? [] : new Dictionary<string, string> { ["username"] = user },
        };
    }

    private static async Task<string?> RevealAsync(CredentialSource source, AuthSettings auth, bool write) =>
        (await source.GetAsync(auth, write, false, Purpose, default)).Secrets?["password"].RevealForUse().Replace("canary-", "", StringComparison.Ordinal);

    // Holds every name but one.
    private sealed class Vault : ISecretSource
    {
        public ConcurrentQueue<string> Asked { get; } = new();

        public SecretScheme Scheme => SecretScheme.KeyVault;

        public SecretStore Store(IEnumerable<ISecretObserver> observers, SecretsOptions? options = null) =>
            new([this], observers, options ?? new SecretsOptions(), TimeProvider.System, NullLogger<SecretStore>.Instance);

        public ValueTask<SecretResult> FetchAsync(SecretReference reference, CancellationToken cancellationToken)
        {
            Asked.Enqueue(reference.Name);
            return new(reference.Name == "missing"
                ? SecretResult.NotFound($"There is no secret {reference}.")
                : SecretResult.Found(new SecretValue(reference.Name == "user" ? "user" : "canary-" + reference.Name, "v-" + reference.Name, DateTimeOffset.UnixEpoch)));
        }

        public bool IsStillCurrent(SecretReference reference, SecretValue value) => true;
    }
}
