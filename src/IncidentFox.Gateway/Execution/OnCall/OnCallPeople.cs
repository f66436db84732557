using Dapper;
using IncidentFox.Core;
using IncidentFox.Core.Storage;

namespace IncidentFox.Gateway.Execution.OnCall;

/// <summary>The table of who is on call. Approving looks there, and believes a row only while it is fresh.</summary>
public sealed class OnCallPeople(Database database)
{
    /// <summary>Every team of this installation.</summary>
    public async Task<IReadOnlyList<(OrgId Org, TeamId Team)>> TeamsAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<(string Org, string Team)>(new CommandDefinition("select org_id, id from app.teams order by org_id, id", cancellationToken: cancellationToken));
        return [.. rows.Select(r => (new OrgId(r.Org), new TeamId(r.Team)))];
    }

    /// <summary>What the terms of open approvals say, as JSON: they were frozen, and may name schedules that policy names no more.</summary>
    public async Task<IReadOnlyList<(OrgId Org, TeamId Team, string Terms)>> OpenTermsAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<(string Org, string Team, string Terms)>(new CommandDefinition(
            "select distinct org_id, team_id, terms::text from app.approvals where status = 'pending' and terms is not null and terms::text like '%oncall:%'",
            cancellationToken: cancellationToken));
        return [.. rows.Select(r => (new OrgId(r.Org), new TeamId(r.Team), r.Terms))];
    }

    /// <summary>These people, and nobody else, are on call. An address that two people of the organization have is nobody's.</summary>
    public Task<int> SetAsync(OrgId org, string schedule, IReadOnlyList<string> emails, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            var people = (await connection.QueryAsync<Guid>(new CommandDefinition(
                """
                select (array_agg(p.id))[1] from app.people p
                 where p.org_id = @Value and lower(p.email) = any(@emails) group by lower(p.email) having count(*) = 1
                """, new { org.Value, emails }, cancellationToken: ct))).ToArray();
            await connection.ExecuteAsync(new CommandDefinition(
                """
                delete from app.on_call_people where org_id = @Value and schedule = @schedule and person_id <> all(@people);
                insert into app.on_call_people (org_id, schedule, person_id) select @Value, @schedule, p from unnest(@people) p
                on conflict (org_id, schedule, person_id) do update set as_of = app.clock();
                """, new { org.Value, schedule, people }, cancellationToken: ct));
            return people.Length;
        }, cancellationToken);

    /// <summary>Nobody is on call there.</summary>
    public async Task ClearAsync(OrgId org, string schedule, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            "delete from app.on_call_people where org_id = @Value and schedule = @schedule", new { org.Value, schedule }, cancellationToken: cancellationToken));
    }
}
