using System.Text.Json.Nodes;
using IncidentFox.EndToEnd.Kit;
using IncidentFox.Workbench.Estate.Faults;

namespace IncidentFox.EndToEnd;

public sealed class SlackDoorTests(HttpInstallation product) : IClassFixture<HttpInstallation>
{
    private string SigningSecret => File.ReadAllText(Path.Combine(product.Stack.Files.RunDirectory, "secrets", "slack-signing-secret"));

    [Fact]
    public Task A_request_with_a_wrong_signature_is_refused_and_audited() =>
        RefusedAsync(new SlackRequest(SigningSecret) { Body = SlackRequest.Command("help", NewTrigger()), Signature = "v0=" + new string('0', 64) }, 401, "bad_signature");

    [Fact]
    public Task A_request_signed_with_another_secret_is_refused_and_audited() =>
        RefusedAsync(new SlackRequest("0123456789abcdef0123456789abcdef") { Body = SlackRequest.Command("help", NewTrigger()) }, 401, "bad_signature");

    [Fact]
    public Task A_request_older_than_five_minutes_is_refused_and_audited() =>
        RefusedAsync(new SlackRequest(SigningSecret) { Body = SlackRequest.Command("help", NewTrigger()), Age = TimeSpan.FromSeconds(310) }, 401, "stale");

    [Fact]
    public Task An_oversized_request_is_refused_and_audited() =>
        RefusedAsync(new SlackRequest(SigningSecret) { Body = "text=" + new string('a', 1024 * 1024) }, 413, "oversized");

    [Theory]
    [InlineData("/slack/commands", "%zz&&&=")]
    [InlineData("/slack/commands", "text=help")]
    [InlineData("/slack/commands", "team_id=T1&team_id=T2&command=%2Fincidentfox")]
    [InlineData("/slack/interactions", "payload=%7Bnot+json")]
    [InlineData("/slack/interactions", "payload=%5B%5D")]
    [InlineData("/slack/interactions", "nothing=1")]
    public Task A_malformed_request_is_refused_and_audited(string path, string body) =>
        RefusedAsync(new SlackRequest(SigningSecret) { Path = path, Body = body }, 400, "malformed");

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"type":"never_heard_of"}""")]
    public Task A_malformed_event_is_refused_and_audited(string body) =>
        RefusedAsync(new SlackRequest(SigningSecret) { Path = "/slack/events", ContentType = "application/json", Body = body }, 400, "malformed");

    [Fact]
    public async Task A_request_replayed_byte_for_byte_is_refused_and_audited()
    {
        var request = new SlackRequest(SigningSecret) { Body = SlackRequest.Command("help", NewTrigger()) };
        var (status, body) = await request.SendAsync(product.Stack.HttpUrl);
        Assert.Equal(200, status);
        Assert.Contains("/incidentfox investigate", body, StringComparison.Ordinal);

        await RefusedAsync(request, 401, "replayed");
    }

    [Fact]
    public async Task A_delivery_that_Slack_sends_twice_runs_once()
    {
        await product.BreakAsync(DemoFaults.StuckPool);
        var before = await CountAsync();
        var body = SlackRequest.Command("investigate " + Installation.Question, NewTrigger());
        var first = new SlackRequest(SigningSecret) { Body = body, Age = TimeSpan.FromSeconds(4) };
        var second = new SlackRequest(SigningSecret) { Body = body, Retry = 1 };

        var answers = await Task.WhenAll(first.SendAsync(product.Stack.HttpUrl), second.SendAsync(product.Stack.HttpUrl));
        var third = await new SlackRequest(SigningSecret) { Body = body, Retry = 2, Age = TimeSpan.FromSeconds(2) }.SendAsync(product.Stack.HttpUrl);

        // The one that comes while the other is still at work is told to come again; the later one finds it done.
        Assert.Contains(answers, a => a.Status == 200);
        Assert.All(answers, a => Assert.True(a.Status is 200 or 503, $"{a.Status} {a.Body}"));
        Assert.Equal(200, third.Status);
        Assert.Equal(before + 1, await CountAsync());

        Task<long> CountAsync() => product.Ledger.ReadAsync<long>("select count(*) from app.investigations");
    }

    private static string NewTrigger() => $"1.2.{Guid.NewGuid():N}";

    private async Task RefusedAsync(SlackRequest request, int wanted, string reason)
    {
        var (status, body) = await request.SendAsync(product.Stack.HttpUrl);

        Assert.Equal(wanted, status);
        Assert.Equal(reason, body);
        var details = await product.Ledger.ReadAsync<string>(
            "select details::text from app.audit_events where event_type = 'request_refused' and status = 'denied' and user_id = @source", new { source = request.Source.ToString() });
        var json = JsonNode.Parse(details)!;
        Assert.Equal(reason, (string?)json["reason"]);
        Assert.Equal(request.Path, (string?)json["path"]);
    }
}
