using IncidentFox.Bot.Buttons;
using IncidentFox.Bot.Inbound;
using IncidentFox.Core.Administration;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Policy;
using IncidentFox.Slack;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Commands.Admin.Modals;

/// <summary>A whole layer of the policy as JSON. An invalid one stays in the form with every error beside it.</summary>
internal sealed class WholeForm(PolicyForms forms, PolicyDesk desk) : IModalHandler
{
    private const string Id = "policy.whole";
    private const string Json = "json";
    private const string Field = "value";
    private const int MaxErrors = 1_500;

    public string CallbackId => Id;

    public Permission Needs => Permission.ConfigureTools;

    public static ModalView View(PolicyScope scope, FormSubject subject, string json) => new(
        "Policy",
        [
            new SectionBlock(new PlainText(SlackText.Inert($"The policy of {scope}, version {subject.Version}. It says only what it wants otherwise than the layers below; {{}} says nothing.", 500))),
            new InputBlock(Json, "JSON", new PlainTextInputElement(Field, multiline: true, initialValue: json, maxLength: Limits.PlainTextInput)),
            new InputBlock(EntryForm.Note, "Why?", new PlainTextInputElement(Field, maxLength: 300), optional: true, hint: "Stands in the policy's history."),
        ],
        Id, "Save", "Cancel", subject.ToString());

    public async ValueTask<SlackReply> OnSubmitAsync(SlackInteraction interaction, SlackSubmittedView view, Caller caller, CancellationToken cancellationToken)
    {
        var (subject, scope, there, refusal) = await forms.AdmitAsync(view, caller, "policy edit", cancellationToken);
        if (refusal is not null)
            return Wrong([refusal]);
        var change = await desk.Store.SetAsync(scope.Org, scope.Team, view.Value(Json, Field) ?? "", subject.Version, there.AuditName, EntryForm.NoteOf(view), cancellationToken);
        return change.Outcome is PolicyOutcome.Invalid or PolicyOutcome.Conflict
            ? Wrong(change.Errors)
            : await forms.DoneAsync(subject, scope, there, new(change.Outcome, change.Version, []), cancellationToken);
    }

    private static SlackReply Wrong(IReadOnlyList<string> errors) =>
        SlackReply.ViewErrors(new Dictionary<string, string> { [Json] = SlackText.Inert(string.Join("; ", errors), MaxErrors, "This is not right.") });
}
