using System.Text.Json.Nodes;
using IncidentFox.Core.Audit;
using IncidentFox.Gateway.Injection.Minting;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;
using IncidentFox.Gateway.Tests.Sending;
using IncidentFox.TestKit;
using Xunit;

namespace IncidentFox.Gateway.Tests.Injection;

public sealed class TokenMintTests(TestPostgres postgres)
{
    [Fact]
    public async Task A_token_is_kept_until_a_tenth_of_its_life_is_left()
    {
        await using var world = await MintFixture.StartAsync((_, _) => true, seconds: 3600);
        await world.ReadAsync(world.OAuth2());
        world.Sender.Time.Advance(TimeSpan.FromSeconds(3239));
        await world.ReadAsync(world.OAuth2());
        Assert.Equal(1, world.Minted);
        world.Sender.Time.Advance(TimeSpan.FromSeconds(1));
        await world.ReadAsync(world.OAuth2());
        Assert.Equal(2, world.Minted);
    }

    [Theory]
    [InlineData(300, 240)]                     // a minute before its end
    [InlineData(60, 30)]                       // half of it: a minute would leave nothing
    [InlineData(1_000_000, 12 * 3600)]         // never longer than half a day
    public async Task The_margin_is_at_least_a_minute_and_at_most_half_of_its_life(int seconds, int kept)
    {
        await using var world = await MintFixture.StartAsync((_, _) => true, seconds);
        await world.ReadAsync(world.OAuth2());
        world.Sender.Time.Advance(TimeSpan.FromSeconds(kept - 1));
        await world.ReadAsync(world.OAuth2());
        Assert.Equal(1, world.Minted);
        world.Sender.Time.Advance(TimeSpan.FromSeconds(1));
        await world.ReadAsync(world.OAuth2());
        Assert.Equal(2, world.Minted);
    }

    [Fact]
    public async Task However_many_calls_wait_the_endpoint_is_asked_once()
    {
        var go = new TaskCompletionSource();
        await using var world = await MintFixture.StartAsync((_, _) => true);
        world.Endpoint.Answer = async _ =>
        {
            await go.Task;
            return world.Token(3600);
        };
        var calls = Enumerable.Range(0, 50).Select(_ => world.ReadAsync(world.OAuth2())).ToArray();
        while (world.Endpoint.Requests.IsEmpty)
            await Task.Delay(5);
        go.SetResult();
        await Task.WhenAll(calls);
        Assert.Equal(1, world.Minted);
        Assert.Equal(50, world.Target.Requests.Count);
    }

    [Fact]
    public async Task When_the_target_refuses_a_token_another_one_is_minted_and_the_request_is_sent_once_more()
    {
        await using var world = await MintFixture.StartAsync((_, _) => true);
        await world.ReadAsync(world.OAuth2());
        world.Revoke();
        var echo = await world.ReadAsync(world.OAuth2());
        Assert.Contains("[redacted]", echo);
        Assert.Equal(2, world.Minted);
        Assert.Equal(["Bearer canary-minted-1", "Bearer canary-minted-1", "Bearer canary-minted-2"], world.Target.Requests.Select(r => r.Header("Authorization")));
        Assert.Equal([false, true], world.Sender.Mints.Select(m => m.Refused));
    }

    [Fact]
    public async Task A_write_is_replayed_with_its_body_and_once()
    {
        await using var world = await MintFixture.StartAsync((_, _) => true);
        Assert.Equal(200, (await world.Sender.AnswerAsync(SenderFixture.Delete(world.OAuth2(), "{\"a\":1}"))).Status);
        world.Revoke();
        Assert.Equal(200, (await world.Sender.AnswerAsync(SenderFixture.Delete(world.OAuth2(), "{\"a\":2}"))).Status);
        Assert.Equal(["{\"a\":1}", "{\"a\":2}", "{\"a\":2}"], world.Target.Requests.Select(r => r.Text));
    }

    [Fact]
    public async Task A_target_that_refuses_every_token_does_not_make_us_flood_the_endpoint()
    {
        await using var world = await MintFixture.StartAsync((_, _) => true);
        world.Target.Answer = _ => Task.FromResult(new Reply(401, "who?"));
        for (var i = 0; i < 5; i++)
            Assert.Equal("credential_refused", (await world.Sender.FailureAsync(SenderFixture.Get(world.OAuth2()))).Code);
        Assert.Equal(2, world.Minted);
        Assert.Equal(6, world.Target.Requests.Count);
        world.Sender.Time.Advance(TimeSpan.FromSeconds(10));
        await world.Sender.FailureAsync(SenderFixture.Get(world.OAuth2()));
        Assert.Equal(3, world.Minted);
    }

