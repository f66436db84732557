using System.Text.Json.Nodes;
using IncidentFox.Host.Tests.Kit;
using IncidentFox.TestKit;

namespace IncidentFox.Host.Tests.Cli;

public sealed class RolesCommandTests(TestPostgres postgres) : IDisposable
{
    private readonly Installation _here = new();

    [Fact]
    public async Task Without_the_token_nobody_becomes_org_admin_and_the_wrong_one_is_none()
    {
        await using var database = await postgres.CreateAsync();
        _here.Use(database);
        Assert.Contains("Organization:AdminToken is empty", (await _here.RunAsync("roles", "bootstrap", "U0ADA")).Error, StringComparison.Ordinal);
        _here["Organization"]["AdminToken"] = _here.Secret("admin-token", "short");
        Assert.Contains("less than 32", (await _here.RunAsync("roles", "bootstrap", "U0ADA")).Error, StringComparison.Ordinal);
        _here["Organization"]["AdminToken"] = _here.Secret("admin-token", new string('a', 40));
        var (exitCode, _, error) = await _here.RunAsync("roles", "bootstrap", "U0ADA");
        Assert.Equal(1, exitCode);
        Assert.Contains("ADMIN_TOKEN is not", error, StringComparison.Ordinal);
        Assert.DoesNotContain("aaaaaaaa", error, StringComparison.Ordinal);
        Assert.Equal(0, Assert.Single(await database.QueryAsync<int>("select count(*)::int from app.role_grants")));
    }

    [Fact]
    public async Task The_token_makes_the_first_org_admin_in_a_new_database_and_no_second()
    {
        await using var database = await postgres.CreateAsync();
        _here.Use(database);
        _here["Organization"]["AdminToken"] = _here.Secret("admin-token", new string('a', 40));
        _here.Environment["ADMIN_TOKEN"] = new string('a', 40);
        var (exitCode, output, error) = await _here.RunAsync("roles", "bootstrap", "U0ADA");
        Assert.True(exitCode == 0, error);
        Assert.Contains("first org admin", output, StringComparison.Ordinal);
        Assert.Contains("already", (await _here.RunAsync("roles", "bootstrap", "U0BEN")).Error, StringComparison.Ordinal);
        Assert.Equal("org_admin", Assert.Single(await database.QueryAsync<string>("select role from app.role_grants")));
        Assert.StartsWith("ADMIN_TOKEN cli:", Assert.Single(await database.QueryAsync<string>("select user_id from app.audit_events where details ->> 'reason' = 'first org admin'")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_operator_without_slack_gives_and_takes_roles_reviews_and_stops_everything()
    {
        await using var database = await postgres.CreateAsync();
        _here.Use(database);
        _here["Organization"]["People"] = new JsonArray(new JsonObject { ["Slack"] = "U0ADA", ["Name"] = "Ada", ["Email"] = "ada@acme.example" });
        await database.ExecuteAsync(
            """
            insert into app.orgs values ('acme', 'Acme'); insert into app.teams values ('acme', 'sre', 'SRE'); insert into app.slack_workspaces values ('T0ACME0001', 'acme');
            insert into app.people (id, org_id, display_name, email) values ('00000000-0000-7000-8000-000000000001', 'acme', 'Ada', 'ada@acme.example');
            insert into app.person_identities values ('slack', 'T0ACME0001:U0ADA', '00000000-0000-7000-8000-000000000001');
            """);

        Assert.Contains("operator until", (await _here.RunAsync("roles", "grant", "U0ADA", "operator", "--team", "sre", "--for", "8h", "--reason", "night shift")).Output, StringComparison.Ordinal);
        Assert.Equal(1, (await _here.RunAsync("roles", "grant", "U0NOBODY", "operator", "--team", "sre")).ExitCode);
        Assert.Equal(1, (await _here.RunAsync("roles", "grant", "U0ADA", "operator", "--team", "nowhere")).ExitCode);
        Assert.Contains("Ada,ada@acme.example", (await _here.RunAsync("access-review", "--csv")).Output, StringComparison.Ordinal);
        Assert.Contains("operator", (await _here.RunAsync("roles", "list", "--team", "sre")).Output, StringComparison.Ordinal);
        Assert.Contains("not operator", (await _here.RunAsync("roles", "revoke", "U0ADA", "operator", "--team", "sre")).Output, StringComparison.Ordinal);
        Assert.Equal(0, Assert.Single(await database.QueryAsync<int>("select count(*)::int from app.role_grants")));

        Assert.Equal(0, (await _here.RunAsync("freeze", "looks like an attack")).ExitCode);
        Assert.Equal("looks like an attack", Assert.Single(await database.QueryAsync<string>("select reason from app.stops where lifted_at is null")));
        Assert.Equal(1, (await _here.RunAsync("unfreeze", "--team", "sre", "wrong scope")).ExitCode);
        Assert.Equal(0, (await _here.RunAsync("unfreeze", "it was a drill")).ExitCode);
        Assert.All(await database.QueryAsync<string>("select user_id from app.audit_events where event_type = 'configuration_changed'"), u => Assert.StartsWith("cli:", u));
    }

    public void Dispose() => _here.Dispose();
}
