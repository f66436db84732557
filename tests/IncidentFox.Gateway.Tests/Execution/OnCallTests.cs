using IncidentFox.Core.Policy;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Execution;
using IncidentFox.Gateway.Execution.OnCall;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Tests.Rules;
using IncidentFox.TestKit;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace IncidentFox.Gateway.Tests.Execution;

public sealed class OnCallTests(TestPostgres postgres)
{
    private const string PagerDuty = "integration: pagerduty\nextends: pagerduty\nsettings: {from: a@acme.example}\nauth: {read: \"file:///etc/incidentfox/secrets/pd\"}";
    private const string Opsgenie = "integration: opsgenie\nextends: opsgenie\nauth: {read: \"file:///etc/incidentfox/secrets/og\"}";
    private const string Grafana = "integration: grafana-oncall\nextends: grafana-oncall\nbase_url: https://oncall.acme.example\nauth: {read: \"file:///etc/incidentfox/secrets/gr\"}";

    private static ToolPolicy Policy(string schedule) =>
        ToolPolicyParser.Parse("""{"approval_workflows":{"actions":{"pod_restart":{"approvers":["oncall:SCHEDULE"]}}}}""".Replace("SCHEDULE", schedule)).Policy!;

    private static async Task<(ExecutionWorld World, OnCallRefresher Refresher, FakeTimeProvider Time)> WorldAsync(TestPostgres postgres, string schedule)
    {
        var world = await ExecutionWorld.CreateAsync(postgres);
        world.Catalog = Sample.Load(("p.yaml", PagerDuty), ("o.yaml", Opsgenie), ("g.yaml", Grafana));
        world.Policy.Replace(Policy(schedule));
        await world.Policy.RefreshAsync(default);
        await world.Db.ExecuteAsync("update app.people set email = lower(display_name) || '@Acme.example'");
        var time = new FakeTimeProvider();
        return (world, Refresher(world, time), time);
    }

    private static OnCallRefresher Refresher(ExecutionWorld world, TimeProvider time) => new(
        new OnCallPeople(world.Db.Gateway), new OnCallReader(new AuditedSend(world.Sender, world.Audit)), world.Policy, new IntegrationSource(world.Catalog),
        time, NullLogger<OnCallRefresher>.Instance);

    private static void Answer(ExecutionWorld world, Func<string, (int Status, string Body)> answer) =>
        world.Sender.Answer = (r, _) => Task.FromResult(answer(r.PathAndQuery) is var (status, body) ? ScriptedSender.Response(status, body) : null!);

    private static async Task<IEnumerable<string>> OnCallAsync(ExecutionWorld world) =>
        await world.Db.QueryAsync<string>("select o.schedule || ' ' || p.display_name from app.on_call_people o join app.people p on p.id = o.person_id order by 1");

    [Theory]
    [InlineData("pagerduty/PABC123", """{"oncalls":[{"user":{"email":"UADM1@acme.example"}},{"user":{"email":"uadm1@ACME.example"}},{"user":{"email":"nobody@acme.example"}},{"user":{}}]}""")]
    [InlineData("opsgenie/0a1b-2c", """{"data":{"onCallRecipients":["uadm1@acme.example"]}}""")]
    [InlineData("grafana-oncall/SBM7DV", """{"on_call_now":["U4"],"email":"uadm1@acme.example"}""")]
    public async Task Who_is_on_call_is_read_through_the_integration_and_found_by_the_address(string schedule, string body)
    {
        var (world, refresher, _) = await WorldAsync(postgres, schedule);
        await using var _1 = world;
        Answer(world, _ => (200, body));
        await refresher.RefreshAsync(default);
        Assert.Equal([$"{schedule} UADM1"], await OnCallAsync(world));
        Assert.All(world.Sender.Sent, r => Assert.Equal((ToolEffect.Read, false), (r.Call.Effect, r.UseWriteCredential)));
        Assert.Contains(schedule.Split('/')[1], world.Sender.Sent.First().PathAndQuery, StringComparison.Ordinal);
        var rows = await world.Db.QueryAsync<string>("select event_type from app.audit_events where details ->> 'purpose' = 'on_call' and investigation_id is null");
        Assert.Equal(world.Sender.Sent.Count * 2, rows.Count());
    }

