namespace IncidentFox.Core.Tests.Identity;

public sealed class IdentityTests(TestPostgres postgres)
{
    [Fact]
    [Trait("kind", "check")]
    public void Who_may_do_what_is_as_on_file()
    {
        var lines = new List<string>();
        foreach (var permission in Enum.GetValues<Permission>())
        {
            foreach (var role in Enum.GetValues<Role>())
            {
                var who = new Principal { Person = PersonId.New(), Org = World.Sre.Org, DisplayName = "", AuditName = "", Grants = [new Grant(role == Role.OrgAdmin ? null : World.Sre.Team, role)] };
                lines.Add($"{permission,-20} {role.Name(),-10} {(Authorization.Decide(who, permission, World.Sre).Allowed ? "allow" : "deny")}");
                Assert.False(Authorization.Decide(who with { Org = new OrgId("other") }, permission, World.Sre).Allowed);
                if (role is not Role.OrgAdmin)
                    Assert.False(Authorization.Decide(who, permission, World.Sre with { Team = new TeamId("web") }).Allowed);
                Assert.False(Authorization.Decide(who, (Permission)99, World.Sre).Allowed);
            }
            Assert.False(Authorization.Decide(null, permission, World.Sre).Allowed);
        }
        Golden.Matches("authorization.golden.txt", string.Join('\n', lines) + "\n");
    }

    [Fact]
    public async Task The_same_configuration_twice_changes_nothing_and_audits_nothing()
    {
        await using var world = await World.CreateAsync(postgres);
        var sync = new DirectorySync(world.Db.Bot, world.BotAudit);
        var before = await world.Db.QueryAsync<string>("select event_type from app.audit_events");
        Assert.Equal(9, before.Count);   // two channels, seven roles
        Assert.All(before, e => Assert.Equal("configuration_changed", e));
        Assert.False(await sync.ApplyAsync(World.Directory, default));
        Assert.Equal(9, (await world.Db.QueryAsync<string>("select event_type from app.audit_events")).Count);
    }

    [Fact]
    public async Task Who_is_no_longer_listed_loses_what_configuration_gave_and_keeps_what_others_gave()
    {
        await using var world = await World.CreateAsync(postgres);
        var sync = new DirectorySync(world.Db.Bot, world.BotAudit);
        var ada = await world.WhoAsync("UADM1");
        await world.Db.ExecuteAsync("insert into app.role_grants (id, person_id, org_id, team_id, role, granted_by) values (gen_random_uuid(), @Value, 'acme', 'sre', 'viewer', 'olga')", new { ada.Person.Value });
        var options = World.Directory;
        options.People.RemoveAll(p => p.Slack == "UADM1");
        Assert.True(await sync.ApplyAsync(options, default));
        Assert.Equal(Role.Viewer, (await world.WhoAsync("UADM1")).RoleIn(World.Sre.Team));
        Assert.Contains("\"old_value\":\"admin\"", (await world.Db.QueryAsync<string>("select details::text from app.audit_events order by at desc limit 1"))[0]);
    }

    [Fact]
    public async Task A_role_that_somebody_gave_stands_beside_the_configurations_and_neither_is_audited_at_every_start()
    {
        await using var world = await World.CreateAsync(postgres);
        await world.Db.ExecuteAsync("update app.role_grants set granted_by = 'olga', expires_at = app.clock() + interval '1 hour'");
        Assert.True(await new DirectorySync(world.Db.Bot, world.BotAudit).ApplyAsync(World.Directory, default));
        Assert.False(await new DirectorySync(world.Db.Bot, world.BotAudit).ApplyAsync(World.Directory, default));
        Assert.Equal(16, (await world.Db.QueryAsync<string>("select event_type from app.audit_events")).Count);
        await world.Db.ShiftClockAsync(TimeSpan.FromHours(2));
        Assert.Equal(Role.Admin, (await world.WhoAsync("UADM1")).RoleIn(World.Sre.Team));
    }

    [Fact]
    public async Task Somebody_with_two_identities_keeps_their_role()
    {
        await using var world = await World.CreateAsync(postgres);
        var ada = await world.WhoAsync("UADM1");
        await world.Db.ExecuteAsync("insert into app.person_identities values ('slack', 'T1:UALSO', @Value)", new { ada.Person.Value });
        Assert.False(await new DirectorySync(world.Db.Bot, world.BotAudit).ApplyAsync(World.Directory, default));
        Assert.Equal(Role.Admin, (await world.WhoAsync("UALSO")).RoleIn(World.Sre.Team));
        Assert.Equal(ada.Person, (await world.WhoAsync("UALSO")).Person);
    }