    [Fact]
    public async Task Many_calls_whose_token_is_refused_at_once_get_one_new_token()
    {
        await using var world = await MintFixture.StartAsync((_, _) => true);
        await world.ReadAsync(world.OAuth2());
        world.Revoke();
        await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => world.ReadAsync(world.OAuth2())));
        Assert.Equal(2, world.Minted);
    }

    [Fact]
    public async Task A_refusal_of_the_endpoint_is_remembered_for_five_seconds()
    {
        await using var world = await MintFixture.StartAsync((_, _) => false);
        for (var i = 0; i < 5; i++)
            await world.NoCredentialAsync(world.OAuth2());
        Assert.Single(world.Endpoint.Requests);
        world.Sender.Time.Advance(TimeSpan.FromSeconds(5));
        await world.NoCredentialAsync(world.OAuth2());
        Assert.Equal(2, world.Endpoint.Requests.Count);
    }

    [Fact]
    public async Task A_renewed_secret_mints_a_token_of_its_own_at_once()
    {
        await using var world = await MintFixture.StartAsync((_, seen) => seen.Form["client_secret"] == "renewed-secret");
        world.Endpoint.Answer = seen => Task.FromResult(seen.Form["client_secret"] == "renewed-secret" ? world.Token(3600) : new Reply(401, "{}"));
        var integration = world.OAuth2(auth: "post");
        await world.NoCredentialAsync(integration);
        world.Sender.Vault["read"] = "renewed-secret";
        world.Sender.Time.Advance(TimeSpan.FromHours(1));   // the cache of secrets has forgotten the old one
        await world.ReadAsync(integration);
    }

    [Fact]
    public async Task Two_teams_share_neither_a_token_nor_a_connection_also_not_of_an_integration_that_both_may_use()
    {
        await using var world = await MintFixture.StartAsync((_, _) => true);
        foreach (var team in new[] { "payments", "search", "payments", "search" })
            await world.ReadAsync(world.OAuth2(), MintFixture.As(team));
        Assert.Equal(2, world.Minted);
        var requests = world.Target.Requests.ToArray();
        Assert.Equal([1, 2, 1, 2], requests.Select(r => int.Parse(r.Header("Authorization")["Bearer canary-minted-".Length..])));
        Assert.Equal(requests[0].Connection, requests[2].Connection);
        Assert.Equal(requests[1].Connection, requests[3].Connection);
        Assert.NotEqual(requests[0].Connection, requests[1].Connection);
        Assert.Equal(2, world.Endpoint.Requests.Select(r => r.Connection).Distinct().Count());
    }

    [Fact]
    public async Task Another_scope_another_client_and_another_address_are_other_tokens()
    {
        await using var world = await MintFixture.StartAsync((_, _) => true);
        await world.ReadAsync(world.OAuth2());
        await world.ReadAsync(world.OAuth2(more: ("scope", "other")));
        await world.ReadAsync(world.OAuth2() with { Name = "other" });
        await world.ReadAsync(world.OAuth2() with { BaseUrl = new Uri($"http://127.0.0.1:{world.Target.Port}/below") });
        Assert.Equal(4, world.Minted);
    }

    [Fact]
    public async Task A_minting_that_cannot_be_recorded_gives_no_token()
    {
        await using var world = await MintFixture.StartAsync((_, _) => true);
        world.Sender.Record = _ => throw new InvalidOperationException("canary: no database");
        Assert.Contains("could not be recorded", await world.NoCredentialAsync(world.OAuth2()));
    }

    [Fact]
    public async Task Every_minting_leaves_an_audit_row_without_the_token()
    {
        await using var database = await postgres.CreateAsync();
        await using var world = await MintFixture.StartAsync((_, seen) => seen.Header("Authorization") == "Basic " + Convert.ToBase64String("my+client:right-secret"u8));
        world.Sender.Vault["read"] = "right-secret";
        world.Sender.Vault["write"] = "wrong-secret";
        var audit = new MintAudit(new AuditLog(database.Gateway, database.SharedCipher));
        world.Sender.Record = minted => audit.MintedAsync(minted, default);
        await world.ReadAsync(world.OAuth2());
        await world.Sender.FailureAsync(SenderFixture.Delete(world.OAuth2()));

        var rows = await new AuditReader(database.Owner, database.SharedCipher).LastAsync(10, new AuditFilter { EventType = AuditEventTypes.TokenMinted }, default);
        Assert.Equal([("success", "keyvault://acme/read"), ("error", "keyvault://acme/write")], rows.Select(r => (r.Status!, (string)r.Details!["reference"]!)));
        Assert.Equal(("acme", "payments", "U1", "corr-1"), (rows[0].OrgId!, rows[0].TeamId!, rows[0].UserId!, rows[0].CorrelationId!));
        Assert.Equal(SenderFixture.Context.Investigation.Value, rows[0].InvestigationId);
        Assert.Equal(3600, (long)rows[0].Details!["life_seconds"]!);
        Assert.Equal("oauth2_client_credentials", (string)rows[0].Details!["scheme"]!);
        Assert.DoesNotContain("canary", string.Concat(rows.Select(r => new JsonObject { ["d"] = r.Details!.DeepClone() }.ToJsonString())));
    }

    [Fact]
    public async Task A_silent_endpoint_ends_the_call_within_the_calls_own_time_limit()
    {
        await using var world = await MintFixture.StartAsync((_, _) => true);
        var never = new TaskCompletionSource<Reply>();
        world.Endpoint.Answer = _ => never.Task;
        var integration = world.OAuth2() with { Limits = new LimitSettings { Timeout = TimeSpan.FromSeconds(5) } };
        var call = world.NoCredentialAsync(integration);
        while (world.Endpoint.Requests.IsEmpty)
            await Task.Delay(5);
        Assert.False(call.IsCompleted);
        while (!call.IsCompleted)
        {
            world.Sender.Time.Advance(TimeSpan.FromSeconds(5));
            await Task.Delay(5);
        }
        Assert.Contains("time", await call);
        never.SetResult(new Reply(200, ""));
    }

    [Fact]
    public async Task The_replay_after_a_401_has_what_the_first_try_left_of_the_time()
    {
        await using var world = await MintFixture.StartAsync((_, _) => true);
        await world.ReadAsync(world.OAuth2());
        world.Revoke();
        var never = new TaskCompletionSource<Reply>();
        world.Target.Answer = seen =>
        {
            if (seen.Header("Authorization") != "Bearer canary-minted-1")
                return never.Task;
            world.Sender.Time.Advance(TimeSpan.FromSeconds(20));   // of thirty
            return Task.FromResult(new Reply(401, "who?"));
        };
        var call = world.Sender.FailureAsync(SenderFixture.Get(world.OAuth2()));
        while (world.Target.Requests.Count < 3)
            await Task.Delay(5);
        world.Sender.Time.Advance(TimeSpan.FromSeconds(9));
        await Task.Delay(50);
        Assert.False(call.IsCompleted);
        world.Sender.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("upstream_timeout", (await call).Code);
        never.SetResult(new Reply(200, ""));
    }

    [Fact]
    public async Task Whoever_stops_waiting_does_not_take_the_token_from_the_others()
    {
        var go = new TaskCompletionSource();
        await using var world = await MintFixture.StartAsync((_, _) => true);
        world.Endpoint.Answer = async _ =>
        {
            await go.Task;
            return world.Token(3600);
        };
        using var impatient = new CancellationTokenSource();
        var first = world.Sender.SendAsync(SenderFixture.Get(world.OAuth2()), impatient.Token);
        while (world.Endpoint.Requests.IsEmpty)
            await Task.Delay(5);
        var second = world.ReadAsync(world.OAuth2());
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        go.SetResult();
        await second;
        Assert.Equal(1, world.Minted);
    }

    [Fact]
    public void Nothing_of_it_can_be_printed()
    {
        Assert.DoesNotContain("canary", new Minted(1, ["canary-1"], null).ToString());
        Assert.DoesNotContain("canary", new FreshCredential(["canary-1"], TimeSpan.FromHours(1)).ToString());
        Assert.DoesNotContain("canary", new MintAnswer(200, "canary"u8.ToArray()).ToString());
    }
}
