using IncidentFox.Agent.Gateway;
using IncidentFox.Agent.Reporting;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Investigating;

/// <summary>Tells the gateway what goes on, within the protocol's bounds.</summary>
internal sealed class Narrator(EventStream events)
{
    public static readonly PlannedStep Workloads = new("workloads", "Find the workload the question is about");
    public static readonly PlannedStep Cluster = new("cluster", "Look at pods, deployments, recent changes and nodes");
    public static readonly PlannedStep Metrics = new("metrics", "Compare error rates now with before");
    public static readonly PlannedStep Alerts = new("alerts", "Look at firing alerts");
    public static readonly PlannedStep Logs = new("logs", "Read the logs of what looks broken");

    public void Plan() => events.Emit((sequence, at) => new PlanEvent { Sequence = sequence, At = at, Steps = [Workloads, Cluster, Metrics, Alerts, Logs] });

    /// <summary>Runs a step. It failed when it saw nothing and something could not be looked at.</summary>
    public async Task<T> StepAsync<T>(PlannedStep step, Toolbox tools, Func<Task<T>> run, Func<T, string> note, Func<T, bool> sawSomething)
    {
        Begin(step.Id, step.Title);
        var unseen = tools.Problems;
        var result = await run();
        if (tools.Problems > unseen && !sawSomething(result))
            Failed(step.Id, step.Title, tools.LastProblem);
        else
            Done(step.Id, step.Title, note(result));
        return result;
    }

    public void Begin(string id, string title) => Step(id, title, StepState.InProgress, null);

    public void Done(string id, string title, string note) => Step(id, title, StepState.Done, note);

    public void Failed(string id, string title, string note) => Step(id, title, StepState.Failed, note);

    public void Notice(string text) => events.Emit((sequence, at) => new NoticeEvent { Sequence = sequence, At = at, Text = Plain.Line(text, 600) });

    public void Report(Report report, bool final) => events.Emit((sequence, at) => new ReportEvent { Sequence = sequence, At = at, Report = report, Final = final });

    public void Parked(string approvalId) => events.Emit((sequence, at) => new ParkedEvent { Sequence = sequence, At = at, ApprovalId = approvalId });

    private void Step(string id, string title, StepState state, string? note) => events.Emit((sequence, at) => new StepEvent
    {
        Sequence = sequence,
        At = at,
        Id = id,
        Title = Plain.Line(title, 120),
        State = state,
        Note = note is null ? null : Plain.Line(note, 300),
    });
}
