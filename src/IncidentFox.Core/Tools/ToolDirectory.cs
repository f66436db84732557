using Dapper;
using IncidentFox.Core.Storage;

namespace IncidentFox.Core.Tools;

/// <summary>A tool that a rule defines, for people to read.</summary>
/// <param name="Team">Whose integration it is of; null: every team's.</param>
/// <param name="Integration">The integration's name.</param>
/// <param name="Tool">The tool's name.</param>
/// <param name="Effect">What it does to the world.</param>
/// <param name="Description">From its rule.</param>
/// <param name="HasCredential">False: the installation names no credential for it, so every call is refused.</param>
public sealed record ListedTool(TeamId? Team, string Integration, string Tool, ToolEffect Effect, string Description, bool HasCredential)
{
    /// <summary>What else it may be called by, in calls and in policies.</summary>
    public IReadOnlyList<string> OtherNames { get; init; } = [];

    /// <summary>Whether a policy's name means it: <c>pod_restart</c> or <c>kubernetes.pod_restart</c>.</summary>
    public bool IsNamed(string name) => IsCalled(name) || (name.StartsWith($"{Integration}.", StringComparison.Ordinal) && IsCalled(name[(Integration.Length + 1)..]));

    /// <summary>Whether a tool of this name is this one.</summary>
    public bool IsCalled(string name) => name == Tool || OtherNames.Contains(name, StringComparer.Ordinal);
}

/// <summary>Which tools there are. The gateway, which has the rules, writes it; whoever shows a policy reads it. Nothing is decided by it.</summary>
public sealed class ToolDirectory(Database database)
{
    private const int MaxDescription = 400;

    /// <summary>The team's tools, by integration and name. Empty until a gateway has started once.</summary>
    public async Task<IReadOnlyList<ListedTool>> OfAsync(TeamId team, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<ToolRow>(new CommandDefinition(
            """
            select team_id as Team, integration, tool, effect, description, has_credential as HasCredential, other_names as OtherNames
              from app.tools where team_id in ('', @Value) order by integration, tool, team_id
            """, new { team.Value }, cancellationToken: cancellationToken));
        return [.. rows.Select(r => r.ToTool())];
    }

    /// <summary>Puts the whole list in the place of the old one; true when it was another.</summary>
    public Task<bool> PublishAsync(IReadOnlyList<ListedTool> tools, CancellationToken cancellationToken) => database.InTransactionAsync(async (connection, ct) =>
    {
        // Gateways that start together write one after the other.
        await connection.ExecuteAsync(new CommandDefinition("select pg_advisory_xact_lock(hashtext('incidentfox:tools'))", cancellationToken: ct));
        var before = await connection.QueryAsync<ToolRow>(new CommandDefinition(
            "select team_id as Team, integration, tool, effect, description, has_credential as HasCredential, other_names as OtherNames from app.tools", cancellationToken: ct));
        List<ToolRow> after = [.. tools.Select(ToolRow.Of).DistinctBy(r => (r.Team, r.Integration, r.Tool))];
        if (before.ToHashSet().SetEquals(after))
            return false;
        await connection.ExecuteAsync(new CommandDefinition("delete from app.tools", cancellationToken: ct));
        await connection.ExecuteAsync(new CommandDefinition(
            """
            insert into app.tools (team_id, integration, tool, effect, description, has_credential, other_names)
            select * from unnest(@teams, @integrations, @names, @effects, @descriptions, @credentials, @others)
            """,
            new
            {
                teams = after.Select(r => r.Team).ToArray(), integrations = after.Select(r => r.Integration).ToArray(), names = after.Select(r => r.Tool).ToArray(),
                effects = after.Select(r => r.Effect).ToArray(), descriptions = after.Select(r => r.Description).ToArray(),
                credentials = after.Select(r => r.HasCredential).ToArray(), others = after.Select(r => r.OtherNames).ToArray(),
            }, cancellationToken: ct));
        return true;
    }, cancellationToken);

    private sealed record ToolRow
    {
        public string Team { get; init; } = "";
        public string Integration { get; init; } = "";
        public string Tool { get; init; } = "";
        public string Effect { get; init; } = "";
        public string Description { get; init; } = "";
        public bool HasCredential { get; init; }
        public string OtherNames { get; init; } = "";   // separated by spaces

        public static ToolRow Of(ListedTool tool) => new()
        {
            Team = tool.Team?.Value ?? "", Integration = tool.Integration, Tool = tool.Tool, Effect = tool.Effect.ToString().ToLowerInvariant(),
            Description = StorableText.Of(tool.Description, MaxDescription), HasCredential = tool.HasCredential, OtherNames = string.Join(' ', tool.OtherNames),
        };

        public ListedTool ToTool() => new(
            Team.Length == 0 ? null : new TeamId(Team), Integration, Tool, Enum.TryParse<ToolEffect>(Effect, ignoreCase: true, out var effect) ? effect : ToolEffect.Write,
            Description, HasCredential)
        {
            OtherNames = OtherNames.Length == 0 ? [] : OtherNames.Split(' '),
        };
    }
}