    [Fact]
    public async Task A_channel_follows_the_configuration_and_one_that_is_not_listed_belongs_to_nobody()
    {
        await using var world = await World.CreateAsync(postgres);
        Assert.Equal("sre", (await world.Identities.FindChannelAsync("T1", "C1", default))!.Value.Team.Value);
        var options = World.Directory;
        options.Teams[0].Channels.Clear();
        options.Teams[1].Channels = ["C2", "C3"];
        Assert.True(await new DirectorySync(world.Db.Bot, world.BotAudit).ApplyAsync(options, default));
        Assert.Null(await world.Identities.FindChannelAsync("T1", "C1", default));
        Assert.Equal("web", (await world.Identities.FindChannelAsync("T1", "C3", default))!.Value.Team.Value);
        Assert.Null(await world.Identities.FindChannelAsync("T2", "C3", default));
        Assert.Equal(11, (await world.Db.QueryAsync<string>("select event_type from app.audit_events")).Count);
    }

    [Fact]
    public async Task Several_processes_that_start_at_once_make_everybody_once()
    {
        await using var db = await postgres.CreateAsync();
        var sync = new DirectorySync(db.Bot, new AuditLog(db.Bot, db.SharedCipher));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => sync.ApplyAsync(World.Directory, default)));
        Assert.Equal([7L, 7L], await db.QueryAsync<long>("select count(*) from app.people union all select count(*) from app.role_grants"));
    }

    [Fact]
    public async Task A_role_that_ran_out_is_none_and_nobody_is_found_by_a_strange_name()
    {
        await using var world = await World.CreateAsync(postgres);
        await world.Db.ExecuteAsync("update app.role_grants set expires_at = app.clock() + interval '1 minute'");
        Assert.Equal(Role.Admin, (await world.WhoAsync("UADM1")).RoleIn(World.Sre.Team));
        await world.Db.ShiftClockAsync(TimeSpan.FromMinutes(2));
        Assert.Equal(Role.None, (await world.WhoAsync("UADM1")).RoleIn(World.Sre.Team));
        Assert.Null(await world.Identities.FindSlackUserAsync("T1", "' or true --", default));
    }

    [Fact]
    public void Every_error_of_the_configuration_is_listed_at_once()
    {
        var options = new DirectoryOptions
        {
            Id = "Acme\n", SlackWorkspace = "acme",
            Teams = [new TeamOptions { Id = "sre\n", Channels = ["#incidents", "C1"] }, new TeamOptions { Id = "web", Channels = ["C1"] }, new TeamOptions { Id = "web" }],
            People =
            [
                World.Person("@ada", "Ada", "nowhere", "admin"), World.Person("U1", "x", null, "admin"), World.Person("U1", "x", "web", "org_admin"), World.Person("U2", "x", "web", "root"),
            ],
        };
        string[] expected = [":Id is 'Acme", "SlackWorkspace", "Teams:0:Id", "#incidents", "'web' twice", "C1 belongs to two", "@ada", "'nowhere'", "needs a Team", "leave out Team", "'root'", "U1 twice"];
        var errors = options.Validate().ToArray();
        Assert.Equal(expected.Length, errors.Length);
        Assert.All(expected, e => Assert.Contains(errors, x => x.Contains(e)));
        Assert.Empty(World.Directory.Validate());
        Assert.Contains(new DirectoryOptions().Validate(), e => e.Contains("Teams is empty"));
    }

    [Fact]
    public async Task A_group_that_configuration_maps_gives_its_role_and_one_that_it_does_not_map_any_more_takes_it()
    {
        await using var world = await World.CreateAsync(postgres);
        var sync = new DirectorySync(world.Db.Bot, world.BotAudit);
        var options = World.Directory;
        options.Groups.Add(new GroupOptions { Slack = "S1", Team = "sre", Role = "admin" });
        Assert.Empty(options.Validate());
        Assert.True(await sync.ApplyAsync(options, default));
        Assert.False(await sync.ApplyAsync(options, default));
        var otto = await world.WhoAsync("UOPER");
        await world.Db.ExecuteAsync("insert into app.slack_group_members (org_id, group_id, handle, person_id) values ('acme', 'S1', 'sre', @Value)", new { otto.Person.Value });
        Assert.Equal(Role.Admin, (await world.WhoAsync("UOPER")).RoleIn(World.Sre.Team));
        Assert.True(await sync.ApplyAsync(World.Directory, default));
        Assert.Equal(Role.Operator, (await world.WhoAsync("UOPER")).RoleIn(World.Sre.Team));
        Assert.Equal(2, Assert.Single(await world.Db.QueryAsync<int>("select count(*)::int from app.audit_events where details ->> 'what' = 'role of user group S1'")));
    }

    [Fact]
    public void Every_error_of_a_group_is_listed_and_a_handle_is_none()
    {
        var options = World.Directory;
        options.Groups =
        [
            new GroupOptions { Slack = "@sre", Team = "sre", Role = "admin" }, new GroupOptions { Slack = "S1", Role = "admin" }, new GroupOptions { Slack = "S1", Team = "sre", Role = "org_admin" },
            new GroupOptions { Slack = "S1\n", Team = "sre", Role = "admin" }, new GroupOptions { Slack = "S1", Team = "x", Role = "root" },
        ];
        Assert.Equal(6, options.Validate().Count());
    }
}
