using System.Text;
using IncidentFox.TestKit.Tls;
using IncidentFox.TestKit.Vault;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace IncidentFox.Secrets.Tests;

/// <summary>What Vault's answers become.</summary>
public sealed class VaultSourceTests : IAsyncLifetime
{
    private VaultFixture _it = null!;

    public async ValueTask InitializeAsync() => _it = await VaultFixture.AppRoleAsync();

    [Fact]
    public async Task The_newest_version_of_a_field_is_read()
    {
        _it.Vault.Contents.Set("secret/teams/payments/db", new(StringComparer.Ordinal) { ["user"] = "fox", ["password"] = "older" });
        _it.Vault.Contents.Set("secret/teams/payments/db", new(StringComparer.Ordinal) { ["user"] = "fox", ["password"] = "newer" });

        var value = (await _it.FetchAsync("vault://secret/teams/payments/db#password")).Value;
        Assert.Equal(("newer", "2"), (value?.RevealForUse(), value?.Version));
        Assert.Equal(_it.Time.GetUtcNow(), value?.FetchedAt);
        Assert.Contains(_it.Vault.Requests, r => r is { Method: "GET", Path: "/v1/secret/data/teams/payments/db" });
        Assert.All(_it.Vault.Requests.Where(r => r.Path.EndsWith("/login", StringComparison.Ordinal)), r => Assert.Empty(r.Token));
    }

    [Fact]
    public async Task A_missing_secret_a_missing_field_a_deleted_and_a_destroyed_version_are_told_apart()
    {
        await ExpectAsync(SecretOutcome.NotFound, "There is no nothing", "vault://secret/nothing#password");
        await ExpectAsync(SecretOutcome.NotFound, "no field user", "vault://secret/app#user");
        _it.Vault.Contents.Delete("secret/app");
        await ExpectAsync(SecretOutcome.NotFound, "was deleted");
        _it.Vault.Contents.Undelete("secret/app");
        Assert.Equal(SecretOutcome.Found, (await _it.FetchAsync()).Outcome);
        _it.Vault.Contents.Destroy("secret/app");
        await ExpectAsync(SecretOutcome.NotFound, "was destroyed");
    }

    [Fact]
    public async Task A_version_that_is_to_be_deleted_is_good_until_then_and_no_longer()
    {
        _it.Vault.Contents.Set("secret/app", new(StringComparer.Ordinal) { ["password"] = "brief" }, deletedAfter: TimeSpan.FromMinutes(1));
        Assert.Equal(_it.Time.GetUtcNow().AddMinutes(1), (await _it.FetchAsync()).Value?.ExpiresAt);
        _it.Time.Advance(TimeSpan.FromMinutes(1));
        await ExpectAsync(SecretOutcome.NotFound, "was deleted");
    }

    [Fact]
    public async Task A_path_that_the_policy_forbids_is_denied_with_what_to_add_and_costs_no_second_sign_in()
    {
        _it.Vault.Tokens.Forbidden.Add("secret/data/app");
        await ExpectAsync(SecretOutcome.Denied, "path \"secret/data/app\"");
        await ExpectAsync(SecretOutcome.Denied, "path \"secret/data/app\"");
        Assert.Equal(1, _it.Vault.Tokens.SignIns);
    }

    [Fact]
    public async Task A_sealed_vault_and_a_standby_are_unavailable_and_no_redirect_is_followed()
    {
        await _it.FetchAsync();
        _it.Vault.Sealed = true;
        await ExpectAsync(SecretOutcome.Unavailable, "sealed");
        _it.Vault.Sealed = false;
        _it.Vault.Standby = true;
        await ExpectAsync(SecretOutcome.Unavailable, "standby");
        _it.Vault.Standby = false;
        Assert.Equal(SecretOutcome.Found, (await _it.FetchAsync()).Outcome);
    }

    [Theory]
    [InlineData(429, "17", SecretOutcome.Throttled, 17)]
    [InlineData(429, null, SecretOutcome.Throttled, 10)]
    [InlineData(429, "-5", SecretOutcome.Throttled, 10)]
    [InlineData(503, "3", SecretOutcome.Throttled, 3)]
    [InlineData(412, null, SecretOutcome.Unavailable, null)]
    [InlineData(473, null, SecretOutcome.Unavailable, null)]
    [InlineData(500, null, SecretOutcome.Unavailable, null)]
    [InlineData(502, null, SecretOutcome.Unavailable, null)]
    public async Task Trouble_is_transient_and_throttling_says_how_long(int status, string? retryAfter, SecretOutcome outcome, int? seconds)
    {
        _it.Vault.Fail(context =>
        {
            context.Response.Headers.RetryAfter = retryAfter;
            return VaultDouble.ErrorAsync(context, status, $"request path secret/data/app: {VaultFixture.Canary}");
        });
        var result = await _it.FetchAsync();
        Assert.Equal((outcome, seconds), (result.Outcome, (int?)result.RetryAfter?.TotalSeconds));
        Assert.True(result.IsTransient);
        Assert.Equal(1, _it.Vault.Count("/data/"));
    }

