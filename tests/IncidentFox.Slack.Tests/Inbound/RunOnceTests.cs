using System.Net;
using IncidentFox.Slack.Tests.Support;

namespace IncidentFox.Slack.Tests.Inbound;

public sealed class RunOnceTests
{
    private const string Form = "application/x-www-form-urlencoded";
    private const string Json = "application/json";

    [Fact]
    public async Task A_byte_identical_request_is_refused_as_replayed()
    {
        await using var host = await SlackHost.StartAsync();
        var at = host.Clock.GetUtcNow();
        using var first = await host.SendAsync(host.Signed(SlackPaths.Commands, Samples.Command(), Form, at));
        using var second = await host.SendAsync(host.Signed(SlackPaths.Commands, Samples.Command(), Form, at));
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Unauthorized), (first.StatusCode, second.StatusCode));
        Assert.Single(host.Handler.Commands);
        Assert.Equal(SlackRefusalReasons.Replayed, Assert.Single(host.Handler.Refusals).Reason);
    }

    [Fact]
    public async Task Changing_the_case_of_the_signature_does_not_make_a_replay_new()
    {
        await using var host = await SlackHost.StartAsync();
        using var first = await host.SendFormAsync(SlackPaths.Commands, Samples.Command());
        var again = host.Signed(SlackPaths.Commands, Samples.Command(), Form);
        var signature = again.Headers.GetValues("X-Slack-Signature").Single();
        again.Headers.Remove("X-Slack-Signature");
        again.Headers.Add("X-Slack-Signature", "v0=" + signature[3..].ToUpperInvariant());
        using var second = await host.SendAsync(again);
        Assert.Equal(HttpStatusCode.Unauthorized, second.StatusCode);
        Assert.Single(host.Handler.Commands);
    }

    [Fact]
    public async Task A_retry_of_a_handled_event_is_acknowledged_and_not_run_again()
    {
        await using var host = await SlackHost.StartAsync();
        using var first = await host.SendJsonAsync(SlackPaths.Events, Samples.Mention());
        host.Clock.Advance(TimeSpan.FromMinutes(1));
        var retry = host.Signed(SlackPaths.Events, Samples.Mention(), Json);
        retry.Headers.Add("X-Slack-Retry-Num", "1");
        retry.Headers.Add("X-Slack-Retry-Reason", "http_timeout");
        using var second = await host.SendAsync(retry);
        Assert.Equal(HttpStatusCode.OK, second.StatusCode);
        Assert.Single(host.Handler.Events);
        Assert.Empty(host.Handler.Refusals);
    }

    [Fact]
    public async Task An_event_whose_handler_failed_is_run_by_the_retry_even_when_its_bytes_are_the_same()
    {
        await using var host = await SlackHost.StartAsync();
        host.Handler.Before = _ => throw new InvalidOperationException("secret detail");
        using var first = await host.SendJsonAsync(SlackPaths.Events, Samples.Mention());
        Assert.Equal(HttpStatusCode.InternalServerError, first.StatusCode);
        Assert.Equal("failed", await first.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));

        host.Handler.Before = _ => Task.CompletedTask;
        using var retry = await host.SendJsonAsync(SlackPaths.Events, Samples.Mention());
        Assert.Equal(HttpStatusCode.OK, retry.StatusCode);
        Assert.Single(host.Handler.Events);
    }

    [Fact]
    public async Task A_retry_during_the_first_try_is_told_to_come_back_and_nothing_is_lost_when_the_first_fails()
    {
        await using var host = await SlackHost.StartAsync();
        var entered = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        host.Handler.Before = async _ =>
        {
            entered.TrySetResult();
            await release.Task;
            throw new InvalidOperationException("the database went away");
        };
        var at = host.Clock.GetUtcNow();
        var first = host.SendAsync(host.Signed(SlackPaths.Events, Samples.Mention(), Json, at));
        await entered.Task;
        using var during = await host.SendAsync(host.Signed(SlackPaths.Events, Samples.Mention(), Json, at.AddSeconds(1)));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, during.StatusCode);
        release.SetResult();
        using var failed = await first;
        Assert.Equal(HttpStatusCode.InternalServerError, failed.StatusCode);

        host.Handler.Before = _ => Task.CompletedTask;
        using var later = await host.SendAsync(host.Signed(SlackPaths.Events, Samples.Mention(), Json, at.AddSeconds(60)));
        Assert.Equal(HttpStatusCode.OK, later.StatusCode);
        Assert.Single(host.Handler.Events);
    }

    [Fact]
    public async Task After_a_crash_in_the_handler_the_retry_runs_once_the_lease_is_over()
    {
        await using var host = await SlackHost.StartAsync();
        Assert.True(await host.Ledger.TryClaimAsync("slack:lease:event:T0001:Ev08MFMKH6", TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        using var early = await host.SendJsonAsync(SlackPaths.Events, Samples.Mention());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, early.StatusCode);
        host.Clock.Advance(TimeSpan.FromSeconds(60));
        using var retry = await host.SendJsonAsync(SlackPaths.Events, Samples.Mention());
        Assert.Equal(HttpStatusCode.OK, retry.StatusCode);
        Assert.Single(host.Handler.Events);
    }

    [Fact]
    public async Task Fifty_deliveries_of_the_same_event_at_once_run_it_once()
    {
        await using var host = await SlackHost.StartAsync();
        var now = host.Clock.GetUtcNow();
        var responses = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => host.SendAsync(host.Signed(SlackPaths.Events, Samples.Mention(), Json, now.AddSeconds(i)))));
        Assert.Single(host.Handler.Events);
        Assert.All(responses, r => Assert.Contains(r.StatusCode, new[] { HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable }));
    }

    [Fact]
    public async Task Fifty_replays_at_once_have_one_winner()
    {
        await using var host = await SlackHost.StartAsync();
        var at = host.Clock.GetUtcNow();
        var responses = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => host.SendAsync(host.Signed(SlackPaths.Commands, Samples.Command(), Form, at))));
        Assert.Equal(1, responses.Count(r => r.StatusCode == HttpStatusCode.OK));
        Assert.Single(host.Handler.Commands);
        Assert.Single(host.Handler.Refusals);
    }

    [Fact]
    public async Task When_the_ledger_cannot_be_asked_nothing_runs_and_slack_is_told_to_come_back()
    {
        await using var host = await SlackHost.StartAsync();
        host.Ledger.Broken = true;
        using var response = await host.SendJsonAsync(SlackPaths.Events, Samples.Mention());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(0, host.Handler.Handled);
        host.Ledger.Broken = false;
        using var retry = await host.SendJsonAsync(SlackPaths.Events, Samples.Mention());
        Assert.Equal(HttpStatusCode.OK, retry.StatusCode);
    }

    [Theory]
    [InlineData(SlackPaths.Commands, HttpStatusCode.OK)]
    [InlineData(SlackPaths.Events, HttpStatusCode.ServiceUnavailable)]
    public async Task The_answer_leaves_in_time_and_the_slow_handler_finishes_all_the_same(string path, HttpStatusCode expected)
    {
        await using var host = await SlackHost.StartAsync();
        var entered = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        host.Handler.Before = async _ =>
        {
            entered.TrySetResult();
            await release.Task;
        };
        var sending = path == SlackPaths.Commands ? host.SendFormAsync(path, Samples.Command()) : host.SendJsonAsync(path, Samples.Mention());
        await entered.Task;
        Assert.False(sending.IsCompleted);
        while (!sending.IsCompleted)
        {
            host.Clock.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }

        using var response = await sending;
        Assert.Equal(expected, response.StatusCode);
        Assert.Equal(0, host.Handler.Handled);
        release.SetResult();
        await Eventually.TrueAsync(() => host.Handler.Handled == 1);
    }

    [Theory]
    [InlineData(2400, false)]
    [InlineData(2600, true)]
    public async Task A_handler_that_takes_more_than_two_and_a_half_seconds_is_logged(int milliseconds, bool logged)
    {
        await using var host = await SlackHost.StartAsync();
        host.Handler.Before = _ =>
        {
            host.Clock.Advance(TimeSpan.FromMilliseconds(milliseconds));
            return Task.CompletedTask;
        };
        using var response = await host.SendFormAsync(SlackPaths.Commands, Samples.Command());
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(logged, host.Logs.Lines.Any(l => l.StartsWith($"Warning: The Slack handler took {milliseconds} ms", StringComparison.Ordinal)));
    }
}
