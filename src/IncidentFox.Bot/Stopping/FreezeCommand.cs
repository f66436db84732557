using IncidentFox.Bot.Commands;
using IncidentFox.Core;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Safety;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Stopping;

/// <summary>Stops everything of the channel's team, or of the organization. Asks Slack nothing: it must work when Slack is half broken.</summary>
internal sealed class FreezeCommand(Stops stops) : ICommand
{
    public string Name => "freeze";

    public bool Admin => true;

    public string Usage => "/incidentfox-admin freeze [org] reason";

    public string Summary => "Stops everything of this team (org: of all teams): sandboxes are destroyed, open actions cancelled, nothing runs.";

    public IReadOnlyList<Need> Needs => [new(FreezeScope.Org, Permission.ManageOrg), new(null, Permission.Freeze)];

    public async ValueTask<SlackReply> RunAsync(CommandRequest request, CancellationToken cancellationToken)
    {
        var (team, reason) = FreezeScope.Read(request);
        return Replies.Say((await stops.FreezeAsync(request.Caller.Person, request.Team.Org, team, reason, cancellationToken)).Message);
    }
}

/// <summary>What the words after freeze and unfreeze mean.</summary>
internal static class FreezeScope
{
    public const string Org = "org";

    /// <summary>The team, or null for the organization, and the reason.</summary>
    public static (TeamId? Team, string Reason) Read(CommandRequest request)
    {
        var words = request.Argument.Split([' ', '\t', '\r', '\n'], 2, StringSplitOptions.TrimEntries);
        return words[0].Equals(Org, StringComparison.OrdinalIgnoreCase)
            ? (null, words.Length == 2 ? words[1] : "")
            : (request.Team.Team, request.Argument);
    }
}
