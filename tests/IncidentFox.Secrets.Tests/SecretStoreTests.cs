using Xunit;

namespace IncidentFox.Secrets.Tests;

public sealed class SecretStoreTests : IDisposable
{
    private readonly StoreFixture _it = new();

    [Fact]
    public async Task A_fresh_secret_is_served_from_memory()
    {
        Assert.Equal("1", await _it.VersionAsync());
        _it.Time.Advance(TimeSpan.FromMinutes(3));
        Assert.Equal("1", await _it.VersionAsync());
        Assert.Equal(1, _it.Fetches);
    }

    [Fact]
    public async Task After_its_time_to_live_a_secret_is_fetched_again()
    {
        await _it.VersionAsync();
        _it.Time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal("2", await _it.VersionAsync());
    }

    [Fact]
    public async Task A_hundred_concurrent_callers_ask_the_store_once()
    {
        var answer = new TaskCompletionSource<SecretResult>();
        _it.Script = (_, _) => answer.Task;
        var callers = Enumerable.Range(0, 100).Select(_ => Task.Run(() => _it.VersionAsync())).ToArray();
        await StoreFixture.UntilAsync(() => _it.Fetches > 0);
        answer.SetResult(_it.Found("1"));

        Assert.All(await Task.WhenAll(callers), v => Assert.Equal("1", v));
        Assert.Equal(1, _it.Fetches);
    }

    [Fact]
    public async Task A_caller_who_gives_up_does_not_take_the_others_with_him()
    {
        var answer = new TaskCompletionSource<SecretResult>();
        var seen = CancellationToken.None;
        _it.Script = (token, _) =>
        {
            seen = token;
            return answer.Task;
        };
        using var impatient = new CancellationTokenSource();
        var first = _it.Store.GetAsync(StoreFixture.Password, impatient.Token).AsTask();
        var second = _it.VersionAsync();
        await StoreFixture.UntilAsync(() => _it.Fetches > 0);
        await impatient.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.False(seen.IsCancellationRequested);
        answer.SetResult(_it.Found("1"));
        Assert.Equal("1", await second);
        Assert.Equal(1, _it.Fetches);
    }

    [Fact]
    public async Task At_two_thirds_of_its_life_a_secret_is_refreshed_in_the_background()
    {
        var second = new TaskCompletionSource<SecretResult>();
        _it.Script = (_, n) => n == 1 ? Task.FromResult(_it.Found("1")) : second.Task;
        await _it.VersionAsync();

        _it.Time.Advance(TimeSpan.FromSeconds(199));
        Assert.Equal("1", await _it.VersionAsync());
        Assert.Equal(1, _it.Fetches);

        _it.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("1", await _it.VersionAsync());   // nobody waits for the refresh
        Assert.Equal("1", await _it.VersionAsync());
        await StoreFixture.UntilAsync(() => _it.Fetches == 2);
        second.SetResult(_it.Found("2"));
        await _it.UntilVersionAsync("2");
        Assert.Equal(2, _it.Fetches);
        Assert.Equal(SecretFetchCause.Refresh, _it.Observed.Last().Cause);
    }

    [Fact]
    public async Task When_a_refresh_fails_the_value_serves_out_its_life_and_no_longer()
    {
        _it.Script = (_, n) => Task.FromResult(n == 1 ? _it.Found("1") : SecretResult.Unavailable("down"));
        await _it.VersionAsync();
        _it.Time.Advance(TimeSpan.FromSeconds(200));
        await _it.VersionAsync();
        await StoreFixture.UntilAsync(() => _it.Observed.Count == 2);
        _it.Time.Advance(TimeSpan.FromSeconds(99));
        Assert.Equal("1", await _it.VersionAsync());
        _it.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("Unavailable", await _it.VersionAsync());
    }

    [Fact]
    public async Task A_secret_that_was_disabled_is_dropped_by_the_next_refresh()
    {
        _it.Script = (_, n) => Task.FromResult(n == 1 ? _it.Found("1") : SecretResult.Disabled("disabled"));
        await _it.VersionAsync();
        _it.Time.Advance(TimeSpan.FromSeconds(200));
        await _it.UntilVersionAsync("Disabled");
    }

