using IncidentFox.Core.Administration;
using IncidentFox.Core.Policy;
using IncidentFox.Slack;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Commands.Admin.Modals;

/// <summary>One entry of a policy as a form: every setting once, what is typed back is judged in place. The block's name is the setting's.</summary>
internal static class EntryForm
{
    public const string Note = "note";
    private const string Field = "value";
    private const int MaxNote = 300;
    private const int MaxError = 600;
    private const int MaxShown = 1_000;

    private static readonly (string Value, string Text)[] YesNo = [("true", "Yes"), ("false", "No")];
    private static readonly (string Value, string Text)[] Roles = [("viewer", "Viewer and above"), ("operator", "Operator and above"), ("admin", "Admin and above"), ("org_admin", "Org admin only")];

    public static string CallbackOf(PolicyPart part) => part == PolicyPart.Tool ? "policy.tool" : "policy.workflow";

    /// <summary>The form.</summary>
    /// <param name="part">Of what.</param>
    /// <param name="scope">Whose layer.</param>
    /// <param name="subject">Comes back with it.</param>
    /// <param name="typed">What the layer says now, as people type it.</param>
    /// <param name="inForce">What all layers together say now.</param>
    public static ModalView View(PolicyPart part, PolicyScope scope, FormSubject subject, IReadOnlyDictionary<string, string> typed, IReadOnlyList<string> inForce)
    {
        var shown = SlackText.InertLines(string.Join('\n', inForce), MaxShown, "Nothing is said of it yet; the defaults answer.");
        List<Block> blocks =
        [
            new SectionBlock(new PlainText(SlackText.Inert($"{subject.Name}, in the policy of {scope}. What is left open is answered by the layers below and the defaults.", 500))),
            new RichTextBlock(new RichTextPreformatted(new TextRun(shown))),
            .. part == PolicyPart.Tool ? ToolInputs(typed) : WorkflowInputs(typed),
            new InputBlock(Note, "Why?", new PlainTextInputElement(Field, maxLength: MaxNote), optional: true, hint: "Stands in the policy's history."),
        ];
        return new ModalView(part == PolicyPart.Tool ? "Tool" : "Approval workflow", blocks, CallbackOf(part), "Save", "Cancel", subject.ToString());
    }

    /// <summary>What was typed, by setting; left open takes the setting out.</summary>
    public static IReadOnlyDictionary<string, string> Typed(PolicyPart part, SlackSubmittedView view) =>
        PolicyEdit.Names(part).ToDictionary(n => n, n => view.Value(n, Field)?.Trim() ?? PolicyEdit.Unset);

    public static string? NoteOf(SlackSubmittedView view) => view.Value(Note, Field)?.Trim() is { Length: > 0 } note ? SlackText.Fit(note, MaxNote) : null;

    /// <summary>Errors beside the inputs they are about; those about the whole beside the last.</summary>
    public static SlackReply Errors(PolicyPart part, IEnumerable<SettingError> errors) => SlackReply.ViewErrors(errors
        .GroupBy(e => PolicyEdit.Names(part).Contains(e.Setting) ? e.Setting : Note)
        .ToDictionary(g => g.Key, g => SlackText.Inert(string.Join("; ", g.Select(e => e.Message)), MaxError, "This is not right.")));

    private static IEnumerable<Block> ToolInputs(IReadOnlyDictionary<string, string> typed) =>
    [
        Choice("enabled", "May it be used?", YesNo, typed),
        Choice("allowed_roles", "By whom?", Roles, typed, "The lowest role among all who asked counts."),
        Choice("require_approval", "Does it need an approval?", YesNo, typed, "What changes something needs one in any case."),
    ];

    private static IEnumerable<Block> WorkflowInputs(IReadOnlyDictionary<string, string> typed) =>
    [
        Line("required_approvers", "How many people must approve?", typed, "1 to 20, distinct people."),
        Line("timeout_minutes", "Within how many minutes?", typed, "Silence denies. Up to 10080, which is 7 days."),
        Line("notify_channel", "Where are they asked?", typed, "A channel such as #sre-approvals, or its id."),
        Choice("approver_role", "Whose approval counts, by role", Roles, typed, "Or name approvers below; not both."),
        Line("approvers", "Whose approval counts, by name", typed, Approver.Forms + "; commas between them.", multiline: true),
        Line("escalation", "Whom else to ask, and when", typed, "One step a line: minutes, approvers with commas between them, a channel. Such as: 10 role:admin,group:@sre-leads #sre-leads", multiline: true),
        Line("reminder_minutes", "Remind every … minutes", typed, "Less than the time above."),
        Choice("break_glass", "May an admin act alone in an emergency?", YesNo, typed, "With a reason, in front of everybody; another admin reviews it."),
        Choice("allow_self_approval", "May those who asked approve?", YesNo, typed, "Never for production: such an entry needs a condition (policy edit)."),
    ];

    private static InputBlock Line(string setting, string label, IReadOnlyDictionary<string, string> typed, string hint, bool multiline = false) => new(
        setting, label,
        new PlainTextInputElement(Field, multiline, initialValue: typed.GetValueOrDefault(setting) is { Length: > 0 and <= Limits.PlainTextInput } value ? value : null),
        optional: true, hint);

    private static InputBlock Choice(string setting, string label, (string Value, string Text)[] choices, IReadOnlyDictionary<string, string> typed, string? hint = null)
    {
        var open = new SelectOption("As the layers below say", PolicyEdit.Unset);
        List<SelectOption> options = [open, .. choices.Select(c => new SelectOption(c.Text, c.Value))];
        var value = typed.GetValueOrDefault(setting);
        var initial = options.Find(o => o.Value == value);
        // Several roles in a list mean the lowest of them; the form says so by choosing it.
        if (initial is null && value is not null)
            initial = options.Find(o => value.Split(", ").Contains(o.Value));
        return new(setting, label, new StaticSelectElement(Field, options, initial: initial ?? open), optional: true, hint);
    }
}
