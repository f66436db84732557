namespace IncidentFox.Core.Tests.Identity;

public sealed class RoleGrantsTests(TestPostgres postgres)
{
    private static readonly TeamId SreTeam = new("sre");
    private static readonly TeamId Web = new("web");
    private static readonly OrgId Acme = new("acme");

    [Theory]
    [InlineData("UORG", "sre", Role.Admin, true)]
    [InlineData("UORG", null, Role.OrgAdmin, true)]
    [InlineData("UORG", null, Role.Viewer, true)]
    [InlineData("UADM1", "sre", Role.Admin, true)]
    [InlineData("UADM1", "sre", Role.Viewer, true)]
    [InlineData("UADM1", "web", Role.Viewer, false)]     // another team's
    [InlineData("UADM1", null, Role.Viewer, false)]      // the organization's
    [InlineData("UADM1", null, Role.OrgAdmin, false)]    // more than they have
    [InlineData("UADM1", "sre", Role.OrgAdmin, false)]   // no such thing
    [InlineData("UOPER", "sre", Role.Viewer, false)]
    [InlineData("UVIEW", "sre", Role.Viewer, false)]
    [InlineData(null, "sre", Role.Viewer, false)]
    public async Task Who_may_give_which_role(string? giver, string? team, Role role, bool allowed)
    {
        await using var world = await World.CreateAsync(postgres);
        var wendy = await world.WhoAsync("UWEB");
        var change = new RoleChange(Acme, team is null ? null : new TeamId(team), wendy.Person, role);
        var before = await GrantsAsync(world);

        var outcome = await Grants(world).GrantAsync(giver is null ? null : await world.WhoAsync(giver), change, null, null, default);

        Assert.Equal(allowed, outcome.Done);
        Assert.Equal(allowed ? before + 1 : before, await GrantsAsync(world));
        Assert.Equal(allowed, (await world.WhoAsync("UWEB")).Grants.Contains(new Grant(change.Team, role)));
    }

    [Fact]
    public async Task A_role_that_was_given_for_a_while_ends_by_the_databases_clock_and_can_be_given_again()
    {
        await using var world = await World.CreateAsync(postgres);
        var (ada, wendy) = (await world.WhoAsync("UADM1"), await world.WhoAsync("UWEB"));
        var change = new RoleChange(Acme, SreTeam, wendy.Person, Role.Operator);
        Assert.True((await Grants(world).GrantAsync(ada, change, TimeSpan.FromHours(8), "on call tonight", default)).Done);
        Assert.Equal(Role.Operator, (await world.WhoAsync("UWEB")).RoleIn(SreTeam));
        await world.Db.ShiftClockAsync(TimeSpan.FromHours(9));
        Assert.Equal(Role.None, (await world.WhoAsync("UWEB")).RoleIn(SreTeam));
        Assert.True((await Grants(world).GrantAsync(ada, change, null, null, default)).Done);
        Assert.Equal(Role.Operator, (await world.WhoAsync("UWEB")).RoleIn(SreTeam));
        var audited = await world.Db.QueryAsync<string>("select details::text from app.audit_events where details ->> 'source' = 'grant' order by at");
        Assert.Contains("operator until", audited[0]);
        Assert.Contains("on call tonight", audited[0]);
        Assert.Contains("\"new_value\":\"operator\"", audited[1]);
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(60.0 * 24 * 400)]
    [InlineData(-60)]
    public async Task A_time_that_makes_no_sense_is_refused_and_nothing_is_given(double minutes)
    {
        await using var world = await World.CreateAsync(postgres);
        var before = await GrantsAsync(world);
        var outcome = await Grants(world).GrantAsync(
            await world.WhoAsync("UORG"), new RoleChange(Acme, SreTeam, (await world.WhoAsync("UWEB")).Person, Role.Viewer), TimeSpan.FromMinutes(minutes), null, default);
        Assert.False(outcome.Done);
        Assert.Equal(before, await GrantsAsync(world));
    }

    [Fact]
    public async Task What_configuration_gives_is_not_taken_and_it_is_said_where_it_comes_from()
    {
        await using var world = await World.CreateAsync(postgres);
        var outcome = await Grants(world).RevokeAsync(
            await world.WhoAsync("UORG"), new RoleChange(Acme, SreTeam, (await world.WhoAsync("UADM1")).Person, Role.Admin), null, default);
        Assert.False(outcome.Done);
        Assert.Contains("from configuration", outcome.Message);
        Assert.Equal(Role.Admin, (await world.WhoAsync("UADM1")).RoleIn(SreTeam));
    }

