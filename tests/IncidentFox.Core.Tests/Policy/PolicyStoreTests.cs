using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace IncidentFox.Core.Tests.Policy;

public sealed class PolicyStoreTests(TestPostgres postgres)
{
    private static readonly OrgId Acme = new("acme");
    private static readonly TeamId Sre = new("sre");
    private static readonly TeamId Web = new("web");
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);

    private const string TwoApprovers = """{"approval_workflows":{"actions":{"pod_restart":{"required_approvers":2}}}}""";

    private static PolicyStore Store(World world, string file = "{}") => new(world.Db.Bot, world.BotAudit, PolicyParserTests.Parsed(file));

    private static async Task<PolicyChange> SetAsync(PolicyStore store, TeamId? team, string json, int expected = 0) =>
        await store.SetAsync(Acme, team, json, expected, "ada@acme.test", "because", default);

    [Fact]
    public async Task A_teams_policy_goes_over_the_organizations_which_goes_over_the_files()
    {
        await using var world = await World.CreateAsync(postgres);
        var store = Store(world, """{"approval_workflows":{"default":{"timeout_minutes":45},"actions":{"pod_restart":{"required_approvers":3,"notify_channel":"#file"}}}}""");
        Assert.Equal(PolicyOutcome.Changed, (await SetAsync(store, null, """{"approval_workflows":{"actions":{"pod_restart":{"notify_channel":"#org"}}}}""")).Outcome);
        Assert.Equal(PolicyOutcome.Changed, (await SetAsync(store, Sre, TwoApprovers)).Outcome);
        Assert.Equal(new Workflow { RequiredApprovers = 2, TimeoutMinutes = 45, NotifyChannel = "#org" }, PolicyParserTests.TermsOf(await store.EffectiveAsync(Acme, Sre, default), "pod_restart"));
        Assert.Equal(new Workflow { RequiredApprovers = 3, TimeoutMinutes = 45, NotifyChannel = "#org" }, PolicyParserTests.TermsOf(await store.EffectiveAsync(Acme, Web, default), "pod_restart"));
        Assert.Equal("#file", PolicyParserTests.TermsOf(await store.EffectiveAsync(new OrgId("other"), Sre, default), "pod_restart").NotifyChannel);
    }

    [Fact]
    public async Task A_change_is_audited_with_the_old_value_the_new_one_and_who_made_it()
    {
        await using var world = await World.CreateAsync(postgres);
        var store = Store(world);
        await SetAsync(store, Sre, TwoApprovers);
        Assert.Equal(2, (await store.SetAsync(Acme, Sre, "{\"max_pending_per_team\":5}", 1, "bob@acme.test", null, default)).Version);
        var rows = await world.Db.QueryAsync<(string User, string Team, string Details)>(
            "select user_id, team_id, details::text from app.audit_events where event_type = 'configuration_changed' and details ->> 'what' like 'policy%' order by at, id");
        Assert.Equal(["ada@acme.test", "bob@acme.test"], rows.Select(r => r.User));
        var details = JsonNode.Parse(rows[1].Details)!;
        Assert.Equal("policy of team sre of organization acme", (string?)details["what"]);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(TwoApprovers), details["old_value"]));
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse("{\"max_pending_per_team\":5}"), details["new_value"]));
        Assert.Null(JsonNode.Parse(rows[0].Details)!["old_value"]);
    }

    [Theory]
    [InlineData("nonsense", "$: not valid JSON")]
    [InlineData("""{"tools":{"a":{"enabled":1}},"x":2}""", "$.x: is not known")]
    [InlineData("""{"tools":{"a":{"when":{"environments":["staging"]}}}}""", "$.tools.a.when.environments[0]")]
    public async Task An_invalid_policy_is_refused_whole_and_the_old_one_stays(string json, string error)
    {
        await using var world = await World.CreateAsync(postgres);
        var store = Store(world);
        await SetAsync(store, Sre, TwoApprovers);
        var change = await SetAsync(store, Sre, json, 1);
        Assert.Equal((PolicyOutcome.Invalid, 1), (change.Outcome, change.Version));
        Assert.Contains(change.Errors, e => e.StartsWith(error, StringComparison.Ordinal));
        Assert.Equal(TwoApprovers, (await store.CurrentAsync(Acme, Sre, default))!.Json);
        Assert.Single(await world.Db.QueryAsync<Guid>("select id from app.audit_events where details ->> 'what' like 'policy%'"));
    }

    [Fact]
    public async Task The_organization_can_not_take_away_what_a_teams_policy_stands_on()
    {
        await using var world = await World.CreateAsync(postgres);
        var store = Store(world);
        await SetAsync(store, null, """{"environments":{"staging":{"namespaces":["dev"]}}}""");
        Assert.Equal(PolicyOutcome.Changed, (await SetAsync(store, Web, """{"tools":{"a":{"enabled":false,"when":{"environments":["staging"]}}}}""")).Outcome);
        var change = await SetAsync(store, null, "{}", 1);
        Assert.Equal(PolicyOutcome.Invalid, change.Outcome);
        Assert.Contains("(in the policy of team web", Assert.Single(change.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_is_not_there_has_no_policy()
    {
        await using var world = await World.CreateAsync(postgres);
        Assert.Equal(["$: there is no team nobody of organization acme"], (await SetAsync(Store(world), new TeamId("nobody"), "{}")).Errors);
        Assert.Equal(PolicyOutcome.Invalid, (await Store(world).SetAsync(new OrgId("nobody"), null, "{}", 0, "x", null, default)).Outcome);
    }

    [Fact]
    public async Task Of_many_changes_of_one_version_exactly_one_wins()
    {
        await using var world = await World.CreateAsync(postgres);
        var store = Store(world);
        var changes = await Task.WhenAll(Enumerable.Range(1, 8).Select(i => SetAsync(store, Sre, $"{{\"max_pending_per_team\":{i}}}")));
        Assert.Single(changes, c => c.Outcome == PolicyOutcome.Changed);
        Assert.Equal(7, changes.Count(c => c is { Outcome: PolicyOutcome.Conflict, Version: 1 }));
        Assert.Single(await store.HistoryAsync(Acme, Sre, 10, default));
    }

    [Fact]
    public async Task What_says_the_same_is_no_change()
    {
        await using var world = await World.CreateAsync(postgres);
        var store = Store(world);
        await SetAsync(store, Sre, TwoApprovers);
        Assert.Equal(PolicyOutcome.Unchanged, (await SetAsync(store, Sre, " " + TwoApprovers.Replace(":", " : ", StringComparison.Ordinal), 1)).Outcome);
        Assert.Equal(1, (await store.CurrentAsync(Acme, Sre, default))!.Version);
    }

    [Fact]
    public async Task History_differences_and_rollback_tell_one_story()
    {
        await using var world = await World.CreateAsync(postgres);
        var store = Store(world);
        await SetAsync(store, Sre, TwoApprovers);
        await SetAsync(store, Sre, """{"tools":{"docker_exec":{"enabled":false}}}""", 1);
        Assert.Equal(
            [new("$.approval_workflows.actions.pod_restart.required_approvers", "2", null), new PolicyDifference("$.tools.docker_exec.enabled", null, "false")],
            await store.DiffAsync(Acme, Sre, 1, 2, default));
        Assert.Null(await store.DiffAsync(Acme, Sre, 1, 9, default));
        Assert.Equal(PolicyOutcome.Invalid, (await store.RollbackAsync(Acme, Sre, 9, 2, "ada@acme.test", default)).Outcome);
        Assert.Equal(PolicyOutcome.Conflict, (await store.RollbackAsync(Acme, Sre, 1, 1, "ada@acme.test", default)).Outcome);
        Assert.Equal((PolicyOutcome.Changed, 3), await store.RollbackAsync(Acme, Sre, 1, 2, "ada@acme.test", default) is var c ? (c.Outcome, c.Version) : default);
        Assert.Empty((await store.DiffAsync(Acme, Sre, 1, 3, default))!);
        var history = await store.HistoryAsync(Acme, Sre, 10, default);
        Assert.Equal([3, 2, 1], history.Select(h => h.Version));
        Assert.Equal("Rolled back to version 1.", history[0].Note);
        Assert.Equal(PolicyOutcome.Changed, (await store.RollbackAsync(Acme, Sre, 0, 3, "ada@acme.test", default)).Outcome);
        Assert.Equal(new Workflow(), PolicyParserTests.TermsOf(await store.EffectiveAsync(Acme, Sre, default), "pod_restart"));
    }

    [Theory]
    [InlineData("update app.policies set json = '{}'")]
    [InlineData("delete from app.policies")]
    public async Task Versions_are_never_rewritten(string sql)
    {
        await using var world = await World.CreateAsync(postgres);
        await SetAsync(Store(world), Sre, TwoApprovers);
        foreach (var who in new[] { world.Db.Bot, world.Db.Gateway, world.Db.Owner })
        {
            await using var connection = await who.OpenAsync(default);
            Assert.Equal("42501", (await Assert.ThrowsAsync<PostgresException>(() => connection.ExecuteAsync(sql))).SqlState);
        }
    }

    [Fact]
    public async Task The_gateway_reads_policies_and_sets_none()
    {
        await using var world = await World.CreateAsync(postgres);
        await SetAsync(Store(world), Sre, TwoApprovers);
        var store = new PolicyStore(world.Db.Gateway, world.GatewayAudit, PolicyParserTests.Parsed("{}"));
        Assert.Equal(2, PolicyParserTests.TermsOf(await store.EffectiveAsync(Acme, Sre, default), "pod_restart").RequiredApprovers);
        Assert.Equal("42501", (await Assert.ThrowsAsync<PostgresException>(() => SetAsync(store, Sre, "{}", 1))).SqlState);
    }

    [Fact]
    public async Task Until_the_policies_are_read_everything_is_denied()
    {
        await using var world = await World.CreateAsync(postgres);
        using var source = new PolicySource(PolicyParserTests.Parsed("{}"), Store(world));
        Assert.IsType<ToolDecision.Deny>(Decide(source, Sre));
        await source.RefreshAsync(default);
        Assert.IsType<ToolDecision.NeedsApproval>(Decide(source, Sre));
        source.Forget("The database is gone.");
        Assert.Equal(new ToolDecision.Deny("The database is gone."), Decide(source, Sre));
        await source.RefreshAsync(default);
        Assert.IsType<ToolDecision.NeedsApproval>(Decide(source, Sre));
    }

    [Fact]
    public async Task A_stored_policy_that_can_not_be_read_denies_its_team_everything_and_nobody_else()
    {
        await using var world = await World.CreateAsync(postgres);
        await world.Db.ExecuteAsync(
            "insert into app.policies (id, org_id, team_id, version, json, digest, changed_by) values (gen_random_uuid(), 'acme', 'sre', 1, '{\"tols\":{}}', repeat('0', 64), 'x')");
        using var source = new PolicySource(PolicyParserTests.Parsed("{}"), Store(world));
        await source.RefreshAsync(default);
        Assert.Contains("$.tols: is not known", Assert.IsType<ToolDecision.Deny>(Decide(source, Sre)).Reason, StringComparison.Ordinal);
        Assert.IsType<ToolDecision.NeedsApproval>(Decide(source, Web));
        // An admin mends it by setting one that can be read.
        Assert.Equal(PolicyOutcome.Changed, (await SetAsync(Store(world), Sre, "{}", 1)).Outcome);
        await source.RefreshAsync(default);
        Assert.IsType<ToolDecision.NeedsApproval>(Decide(source, Sre));
    }

    [Fact]
    public async Task An_organizations_policy_that_can_not_be_read_denies_all_its_teams()
    {
        await using var world = await World.CreateAsync(postgres);
        await SetAsync(Store(world), Sre, TwoApprovers);
        await world.Db.ExecuteAsync(
            "insert into app.policies (id, org_id, version, json, digest, changed_by) values (gen_random_uuid(), 'acme', 1, '[', repeat('0', 64), 'x')");
        using var source = new PolicySource(PolicyParserTests.Parsed("{}"), Store(world));
        await source.RefreshAsync(default);
        Assert.IsType<ToolDecision.Deny>(Decide(source, Sre));
        Assert.IsType<ToolDecision.Deny>(Decide(source, Web));
    }

    [Fact]
    public async Task A_change_is_in_force_without_anybody_asking()
    {
        await using var world = await World.CreateAsync(postgres);
        using var source = new PolicySource(PolicyParserTests.Parsed("{}"), new PolicyStore(world.Db.Gateway, world.GatewayAudit, PolicyParserTests.Parsed("{}")));
        using var signals = new DatabaseSignals(world.Db.Gateway, NullLogger<DatabaseSignals>.Instance);
        using var refresher = new PolicyRefresher(source, signals, TimeProvider.System, NullLogger<PolicyRefresher>.Instance);
        await signals.StartAsync(default);
        await refresher.StartAsync(default);
        Assert.IsType<ToolDecision.NeedsApproval>(Decide(source, Sre));
        await SetAsync(Store(world), Sre, """{"tools":{"kubernetes.*":{"enabled":false}}}""");
        using var limit = new CancellationTokenSource(Long);
        while (Decide(source, Sre) is not ToolDecision.Deny)
            await Task.Delay(10, limit.Token);
        await refresher.StopAsync(default);
        await signals.StopAsync(default);
    }

    [Fact]
    public async Task Policies_that_can_not_be_read_for_a_minute_deny_everything_until_they_can()
    {
        await using var world = await World.CreateAsync(postgres);
        var file = PolicyParserTests.Parsed("{}");
        using var source = new PolicySource(file, new PolicyStore(world.Db.Gateway, world.GatewayAudit, file));
        using var signals = new DatabaseSignals(world.Db.Gateway, NullLogger<DatabaseSignals>.Instance);
        var time = new FakeTimeProvider();
        using var refresher = new PolicyRefresher(source, signals, time, NullLogger<PolicyRefresher>.Instance);
        await refresher.RefreshAsync(default);

        await world.Db.ExecuteAsync("revoke select on app.policies from incidentfox_gateway");
        time.Advance(PolicyRefresher.Patience - TimeSpan.FromSeconds(1));
        await refresher.RefreshAsync(default);
        Assert.IsType<ToolDecision.NeedsApproval>(Decide(source, Sre));
        time.Advance(TimeSpan.FromSeconds(1));
        await refresher.RefreshAsync(default);
        Assert.Contains("could not be read", Assert.IsType<ToolDecision.Deny>(Decide(source, Sre)).Reason, StringComparison.Ordinal);

        await world.Db.ExecuteAsync("grant select on app.policies to incidentfox_gateway");
        await refresher.RefreshAsync(default);
        Assert.IsType<ToolDecision.NeedsApproval>(Decide(source, Sre));
    }

    private static ToolDecision Decide(PolicySource source, TeamId team) =>
        ToolDecider.Decide(source.For(Acme, team), new ToolFacts("pod_restart", ToolEffect.Write, Role.OrgAdmin) { Integration = "kubernetes" });
}