    [Fact]
    public async Task Who_goes_off_call_is_taken_out_and_an_answer_that_fails_leaves_the_rows_to_go_stale()
    {
        var (world, refresher, time) = await WorldAsync(postgres, "opsgenie/0a1b");
        await using var _1 = world;
        Answer(world, _ => (200, """{"data":{"onCallRecipients":["uadm1@acme.example"]}}"""));
        await refresher.RefreshAsync(default);
        await world.Db.ExecuteAsync("update app.on_call_people set as_of = as_of - interval '1 hour'");
        Answer(world, _ => (500, "{}"));
        time.Advance(OnCallRefresher.Every);
        await refresher.RefreshAsync(default);
        Assert.Equal("true", Assert.Single(await world.Db.QueryAsync<string>("select (as_of < app.clock() - interval '30 minutes')::text from app.on_call_people")));
        Answer(world, _ => (200, """{"data":{"onCallRecipients":["uadm1@acme.example","uadm2@acme.example"]}}"""));
        time.Advance(OnCallRefresher.Every);
        await refresher.RefreshAsync(default);
        Assert.Equal(["false", "false"], await world.Db.QueryAsync<string>("select (as_of < app.clock() - interval '30 minutes')::text from app.on_call_people"));
        Answer(world, _ => (200, """{"data":{"onCallRecipients":[]}}"""));
        time.Advance(OnCallRefresher.Every);
        await refresher.RefreshAsync(default);
        Assert.Empty(await OnCallAsync(world));
    }

    [Fact]
    public async Task A_schedule_is_not_read_more_often_than_every_few_minutes()
    {
        var (world, refresher, time) = await WorldAsync(postgres, "opsgenie/0a1b");
        await using var _1 = world;
        Answer(world, _ => (200, """{"data":{"onCallRecipients":[]}}"""));
        await refresher.RefreshAsync(default);
        await refresher.RefreshAsync(default);
        Assert.Single(world.Sender.Sent);
        time.Advance(OnCallRefresher.Every);
        await refresher.RefreshAsync(default);
        Assert.Equal(2, world.Sender.Sent.Count);
    }

    [Theory]
    [InlineData("opsgenie/0a1b", "{}")]
    [InlineData("opsgenie/0a1b", "[]")]
    [InlineData("opsgenie/0a1b", "not json")]
    [InlineData("opsgenie/0a1b", """{"data":{"onCallRecipients":[1,null,{"a":1},[]]}}""")]
    [InlineData("grafana-oncall/SBM7", """{"on_call_now":["../schedules"]}""")]
    [InlineData("grafana-oncall/SBM7", """{"on_call_now":[{}]}""")]
    [InlineData("nowhere/0a1b", "{}")]
    [InlineData("opsgenie/not.an.id", "{}")]
    public async Task An_answer_or_a_name_that_makes_no_sense_puts_nobody_on_call(string schedule, string body)
    {
        var (world, refresher, _) = await WorldAsync(postgres, schedule);
        await using var _1 = world;
        Answer(world, _ => (200, body));
        await refresher.RefreshAsync(default);
        Assert.Empty(await OnCallAsync(world));
    }

    [Fact]
    public async Task An_address_of_two_people_is_nobodys_and_a_name_of_two_services_has_nobody_on_call()
    {
        var (world, refresher, _) = await WorldAsync(postgres, "opsgenie/0a1b");
        await using var _1 = world;
        Answer(world, _ => (200, """{"data":{"onCallRecipients":["uadm1@acme.example"]}}"""));
        await refresher.RefreshAsync(default);
        Assert.Single(await OnCallAsync(world));
        await world.Db.ExecuteAsync("insert into app.teams values ('acme', 'web', 'Web')");
        world.Catalog = Sample.Load(("a.yaml", Opsgenie + "\nteam: sre"), ("b.yaml", Opsgenie + "\nteam: web"));
        await Refresher(world, TimeProvider.System).RefreshAsync(default);
        Assert.Empty(await OnCallAsync(world));

        await world.Db.ExecuteAsync("update app.people set email = 'uadm1@acme.example'");
        await new OnCallPeople(world.Db.Gateway).SetAsync(new Core.OrgId("acme"), "opsgenie/0a1b", ["uadm1@acme.example"], default);
        Assert.Empty(await OnCallAsync(world));
    }
}