    [Fact]
    public async Task The_last_org_admin_stays()
    {
        await using var world = await World.CreateAsync(postgres);
        await world.Db.ExecuteAsync("update app.role_grants set granted_by = 'ADMIN_TOKEN' where role = 'org_admin'");
        var (olga, ada) = (await world.WhoAsync("UORG"), await world.WhoAsync("UADM1"));
        var own = new RoleChange(Acme, null, olga.Person, Role.OrgAdmin);
        Assert.Contains("last org admin", (await Grants(world).RevokeAsync(olga, own, null, default)).Message);

        // Somebody who is org admin for an hour does not count: afterwards there would be none.
        Assert.True((await Grants(world).GrantAsync(olga, own with { Person = ada.Person }, TimeSpan.FromHours(1), null, default)).Done);
        Assert.False((await Grants(world).RevokeAsync(olga, own, null, default)).Done);
        Assert.True((await Grants(world).GrantAsync(olga, own with { Person = ada.Person }, null, null, default)).Done);
        Assert.True((await Grants(world).RevokeAsync(olga, own, null, default)).Done);
        Assert.Equal(Role.None, (await world.WhoAsync("UORG")).RoleIn(SreTeam));
    }

    [Fact]
    public async Task Two_org_admins_who_take_each_others_role_at_once_leave_one()
    {
        await using var world = await World.CreateAsync(postgres);
        await world.Db.ExecuteAsync("update app.role_grants set granted_by = 'ADMIN_TOKEN' where role = 'org_admin'");
        var (olga, ada) = (await world.WhoAsync("UORG"), await world.WhoAsync("UADM1"));
        var role = new RoleChange(Acme, null, olga.Person, Role.OrgAdmin);
        Assert.True((await Grants(world).GrantAsync(olga, role with { Person = ada.Person }, null, null, default)).Done);
        ada = await world.WhoAsync("UADM1");

        var outcomes = await Task.WhenAll(
            Grants(world).RevokeAsync(olga, role with { Person = ada.Person }, null, default), Grants(world).RevokeAsync(ada, role, null, default));

        Assert.Single(outcomes, o => o.Done);
        Assert.Equal(1, Assert.Single(await world.Db.QueryAsync<int>("select count(*)::int from app.role_grants where role = 'org_admin'")));
    }

    [Fact]
    public async Task Somebody_whose_role_was_taken_meanwhile_gives_nothing()
    {
        await using var world = await World.CreateAsync(postgres);
        var ada = await world.WhoAsync("UADM1");
        await world.Db.ExecuteAsync("delete from app.role_grants where person_id = @Value", new { ada.Person.Value });
        var outcome = await Grants(world).GrantAsync(ada, new RoleChange(Acme, SreTeam, ada.Person, Role.Admin), null, null, default);
        Assert.False(outcome.Done);
        Assert.Equal(Role.None, (await world.WhoAsync("UADM1")).RoleIn(SreTeam));
        Assert.Equal(1, Assert.Single(await world.Db.QueryAsync<int>("select count(*)::int from app.audit_events where event_type = 'access_denied'")));
    }

    [Fact]
    public async Task A_person_of_another_organization_gets_nothing_here_and_the_command_line_is_nobodys_vote()
    {
        await using var world = await World.CreateAsync(postgres);
        await world.Db.ExecuteAsync("insert into app.orgs values ('other', 'Other'); insert into app.people (id, org_id, display_name) values ('00000000-0000-7000-8000-000000000001', 'other', 'Eve')");
        var cli = CommandLineOperator.Of(Acme, "root");
        var eve = new PersonId(new Guid("00000000-0000-7000-8000-000000000001"));
        Assert.False((await Grants(world).GrantAsync(cli, new RoleChange(Acme, SreTeam, eve, Role.Admin), null, null, default)).Done);
        Assert.False((await Grants(world).GrantAsync(cli, new RoleChange(new OrgId("other"), null, eve, Role.OrgAdmin), null, null, default)).Done);
        Assert.True((await Grants(world).GrantAsync(cli, new RoleChange(Acme, SreTeam, (await world.WhoAsync("UWEB")).Person, Role.Viewer), null, null, default)).Done);
        var id = await world.AskAsync();
        Assert.False((await world.Voting.ApproveAsync(id, cli, "cli", default)).Accepted);
        Assert.Equal(0, Assert.Single(await world.Db.QueryAsync<int>("select count(*)::int from app.approval_votes")));
    }

