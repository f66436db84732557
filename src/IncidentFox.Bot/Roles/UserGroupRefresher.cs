using IncidentFox.Bot.Roles.Storage;
using IncidentFox.Core;
using IncidentFox.Core.Identity;
using IncidentFox.Slack;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Bot.Roles;

/// <summary>
/// Reads Slack's user groups every two minutes. When Slack does not answer, nothing is confirmed, and what was known counts for a quarter of an hour.
/// Members of groups that give a role become people here; of other groups, only people who are known anyway matter.
/// </summary>
internal sealed partial class UserGroupRefresher(
    ISlackClient slack, UserGroupStore groups, People people, Newcomers newcomers, TimeProvider time, ILogger<UserGroupRefresher> logger) : BackgroundService
{
    private const int MaxNewcomersAtOnce = 100;
    private const int MaxMembers = 1_000;
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await RefreshAsync(stoppingToken);
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException)
            {
                NotRefreshed(logger, e.Message);
            }
            await Task.Delay(Every, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Once; how many memberships are confirmed, null when Slack could not be asked.</summary>
    internal async Task<int?> RefreshAsync(CancellationToken cancellationToken)
    {
        var identity = await slack.AuthTestAsync(cancellationToken);
        if (!identity.Ok)
            return Failed(identity.Error.Code);
        var workspace = identity.Value.TeamId;
        if (await people.OrgOfWorkspaceAsync(workspace, cancellationToken) is not { } org)
            return Failed("the bot's workspace belongs to no organization");
        var listed = await slack.ListUserGroupsAsync(cancellationToken);
        if (!listed.Ok)
            return Failed(listed.Error.Code);
        var withRoles = await groups.WithRolesAsync(org, cancellationToken);
        var known = await groups.PeopleAsync(org, workspace, listed.Value.SelectMany(g => g.Members).Distinct(), cancellationToken);
        var met = new Dictionary<string, PersonId>(known);
        var newcomersLeft = MaxNewcomersAtOnce;
        var confirmed = new List<KnownGroup>();
        foreach (var group in listed.Value.Where(Plain))
        {
            foreach (var user in withRoles.Contains(group.Id) ? group.Members.Where(m => !met.ContainsKey(m)) : [])
            {
                if (newcomersLeft-- <= 0)
                    break;
                if ((await newcomers.FindAsync(org, workspace, user, cancellationToken)).Person is { } person)
                    met[user] = person;
            }
            confirmed.Add(new KnownGroup(group.Id, group.Handle, [.. group.Members.Where(met.ContainsKey).Select(m => met[m])]));
        }
        return await groups.ReplaceAsync(org, confirmed, cancellationToken);
    }

    // A group that can't be kept as it is gives nobody anything.
    private bool Plain(SlackUserGroup group)
    {
        var plain = group.Members.Count <= MaxMembers && group.Handle.Length is > 0 and <= 100 && !group.Handle.AsSpan().ContainsAny(" @:");
        if (!plain)
            Ignored(logger, group.Id, group.Members.Count, MaxMembers);
        return plain;
    }

    private int? Failed(string reason)
    {
        NotRefreshed(logger, reason);
        return null;
    }

    [LoggerMessage(70, LogLevel.Warning, "Slack user groups could not be read ({Reason}); roles and approvers by user group stop counting 15 minutes after the last answer. Has the app the scope usergroups:read?")]
    private static partial void NotRefreshed(ILogger logger, string reason);

    [LoggerMessage(71, LogLevel.Warning, "User group {Group} is not used: it has {Members} members (at most {Most}) or no plain handle")]
    private static partial void Ignored(ILogger logger, string group, int members, int most);
}