    [Theory]
    [InlineData("<html>captive portal</html>")]
    [InlineData("""{"data":{"password":"of the engine's first version"}}""")]
    [InlineData("""{"data":{"data":{"password":"vault-canary-value"},"metadata":{"version":"one"}}}""")]
    [InlineData("""{"data":{"data":["vault-canary-value"],"metadata":{"version":1}}}""")]
    [InlineData("""{"data":7}""")]
    [InlineData("[]")]
    [InlineData("")]
    public async Task What_does_not_answer_like_vault_is_unavailable_and_not_quoted(string body)
    {
        _it.Vault.Fail(context => context.Response.WriteAsync(body));
        await ExpectAsync(SecretOutcome.Unavailable, "does not answer like it");
    }

    [Fact]
    public async Task An_endless_answer_is_cut_off()
    {
        _it.Vault.Fail(async context =>
        {
            var chunk = Encoding.ASCII.GetBytes(new string('x', 64 * 1024));
            for (var i = 0; i < 1000 && !context.RequestAborted.IsCancellationRequested; i++)
            {
                await context.Response.Body.WriteAsync(chunk, context.RequestAborted);
            }
        });
        await ExpectAsync(SecretOutcome.Unavailable, "2 MiB");
    }

    [Fact]
    public async Task A_field_that_is_no_text_or_too_long_is_denied()
    {
        _it.Vault.Contents.Set("secret/odd", new(StringComparer.Ordinal)
        {
            ["number"] = 5, ["empty"] = "", ["object"] = new { a = VaultFixture.Canary }, ["long"] = new string('x', 65_537), ["fits"] = new string('x', 65_536),
        });
        foreach (var field in (string[])["number", "empty", "object", "long"])
        {
            await ExpectAsync(SecretOutcome.Denied, field, $"vault://secret/odd#{field}");
        }

        Assert.Equal(SecretOutcome.Found, (await _it.FetchAsync("vault://secret/odd#fits")).Outcome);
    }

    [Fact]
    public async Task A_cut_connection_is_unavailable_and_a_hanging_one_is_left_when_the_caller_says_so()
    {
        _it.Vault.Fail(context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        Assert.Equal(SecretOutcome.Unavailable, (await _it.FetchAsync()).Outcome);

        var reached = new TaskCompletionSource();
        _it.Vault.Fail(async context =>
        {
            reached.SetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(static _ => { }, TaskScheduler.Default);
        });
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(StoreFixture.Token);
        var waiting = _it.Source.FetchAsync(SecretReferenceTests.Parse("vault://secret/app#password"), limit.Token).AsTask();
        await reached.Task.WaitAsync(StoreFixture.Token);
        await limit.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    [Fact]
    public async Task An_authority_that_is_not_trusted_and_another_name_get_no_request()
    {
        using var stranger = new TestAuthority();
        foreach (var (address, ca) in new[] { (_it.Vault.Address, stranger.CaFile), (_it.Vault.Address, null), (_it.Vault.Address.Replace("localhost", "127.0.0.1", StringComparison.Ordinal), _it.Vault.CaFile) })
        {
            await using var other = await VaultFixture.StartAsync(
                new VaultAuthOptions(), _ => new VaultOptions { Address = address, CaFile = ca, Auth = new VaultAuthOptions { Method = "approle", RoleId = "role-1" } });
            var before = _it.Vault.Requests.Count;
            var result = await other.FetchAsync();
            Assert.Equal(SecretOutcome.Unavailable, result.Outcome);
            Assert.Contains("certificate is not trusted", result.Reason, StringComparison.Ordinal);
            Assert.Equal(before, _it.Vault.Requests.Count);
        }
    }

    [Fact]
    public async Task The_namespace_goes_with_every_request()
    {
        await using var it = await VaultFixture.StartAsync(new VaultAuthOptions(), v => new VaultOptions
        {
            Address = v.Address, CaFile = v.CaFile, Namespace = "platform/sre", Auth = new VaultAuthOptions { Method = "approle", RoleId = "role-1" },
        });
        it.Vault.Tokens.AppRole = ("role-1", null);
        Assert.Equal(SecretOutcome.Denied, (await it.FetchAsync()).Outcome);   // its role is in another namespace
        it.Vault.Namespace = "platform/sre";
        it.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(VaultFixture.Canary, (await it.FetchAsync()).Value?.RevealForUse());
    }

    [Fact]
    public async Task Without_an_address_the_reason_says_what_to_set()
    {
        await using var it = await VaultFixture.StartAsync(new VaultAuthOptions(), _ => new VaultOptions());
        var result = await it.FetchAsync();
        Assert.Equal(SecretOutcome.Denied, result.Outcome);
        Assert.Contains("Secrets:Vault:Address", result.Reason, StringComparison.Ordinal);
    }

    private async Task ExpectAsync(SecretOutcome outcome, string hint, string reference = "vault://secret/app#password")
    {
        var result = await _it.FetchAsync(reference);
        Assert.Equal(outcome, result.Outcome);
        Assert.Contains(hint, result.Reason, StringComparison.Ordinal);
    }

    public ValueTask DisposeAsync() => _it.DisposeAsync();
}
