using IncidentFox.Bot.Buttons;
using IncidentFox.Bot.Inbound;
using IncidentFox.Core.Administration;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Policy;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Commands.Admin.Modals;

/// <summary>A tool's entry that came back.</summary>
internal sealed class ToolForm(PolicyForms forms, PolicyDesk desk) : EntryFormHandler(PolicyPart.Tool, forms, desk);

/// <summary>A workflow's entry that came back.</summary>
internal sealed class WorkflowForm(PolicyForms forms, PolicyDesk desk) : EntryFormHandler(PolicyPart.Workflow, forms, desk);

/// <summary>Judges a form and changes the policy, or shows in the form what is wrong.</summary>
internal abstract class EntryFormHandler(PolicyPart part, PolicyForms forms, PolicyDesk desk) : IModalHandler
{
    public string CallbackId => EntryForm.CallbackOf(part);

    public Permission Needs => Permission.ConfigureTools;

    public async ValueTask<SlackReply> OnSubmitAsync(SlackInteraction interaction, SlackSubmittedView view, Caller caller, CancellationToken cancellationToken)
    {
        var (subject, scope, there, refusal) = await forms.AdmitAsync(view, caller, part == PolicyPart.Tool ? "tools set" : "workflows set", cancellationToken);
        if (refusal is not null)
            return EntryForm.Errors(part, [new("", refusal)]);
        var result = await desk.EditAsync(scope, part, subject.Name, EntryForm.Typed(part, view), subject.Version, there.AuditName, EntryForm.NoteOf(view), cancellationToken);
        return result.Outcome is PolicyOutcome.Invalid or PolicyOutcome.Conflict
            ? EntryForm.Errors(part, result.Errors)
            : await forms.DoneAsync(subject, scope, there, result, cancellationToken);
    }
}
