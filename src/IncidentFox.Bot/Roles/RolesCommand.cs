using IncidentFox.Bot.Commands;
using IncidentFox.Bot.Inbound;
using IncidentFox.Core;
using IncidentFox.Core.Identity;
using IncidentFox.Slack;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Roles;

/// <summary>Who has which role, and giving and taking them. The store judges under its lock; here only what was typed is read.</summary>
internal sealed class RolesCommand(RoleGrants grants, AccessReview review, People people, Newcomers newcomers, SlackPeople standing, Callers callers) : ICommand
{
    private const int Shown = 60;

    public string Name => "roles";

    public bool Admin => true;

    public string Usage => "/incidentfox-admin roles list | grant @person operator 8h reason | revoke @person operator | bootstrap";

    public string Summary => "Who has which role in this team; gives and takes roles. bootstrap: the workspace's owner becomes the first org admin.";

    public IReadOnlyList<Need> Needs =>
        [new("list", Permission.ReadRoles), new("grant", Permission.ManageRoles), new("revoke", Permission.ManageRoles), new("bootstrap", null)];

    public async ValueTask<SlackReply> RunAsync(CommandRequest request, CancellationToken cancellationToken)
    {
        var words = request.Argument.Split([' ', '\t', '\r', '\n'], 2, StringSplitOptions.TrimEntries);
        var rest = words.Length == 2 ? words[1] : "";
        return words[0].ToLowerInvariant() switch
        {
            "list" => await ListAsync(request.Team, cancellationToken),
            "grant" => await ChangeAsync(request, rest, give: true, cancellationToken),
            "revoke" => await ChangeAsync(request, rest, give: false, cancellationToken),
            _ => await BootstrapAsync(request.Caller, cancellationToken),
        };
    }

    private async Task<SlackReply> ListAsync(Resource team, CancellationToken ct)
    {
        var lines = await review.ReadAsync(team.Org, team.Team, ct);
        if (lines.Count == 0)
            return Replies.Say("Nobody has a role in this team.");
        var text = string.Join('\n', lines.Take(Shown).Select(AccessText.Line));
        if (lines.Count > Shown)
            text += $"\n… and {lines.Count - Shown} more: incidentfox access-review on the server prints all.";
        return SlackReply.Ephemeral(new SlackMessage("Roles in this team", new RichTextBlock(new RichTextPreformatted(new TextRun(SlackText.Fit(text, 10_000))))));
    }

    private async Task<SlackReply> ChangeAsync(CommandRequest request, string text, bool give, CancellationToken ct)
    {
        var (arguments, error) = RoleArguments.Parse(text);
        if (arguments is null)
            return Replies.Say(error!);
        // Roles are given in the caller's own workspace, by full members of it.
        if (await standing.StandingAsync(request.Caller.WorkspaceId, request.Caller.UserId, ct) is { Good: false, Reason: var bad })
        {
            await callers.RecordDenialAsync(request.Caller, request.Team, "roles", bad!, ct);
            return Replies.Say(bad!);
        }
        var person = await PersonAsync(request, arguments.UserId, give, ct);
        if (person.Person is not { } found)
            return Replies.Say(person.Refusal!);
        var change = new RoleChange(request.Team.Org, arguments.Role == Role.OrgAdmin ? null : request.Team.Team, found, arguments.Role);
        var outcome = give
            ? await grants.GrantAsync(request.Caller.Person, change, arguments.Duration, arguments.Reason, ct)
            : await grants.RevokeAsync(request.Caller.Person, change, arguments.Reason, ct);
        return Replies.Say(outcome.Message);
    }

    // Who loses a role may have left Slack long ago.
    private async Task<FoundPerson> PersonAsync(CommandRequest request, string userId, bool give, CancellationToken ct)
    {
        if (give)
            return await newcomers.FindAsync(request.Team.Org, request.Caller.WorkspaceId, userId, ct);
        var known = (await callers.FindPersonAsync(request.Caller.WorkspaceId, userId, ct))?.Person;
        return new(known, false, known is null ? "This person has no role here." : null);
    }

    private async Task<SlackReply> BootstrapAsync(Caller caller, CancellationToken ct)
    {
        if (await people.OrgOfWorkspaceAsync(caller.WorkspaceId, ct) is not { } org)
            return Replies.Say("This workspace belongs to no organization.");
        var person = await newcomers.FindAsync(org, caller.WorkspaceId, caller.UserId, ct);
        if (person is not { Person: { } found, IsOwner: true })
        {
            const string Reason = "Only an owner of this Slack workspace can become the first org admin here.";
            await callers.RecordDenialAsync(caller, new Resource(org, default), "roles bootstrap", person.Refusal ?? Reason, ct);
            return Replies.Say(person.Refusal ?? Reason);
        }
        return Replies.Say((await grants.BootstrapAsync(org, found, $"slack workspace owner {caller.Identity}", ct)).Message);
    }
}
