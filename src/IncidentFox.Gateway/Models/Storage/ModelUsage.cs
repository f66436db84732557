using Dapper;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Storage;

namespace IncidentFox.Gateway.Models.Storage;

/// <summary>The most that a turn can take, set aside before it is asked.</summary>
internal sealed record ModelReservation(Guid Turn, long Tokens, long CostMicros);

/// <summary>
/// What models took. A turn sets aside the most that it can take before it is asked and gives back what it did not; one that never came to an end (a crash)
/// keeps all of it. Turns of a team take turns while they set aside, so that together they stay within what is left.
/// </summary>
internal sealed class ModelUsage(Database database, ModelCatalog catalog)
{
    /// <summary>Sets aside; else a sentence that says which budget would not hold.</summary>
    public Task<(ModelReservation? Reserved, string? Problem)> ReserveAsync(
        SandboxSession session, ModelOffer offer, long tokens, long costMicros, CancellationToken cancellationToken) =>
        database.InTransactionAsync(async (connection, ct) =>
        {
            var key = new { Org = session.Resource.Org.Value, Team = session.Resource.Team.Value, Investigation = session.Investigation.Value };
            await connection.ExecuteAsync(new CommandDefinition("select pg_advisory_xact_lock(hashtextextended('incidentfox:models:' || @Org || '/' || @Team, 0))", key, cancellationToken: ct));
            // A statement of its own: it sees what was committed while the lock was waited for.
            var used = await connection.QuerySingleAsync<Used>(new CommandDefinition(
                """
                select (select coalesce(sum(tokens), 0)::bigint from app.model_turns where investigation_id = @Investigation) as InvestigationTokens,
                       (select coalesce(sum(cost_micros), 0)::bigint from app.model_turns where investigation_id = @Investigation) as InvestigationCost,
                       coalesce(sum(tokens), 0)::bigint as TeamTokens, coalesce(sum(cost_micros), 0)::bigint as TeamCost
                  from app.model_turns
                 where org_id = @Org and team_id = @Team and at >= date_trunc('day', app.clock() at time zone 'UTC') at time zone 'UTC'
                """, key, cancellationToken: ct));
            if (Problem(catalog.Budgets, used, tokens, costMicros) is { } problem)
                return ((ModelReservation?)null, (string?)problem);
            var reserved = new ModelReservation(Guid.CreateVersion7(), tokens, costMicros);
            await connection.ExecuteAsync(new CommandDefinition(
                """
                insert into app.model_turns (id, org_id, team_id, investigation_id, sandbox_id, provider, model, tokens, cost_micros)
                values (@Turn, @Org, @Team, @Investigation, @Sandbox, @Provider, @Model, @Tokens, @CostMicros)
                """,
                new
                {
                    reserved.Turn, key.Org, key.Team, key.Investigation, Sandbox = session.Sandbox.Value, Provider = offer.Provider.Name, Model = offer.Name,
                    reserved.Tokens, reserved.CostMicros,
                }, cancellationToken: ct));
            return (reserved, null);
        }, cancellationToken);

    /// <summary>It was answered and this is what it took.</summary>
    public Task AnsweredAsync(ModelReservation reserved, long inputTokens, long outputTokens, long costMicros) =>
        EndAsync(reserved, "answered", inputTokens + outputTokens, costMicros, inputTokens, outputTokens);

    /// <summary>The provider did not work on it: nothing was taken.</summary>
    public Task NotAskedAsync(ModelReservation reserved) => EndAsync(reserved, "not_asked", 0, 0, null, null);

    /// <summary>It may have taken anything up to what was set aside: that counts.</summary>
    public Task UnknownAsync(ModelReservation reserved) => EndAsync(reserved, "unknown", reserved.Tokens, reserved.CostMicros, null, null);

    // Whatever becomes of the client, this is written.
    private async Task EndAsync(ModelReservation reserved, string state, long tokens, long costMicros, long? inputTokens, long? outputTokens)
    {
        await using var connection = await database.OpenAsync(CancellationToken.None);
        await connection.ExecuteAsync(
            """
            update app.model_turns set state = @state, tokens = @tokens, cost_micros = @costMicros, input_tokens = @inputTokens, output_tokens = @outputTokens, ended_at = app.clock()
             where id = @Turn and state = 'reserved'
            """, new { reserved.Turn, state, tokens, costMicros, inputTokens, outputTokens });
    }

    private static string? Problem(ModelBudgetOptions budgets, Used used, long tokens, long costMicros)
    {
        if (used.InvestigationTokens + tokens > budgets.InvestigationTokens)
            return Over("This investigation", used.InvestigationTokens, tokens, budgets.InvestigationTokens, "tokens");
        if (used.TeamTokens + tokens > budgets.TeamTokensPerDay)
            return Over("Today the team", used.TeamTokens, tokens, budgets.TeamTokensPerDay, "tokens");
        if (budgets.InvestigationCost is { } each && used.InvestigationCost + costMicros > each * 1_000_000)
            return Over("This investigation", used.InvestigationCost / 1e6m, costMicros / 1e6m, each, "of cost");
        if (budgets.TeamCostPerDay is { } day && used.TeamCost + costMicros > day * 1_000_000)
            return Over("Today the team", used.TeamCost / 1e6m, costMicros / 1e6m, day, "of cost");
        return null;
    }

    private static string Over(string who, decimal used, decimal more, decimal budget, string unit) => FormattableString.Invariant(
        $"{who} has used {used:0.######} of {budget:0.######} {unit} for models, and this turn can take up to {more:0.######}: say less or end with what is known. An admin can raise Models:Budgets.");

    private sealed record Used(long InvestigationTokens, long InvestigationCost, long TeamTokens, long TeamCost);
}