    [Fact]
    public async Task The_first_org_admin_is_made_once_however_many_try_at_once()
    {
        await using var world = await World.CreateAsync(postgres);
        await world.Db.ExecuteAsync("delete from app.role_grants where role = 'org_admin'");
        var people = new[] { await world.WhoAsync("UADM1"), await world.WhoAsync("UADM2"), await world.WhoAsync("UOPER") };
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 9).Select(i => Grants(world).BootstrapAsync(Acme, people[i % 3].Person, "ADMIN_TOKEN", default)));
        Assert.Single(outcomes, o => o.Done);
        Assert.Equal(1, Assert.Single(await world.Db.QueryAsync<int>("select count(*)::int from app.role_grants where role = 'org_admin'")));
        Assert.Equal("ADMIN_TOKEN", Assert.Single(await world.Db.QueryAsync<string>("select user_id from app.audit_events where details ->> 'reason' = 'first org admin'")));
    }

    [Fact]
    public async Task There_is_no_second_first_org_admin_because_slack_can_not_be_asked()
    {
        await using var world = await World.CreateAsync(postgres);
        var (olga, ada) = (await world.WhoAsync("UORG"), await world.WhoAsync("UADM1"));
        await world.Db.ExecuteAsync(
            """
            delete from app.role_grants where role = 'org_admin';
            insert into app.slack_group_roles values ('acme', 'S1', null, 'org_admin');
            insert into app.slack_group_members (org_id, group_id, handle, person_id) values ('acme', 'S1', 'owners', @Value);
            """, new { olga.Person.Value });
        Assert.Equal(Role.OrgAdmin, (await world.WhoAsync("UORG")).RoleIn(Web));
        await world.Db.ShiftClockAsync(TimeSpan.FromMinutes(16));
        Assert.Equal(Role.None, (await world.WhoAsync("UORG")).RoleIn(Web));   // too old to count
        Assert.False((await Grants(world).BootstrapAsync(Acme, ada.Person, "ADMIN_TOKEN", default)).Done);
    }

    [Fact]
    public async Task Taking_a_role_or_a_membership_never_grants_anything()
    {
        var random = new Random(4);
        Role[] roles = [Role.Viewer, Role.Operator, Role.Admin, Role.OrgAdmin];
        for (var round = 0; round < 2_000; round++)
        {
            var grants = Enumerable.Range(0, random.Next(1, 6)).Select(_ => roles[random.Next(4)])
                .Select(r => new Grant(r == Role.OrgAdmin || random.Next(4) == 0 ? null : random.Next(2) == 0 ? SreTeam : Web, r)).ToList();
            var who = new Principal { Person = PersonId.New(), Org = Acme, DisplayName = "", AuditName = "", Grants = grants };
            var less = who with { Grants = [.. grants.Where((_, i) => i != random.Next(grants.Count))] };
            foreach (var permission in Enum.GetValues<Permission>())
            {
                foreach (var team in new[] { SreTeam, Web, new TeamId("x") })
                    Assert.False(Authorization.Decide(less, permission, new(Acme, team)).Allowed && !Authorization.Decide(who, permission, new(Acme, team)).Allowed);
            }
            foreach (var role in roles)
                Assert.False(RoleRules.Judge(less, new(Acme, SreTeam, who.Person, role)).Allowed && !RoleRules.Judge(who, new(Acme, SreTeam, who.Person, role)).Allowed);
        }
        await Task.CompletedTask;
    }

    [Fact]
    public async Task A_review_tells_who_has_what_from_where_and_its_csv_runs_no_formula()
    {
        await using var world = await World.CreateAsync(postgres);
        var vera = await world.WhoAsync("UVIEW");
        await world.Db.ExecuteAsync("update app.people set display_name = E'=HYPERLINK(\"http://evil\")\\r\\nroot,admin' where id = @Value", new { vera.Person.Value });
        await new People(world.Db.Bot).NoteUseAsync(vera.Person, default);
        var lines = await new AccessReview(world.Db.Bot).ReadAsync(Acme, SreTeam, default);
        Assert.DoesNotContain(lines, l => l.Team == Web);
        Assert.Contains(lines, l => l.Role == Role.OrgAdmin && l.Team is null);
        var line = Assert.Single(lines, l => l.Person == vera.Person);
        Assert.NotNull(line.LastUsedAt);
        Assert.Equal("configuration", line.GrantedBy);
        var csv = AccessReview.Csv(lines);
        Assert.Equal(lines.Count + 1, csv.TrimEnd().Split("\r\n").Length);
        Assert.Contains("\"'=HYPERLINK(\"\"http://evil\"\")  root,admin\"", csv);
        Assert.Contains("ReadInvestigations", csv);
        Assert.DoesNotContain("ManageOrg", csv.Split("\r\n").Single(l => l.Contains(vera.Person.ToString())));
    }

    private static RoleGrants Grants(World world) => new(world.Db.Bot, world.BotAudit);

    private static async Task<int> GrantsAsync(World world) => (await world.Db.QueryAsync<int>("select count(*)::int from app.role_grants"))[0];
}
