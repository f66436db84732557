using System.Globalization;
using IncidentFox.Bot.Commands.Admin.Modals;
using IncidentFox.Core.Administration;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Policy;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Commands.Admin;

internal sealed class PolicyCommand(PolicyDesk desk, PolicyGate gate, PolicyForms forms) : ICommand
{
    private const int Shown = 20;

    public string Name => "policy";

    public bool Admin => true;

    public string Usage => "/incidentfox-admin policy show [team|org] | diff [FROM] [TO] | history | rollback VERSION | edit [--org]";

    public string Summary => "The whole policy as JSON, its versions and what changed between them. --org: the organization's instead of the team's.";

    public IReadOnlyList<Need> Needs =>
    [
        new("show", Permission.ReadPolicy), new("diff", Permission.ReadPolicy), new("history", Permission.ReadPolicy),
        new("rollback", Permission.ConfigureTools), new("edit", Permission.ConfigureTools),
    ];

    public async ValueTask<SlackReply> RunAsync(CommandRequest request, CancellationToken cancellationToken)
    {
        var arguments = AdminArguments.Parse(request.Argument);
        if (arguments.Fault is { } fault)
            return Replies.Say(fault);
        var scope = new PolicyScope(request.Team.Org, arguments.Org ? null : request.Team.Team);
        return request.Argument.Split((char[]?)null, 2)[0].ToLowerInvariant() switch
        {
            "show" => await ShowAsync(request.Team, arguments, cancellationToken),
            "diff" => await DiffAsync(scope, arguments.Words, cancellationToken),
            "history" => AdminReplies.Reply($"The policy of {scope}, newest first", await HistoryAsync(scope, cancellationToken), "It was never set."),
            "rollback" => await RollbackAsync(request, arguments, cancellationToken),
            _ => await forms.OpenWholeAsync(request, arguments, cancellationToken),
        };
    }

    private async Task<SlackReply> ShowAsync(Resource team, AdminArguments arguments, CancellationToken cancellationToken)
    {
        if (arguments.Words.FirstOrDefault() is not { } layer && !arguments.Org)
        {
            var policy = await desk.Store.EffectiveAsync(team.Org, team.Team, cancellationToken);
            return policy.Unreadable is { } why
                ? Replies.Say(why)
                : AdminReplies.Reply($"In force for team {team.Team}: the configuration's policy, the organization's over it, the team's over both", [PolicyEdit.Pretty(policy.Json)]);
        }
        layer = arguments.Org ? "org" : arguments.Words[0];
        if (layer is not ("team" or "org"))
            return Replies.Say("Say policy show for what is in force, policy show team or policy show org for one layer of it.");
        var scope = new PolicyScope(team.Org, layer == "org" ? null : team.Team);
        return await desk.Store.CurrentAsync(scope.Org, scope.Team, cancellationToken) is { } current
            ? AdminReplies.Reply($"The policy of {scope}, version {current.Version}: only what it says otherwise than the layers below", [PolicyEdit.Pretty(current.Json)])
            : Replies.Say($"The policy of {scope} was never set; the layers below it answer.");
    }

    private async Task<SlackReply> DiffAsync(PolicyScope scope, IReadOnlyList<string> words, CancellationToken cancellationToken)
    {
        var current = (await desk.Store.CurrentAsync(scope.Org, scope.Team, cancellationToken))?.Version ?? 0;
        if (current == 0)
            return Replies.Say($"The policy of {scope} was never set.");
        if (words.Count > 2 || words.Any(w => !Version(w, out _)))
            return Replies.Say("Give version numbers: policy diff FROM TO; without TO up to the newest, without both what the newest changed.");
        var from = words.Count > 0 && Version(words[0], out var f) ? f : current - 1;
        var to = words.Count > 1 && Version(words[1], out var t) ? t : current;
        return await desk.Store.DiffAsync(scope.Org, scope.Team, from, to, cancellationToken) is { } differences
            ? AdminReplies.Reply($"The policy of {scope}, from version {from} to {to}", PolicyText.Diff(differences), "They say the same.")
            : Replies.Say($"The policy of {scope} has versions 1 to {current} (0: before the first).");
    }

    private async Task<IReadOnlyList<string>> HistoryAsync(PolicyScope scope, CancellationToken cancellationToken) =>
        await desk.Store.HistoryAsync(scope.Org, scope.Team, Shown, cancellationToken) is { Count: > 0 } versions ? PolicyText.History(versions) : [];

    private async Task<SlackReply> RollbackAsync(CommandRequest request, AdminArguments arguments, CancellationToken cancellationToken)
    {
        if (arguments.Words is not [var word] || !Version(word, out var version))
            return Replies.Say("Say to which version: policy rollback 3 (policy history shows them; 0 takes everything out that was ever set).");
        var (scope, refusal) = await gate.AdmitAsync(request.Caller, request.Team, arguments.Org, "policy rollback", cancellationToken);
        if (refusal is not null)
            return Replies.Say(refusal);
        var current = (await desk.Store.CurrentAsync(scope.Org, scope.Team, cancellationToken))?.Version ?? 0;
        var change = await desk.Store.RollbackAsync(scope.Org, scope.Team, version, current, request.Caller.AuditName, cancellationToken);
        var result = new EditResult(change.Outcome, change.Version, [.. change.Errors.Select(e => new SettingError("", e))]);
        return SlackReply.Ephemeral(await AdminReplies.OfAsync(desk, scope, result, cancellationToken));
    }

    private static bool Version(string text, out int version) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out version);
}