    [Theory]
    [InlineData(SecretOutcome.NotFound)]
    [InlineData(SecretOutcome.Unavailable)]
    public async Task A_failure_is_remembered_shortly(SecretOutcome outcome)
    {
        _it.Script = (_, n) => Task.FromResult(
            n > 1 ? _it.Found("2") : outcome == SecretOutcome.NotFound ? SecretResult.NotFound("no") : SecretResult.Unavailable("down"));
        Assert.Equal(outcome.ToString(), await _it.VersionAsync());
        _it.Time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(outcome.ToString(), await _it.VersionAsync());
        Assert.Equal(1, _it.Fetches);
        _it.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("2", await _it.VersionAsync());
    }

    [Theory]
    [InlineData(60, 60)]
    [InlineData(1, 10)]
    [InlineData(86_400, 300)]
    public async Task A_throttling_store_is_left_alone_as_long_as_it_asks_within_reason(int asked, int waited)
    {
        _it.Script = (_, n) => Task.FromResult(n > 1 ? _it.Found("2") : SecretResult.Throttled("slow down", TimeSpan.FromSeconds(asked)));
        await _it.VersionAsync();
        _it.Time.Advance(TimeSpan.FromSeconds(waited - 1));
        Assert.Equal("Throttled", await _it.VersionAsync());
        Assert.Equal(1, _it.Fetches);
        _it.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("2", await _it.VersionAsync());
    }

    [Fact]
    public async Task A_value_is_never_served_past_the_expiry_its_store_states()
    {
        _it.Script = (_, n) => Task.FromResult(n == 1 ? _it.Found("1", _it.Time.GetUtcNow().AddSeconds(30)) : SecretResult.Expired("expired"));
        await _it.VersionAsync();
        _it.Time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal("Expired", await _it.VersionAsync());
    }

    [Fact]
    public async Task A_stale_value_is_served_only_where_configured_marked_and_for_a_limited_time()
    {
        using var it = new StoreFixture(new SecretsOptions { StaleFor = TimeSpan.FromMinutes(1) });
        it.Script = (_, n) => Task.FromResult(n == 1 ? it.Found("1") : SecretResult.Unavailable("down"));
        await it.VersionAsync();
        it.Time.Advance(TimeSpan.FromMinutes(5.5));
        var stale = await it.Store.GetAsync(StoreFixture.Password, StoreFixture.Token);
        Assert.True(stale.IsStale);
        Assert.Equal("1", stale.Value?.Version);
        it.Time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal("Unavailable", await it.VersionAsync());
    }

    [Fact]
    public async Task A_stale_value_does_not_survive_the_stores_considered_no()
    {
        using var it = new StoreFixture(new SecretsOptions { StaleFor = TimeSpan.FromHours(1) });
        it.Script = (_, n) => Task.FromResult(n == 1 ? it.Found("1") : n == 2 ? SecretResult.Disabled("disabled") : SecretResult.Unavailable("down"));
        await it.VersionAsync();
        it.Time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal("Disabled", await it.VersionAsync());
        it.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("Unavailable", await it.VersionAsync());
    }

    [Fact]
    public async Task A_forced_refresh_asks_the_store_at_most_once_per_interval()
    {
        await _it.VersionAsync();
        Assert.Equal("2", (await FreshAsync()).Value?.Version);
        Assert.Equal("2", (await FreshAsync()).Value?.Version);
        _it.Time.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal("2", (await FreshAsync()).Value?.Version);
        _it.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("3", (await FreshAsync()).Value?.Version);
        Assert.Equal("3", await _it.VersionAsync());
    }

