using System.Globalization;
using IncidentFox.Bot.Inbound;
using IncidentFox.Core.Administration;
using IncidentFox.Core.Identity;
using IncidentFox.Slack;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Commands.Admin.Modals;

/// <summary>What a form is about. It passes through the person's client and decides nothing: whose channel it is and who may is asked anew.</summary>
/// <param name="ChannelId">The channel whose team's policy it is, and where the answer is read.</param>
/// <param name="Org">True: the organization's.</param>
/// <param name="Version">The version that was shown.</param>
/// <param name="Name">The tool's or action's name; empty: the whole policy.</param>
internal readonly record struct FormSubject(string ChannelId, bool Org, int Version, string Name)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{ChannelId} {(Org ? "org" : "team")} {Version} {Name}");

    public static bool TryParse(string? text, out FormSubject subject)
    {
        subject = default;
        if (text?.Split(' ') is not [{ Length: > 0 } channel, var whose, var number, var name] || whose is not ("org" or "team")
            || !int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var version))
            return false;
        subject = new(channel, whose == "org", version, name);
        return true;
    }
}

/// <summary>Changes typed on one line, and the forms for those that are not.</summary>
internal sealed class PolicyForms(PolicyDesk desk, PolicyGate gate, KnownTools known, Callers callers, AfterAnswer answers, TimeProvider time)
{
    /// <summary><c>set NAME setting=value …</c> changes it; <c>set NAME</c> opens the form.</summary>
    public async Task<SlackReply> SetAsync(CommandRequest request, AdminArguments arguments, PolicyPart part, string what, CancellationToken cancellationToken)
    {
        if (arguments.Words is not [var name])
        {
            return Replies.Say(arguments.Words.Count == 0
                ? $"Say of what: {what} NAME, then settings such as {(part == PolicyPart.Tool ? "enabled=false" : "required_approvers=2")}, or none for a form."
                : $"\"{arguments.Words[1]}\" is no setting: write {string.Join("=…, ", PolicyEdit.Names(part))}=….");
        }
        var (scope, refusal) = await gate.AdmitAsync(request.Caller, request.Team, arguments.Org, what, cancellationToken);
        if (refusal is not null)
            return Replies.Say(refusal);
        var unknown = part == PolicyPart.Workflow && name == PolicyEdit.DefaultWorkflow ? null : await known.WhyNotAsync(request.Team.Team, name, cancellationToken);
        // What is mistyped and in the policy already can be taken out.
        if (unknown is not null && !arguments.Settings.Values.All(v => v is "" or PolicyEdit.Unset))
            return Replies.Say(unknown);
        if (arguments.Settings.Count > 0)
        {
            var result = await desk.EditAsync(scope, part, name, arguments.Settings, seen: null, request.Caller.AuditName, arguments.Note, cancellationToken);
            return SlackReply.Ephemeral(await AdminReplies.OfAsync(desk, scope, result, cancellationToken));
        }
        if (unknown is not null)
            return Replies.Say(unknown);
        var current = await desk.Store.CurrentAsync(scope.Org, scope.Team, cancellationToken);
        if (PolicyEdit.Read(current?.Json, part, name) is not { } typed)
            return Replies.Say($"{name} has entries with conditions (when); change them as JSON with /incidentfox-admin policy edit.");
        var effective = await desk.Store.EffectiveAsync(scope.Org, scope.Team, cancellationToken);
        var inForce = part == PolicyPart.Tool
            ? (await known.OfAsync(request.Team.Team, cancellationToken)).Where(t => t.IsNamed(name)).SelectMany(t => PolicyText.Tool(effective, t, time.GetUtcNow())).ToList()
            : [.. PolicyText.Workflows(effective).Select(l => l.Split("  ", 2)).Where(l => l[0] == name || l[0] == PolicyEdit.DefaultWorkflow).Select(l => $"{l[0]}: {l[^1].TrimStart()}")];
        var subject = new FormSubject(request.Caller.ChannelId!, arguments.Org, current?.Version ?? 0, name);
        return Open(request, EntryForm.View(part, scope, subject, typed, inForce));
    }

    /// <summary>Opens the whole layer as JSON.</summary>
    public async Task<SlackReply> OpenWholeAsync(CommandRequest request, AdminArguments arguments, CancellationToken cancellationToken)
    {
        var (scope, refusal) = await gate.AdmitAsync(request.Caller, request.Team, arguments.Org, "policy edit", cancellationToken);
        if (refusal is not null)
            return Replies.Say(refusal);
        var current = await desk.Store.CurrentAsync(scope.Org, scope.Team, cancellationToken);
        var json = PolicyEdit.Pretty(current?.Json);
        return json.Length > Limits.PlainTextInput
            ? Replies.Say($"The policy of {scope} is {json.Length} characters; a form in Slack takes {Limits.PlainTextInput}. Change it with incidentfox policy set on the command line.")
            : Open(request, WholeForm.View(scope, new FormSubject(request.Caller.ChannelId!, arguments.Org, current?.Version ?? 0, ""), json));
    }

    /// <summary>Whose policy a form that came back is about, and whether this person may change it.</summary>
    public async Task<(FormSubject Subject, PolicyScope Scope, Caller Caller, string? Refusal)> AdmitAsync(
        SlackSubmittedView view, Caller caller, string what, CancellationToken cancellationToken)
    {
        if (!FormSubject.TryParse(view.PrivateMetadata, out var subject))
            return (default, default, caller, "This form does not belong to anything that can be changed. Close it and open it again.");
        var there = await callers.FindAsync(caller.WorkspaceId, caller.UserId, subject.ChannelId, cancellationToken);
        if (there.Owner is not { } owner)
            return (default, default, there, "The channel belongs to no team any more, so nothing was changed.");
        var (scope, refusal) = await gate.AdmitAsync(there, new Resource(owner.Org, owner.Team), subject.Org, what, cancellationToken);
        return (subject, scope, there, refusal);
    }

    /// <summary>Closes the form and says in the channel, to this person only, what became of it.</summary>
    public async Task<SlackReply> DoneAsync(FormSubject subject, PolicyScope scope, Caller caller, EditResult result, CancellationToken cancellationToken)
    {
        var message = await AdminReplies.OfAsync(desk, scope, result, cancellationToken);
        answers.Enqueue((slack, ct) => slack.PostEphemeralAsync(subject.ChannelId, caller.UserId, message, cancellationToken: ct));
        return SlackReply.Ok;
    }

    private SlackReply Open(CommandRequest request, SlackView view)
    {
        answers.Enqueue((slack, ct) => slack.OpenViewAsync(request.TriggerId, view, ct));
        return SlackReply.Ok;
    }
}