    [Fact]
    public async Task A_hundred_callers_whose_credential_was_refused_make_one_forced_refresh()
    {
        await _it.VersionAsync();
        var results = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => Task.Run(FreshAsync)));
        Assert.All(results, r => Assert.NotNull(r.Value));
        Assert.Equal(2, _it.Fetches);
    }

    [Fact]
    public async Task A_forced_refresh_that_cannot_reach_the_store_says_so_and_keeps_the_cached_value()
    {
        _it.Script = (_, n) => Task.FromResult(n == 1 ? _it.Found("1") : SecretResult.Unavailable("down"));
        await _it.VersionAsync();
        Assert.Equal(SecretOutcome.Unavailable, (await FreshAsync()).Outcome);
        Assert.Equal("1", await _it.VersionAsync());
    }

    [Fact]
    public async Task A_value_that_its_source_calls_outdated_is_fetched_again()
    {
        await _it.VersionAsync();
        _it.Current = v => v.Version != "1";
        Assert.Equal("2", await _it.VersionAsync());
        Assert.Equal("2", await _it.VersionAsync());
        Assert.Equal(2, _it.Fetches);
        Assert.Equal(SecretFetchCause.Changed, _it.Observed.Last().Cause);
    }

    [Fact]
    public async Task A_store_that_does_not_answer_is_given_up_on()
    {
        _it.Script = (_, _) => new TaskCompletionSource<SecretResult>().Task;   // ignores its token
        var waiting = _it.VersionAsync();
        await StoreFixture.UntilAsync(() => _it.Fetches == 1);
        _it.Time.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal("Unavailable", await waiting);
    }

    [Fact]
    public async Task A_source_that_throws_tells_neither_caller_nor_log_what_it_was_reading()
    {
        _it.Script = (_, _) => throw new FormatException("bad byte in canary-42");
        var result = await _it.Store.GetAsync(StoreFixture.Password, StoreFixture.Token);
        Assert.Equal(SecretOutcome.Unavailable, result.Outcome);
        Assert.Contains(nameof(FormatException), result.Reason, StringComparison.Ordinal);
        Assert.NotEmpty(_it.Logged);
        Assert.DoesNotContain("canary", result.Reason + string.Concat(_it.Logged), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_fetch_is_observed_with_its_version_outcome_and_duration_and_without_the_secret()
    {
        _it.Script = (_, _) =>
        {
            _it.Time.Advance(TimeSpan.FromMilliseconds(40));
            return Task.FromResult(_it.Found("1"));
        };
        await _it.VersionAsync();
        await _it.VersionAsync();

        var fetch = Assert.Single(_it.Observed);
        Assert.Equal((StoreFixture.Password, "1", SecretOutcome.Found, SecretFetchCause.Miss), (fetch.Reference, fetch.Version, fetch.Outcome, fetch.Cause));
        Assert.Equal(TimeSpan.FromMilliseconds(40), fetch.Duration);
        Assert.DoesNotContain("canary", fetch.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_recorded_is_not_handed_out()
    {
        _it.Observe = (_, _) => throw new IOException("no database");
        Assert.Equal("Unavailable", await _it.VersionAsync());
        Assert.Single(_it.Logged);

        _it.Observe = (_, _) => ValueTask.CompletedTask;
        _it.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("2", await _it.VersionAsync());
    }

    [Fact]
    public async Task A_disabled_secret_is_dropped_though_that_cannot_be_recorded()
    {
        _it.Script = (_, n) => Task.FromResult(n == 1 ? _it.Found("1") : SecretResult.Disabled("disabled"));
        await _it.VersionAsync();
        _it.Observe = (_, _) => throw new IOException("no database");
        Assert.Equal(SecretOutcome.Disabled, (await FreshAsync()).Outcome);
        Assert.Equal("Disabled", await _it.VersionAsync());
    }

    [Fact]
    public async Task The_cache_is_bounded_and_forgets_what_was_used_longest_ago()
    {
        using var it = new StoreFixture(new SecretsOptions { MaxCached = 2 });
        var (a, b, c) = (Named("a"), Named("b"), Named("c"));
        Assert.Equal("1", await it.VersionAsync(a));
        it.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("2", await it.VersionAsync(b));
        it.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("1", await it.VersionAsync(a));
        Assert.Equal("3", await it.VersionAsync(c));
        Assert.Equal("1", await it.VersionAsync(a));
        Assert.Equal("4", await it.VersionAsync(b));
    }

    [Fact]
    public async Task A_secret_that_nobody_uses_leaves_the_memory_soon_after_its_life()
    {
        await _it.VersionAsync();
        _it.Time.Advance(TimeSpan.FromMinutes(4));
        Assert.Equal(1, _it.Store.Cached);
        _it.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(0, _it.Store.Cached);
        Assert.Equal(1, _it.Fetches);
    }

    [Fact]
    public async Task A_forced_refresh_is_not_content_with_the_answer_to_a_question_that_was_put_earlier()
    {
        var early = new TaskCompletionSource<SecretResult>();
        _it.Script = (_, n) => n == 1 ? early.Task : Task.FromResult(_it.Found($"{n}"));
        var first = _it.VersionAsync();
        var forced = Enumerable.Range(0, 10).Select(_ => FreshAsync()).ToArray();
        early.SetResult(_it.Found("1"));
        Assert.Equal("1", await first);
        Assert.All(await Task.WhenAll(forced), r => Assert.Equal("2", r.Value?.Version));
        Assert.Equal(2, _it.Fetches);
    }

    [Fact]
    public async Task Who_is_refused_while_a_forced_refresh_is_under_way_waits_for_it_instead_of_getting_the_old_value()
    {
        var second = new TaskCompletionSource<SecretResult>();
        _it.Script = (_, n) => n == 1 ? Task.FromResult(_it.Found("1")) : second.Task;
        await _it.VersionAsync();
        var forced = Enumerable.Range(0, 10).Select(_ => FreshAsync()).ToArray();
        Assert.Equal("1", await _it.VersionAsync());   // others are not kept waiting
        second.SetResult(_it.Found("2"));
        Assert.All(await Task.WhenAll(forced), r => Assert.Equal("2", r.Value?.Version));
        Assert.Equal(2, _it.Fetches);
    }

    [Fact]
    public async Task When_every_place_is_taken_by_a_fetch_under_way_another_is_refused()
    {
        using var it = new StoreFixture(new SecretsOptions { MaxCached = 1 });
        var answer = new TaskCompletionSource<SecretResult>();
        it.Script = (_, _) => answer.Task;
        var first = it.VersionAsync(Named("a"));
        Assert.Equal("Unavailable", await it.VersionAsync(Named("b")));
        answer.SetResult(it.Found("1"));
        Assert.Equal("1", await first);
    }

    [Fact]
    public async Task A_scheme_without_a_source_and_an_empty_reference_are_refused()
    {
        Assert.Equal("Denied", await _it.VersionAsync(SecretReferenceTests.Parse("file:///run/secrets/x")));
        await Assert.ThrowsAsync<ArgumentException>(async () => await _it.Store.GetAsync(default, StoreFixture.Token));
        await Assert.ThrowsAsync<ArgumentException>(async () => await _it.Store.GetFreshAsync(default, StoreFixture.Token));
    }

    [Fact]
    public async Task A_disposed_store_ends_what_is_under_way_and_gives_nothing_more()
    {
        _it.Script = (token, _) => Task.Delay(Timeout.Infinite, token).ContinueWith<SecretResult>(_ => throw new OperationCanceledException(token), TaskScheduler.Default);
        var waiting = _it.VersionAsync();
        await StoreFixture.UntilAsync(() => _it.Fetches == 1);
        _it.Store.Dispose();
        Assert.Equal("Unavailable", await waiting);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => _it.VersionAsync());
    }

    private async Task<SecretResult> FreshAsync() => await _it.Store.GetFreshAsync(StoreFixture.Password, StoreFixture.Token);

    private static SecretReference Named(string name) => SecretReferenceTests.Parse($"keyvault://acme-prod/{name}");

    public void Dispose() => _it.Dispose();
}
