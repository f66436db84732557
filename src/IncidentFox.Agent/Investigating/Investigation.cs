using System.Text.Json;
using IncidentFox.Agent.Analysis;
using IncidentFox.Agent.Estate;
using IncidentFox.Agent.Gateway;
using IncidentFox.Agent.Reporting;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Investigating;

/// <summary>
/// The work on one task, as a state machine: look, judge, propose, wait, check, end. Budgets bound every state; whatever fails on the way
/// becomes a line of the report.
/// </summary>
internal sealed class Investigation
{
    private const int LookingCalls = 56, CheckingCalls = 24;
    private static readonly TimeSpan ToReport = TimeSpan.FromSeconds(10);

    private enum State { Looking, Proposing, Waiting, Checking, Ended }

    private readonly AgentTask _task;
    private readonly IReadOnlyList<ToolDescription> _offered;
    private readonly GatewayClient _gateway;
    private readonly TimeProvider _time;
    private readonly Pace _pace;
    private readonly Narrator _narrator;

    private Report? _report;
    private Remedy? _remedy;
    private string? _approvalId;

    // The service whose errors were asked about; in a later sandbox the one that was acted on has to do.
    private string? _symptom;
    private (string Tool, JsonElement Parameters)? _executed;

    public Investigation(AgentTask task, IReadOnlyList<ToolDescription> offered, GatewayClient gateway, EventStream events, TimeProvider time, Pace pace)
    {
        (_task, _offered, _gateway, _time, _pace) = (task, offered, gateway, time, pace);
        _narrator = new Narrator(events);
    }

    public async Task RunAsync(CancellationToken ct)
    {
        var state = _task.Resume is { } resume ? Resume(resume) : State.Looking;
        while (state != State.Ended)
        {
            state = state switch
            {
                State.Looking => await LookAsync(ct),
                State.Proposing => await ProposeAsync(ct),
                State.Waiting => await WaitAsync(ct),
                State.Checking => await CheckAsync(ct),
                _ => State.Ended,
            };
        }
    }

    private State Resume(ResumedWork resume)
    {
        _report = resume.Report;
        _approvalId = resume.Approval.ApprovalId;
        return resume.Approval.Final ? Decided(resume.Approval) : State.Waiting;
    }

    private async Task<State> LookAsync(CancellationToken ct)
    {
        using var outOfTime = new CancellationTokenSource(Remaining(), _time);
        var tools = new Toolbox(_gateway, _offered, LookingCalls, outOfTime.Token);
        var look = new Collector(tools, _task.Question, _time);
        _narrator.Plan();
        var snapshot = await _narrator.StepAsync(Narrator.Workloads, tools, () => look.FindWorkloadsAsync(ct),
            s => s.Asked.Count > 0 ? $"{string.Join(", ", s.Asked.Select(a => $"{a.Name} in {a.Namespace}"))}" : $"none of {s.Deployments.Count} deployments is named in the question", s => s.Pods.Count + s.Deployments.Count > 0);
        snapshot = await _narrator.StepAsync(Narrator.Cluster, tools, () => look.ExamineAsync(snapshot, ct),
            s => $"{Sentences.Count(s.Pods.Count, "pod")}, {s.Pods.Count(p => p is { Ready: false, Phase: not "Succeeded" })} not ready; {Sentences.Count(s.Deployments.Count, "deployment")}; {Sentences.Count(s.Nodes.Count, "node")}", s => s.Pods.Count > 0);
        snapshot = await _narrator.StepAsync(Narrator.Metrics, tools, () => look.MeasureAsync(snapshot, ct),
            s => s.Metrics.Services.Values.Where(r => r.Rose).MaxBy(r => r.Now) is { } worst ? ErrorRates.Describe(worst) : "no error rate rose", s => s.Metrics.Services.Count > 0);
        snapshot = await _narrator.StepAsync(Narrator.Alerts, tools, () => look.ReadAlertsAsync(snapshot, ct),
            s => s.Alerts.Count == 0 ? "none fires" : string.Join(", ", s.Alerts.Select(a => a.Name).Distinct(StringComparer.Ordinal).Take(5)), s => s.Alerts.Count > 0);
        snapshot = await _narrator.StepAsync(Narrator.Logs, tools, () => look.ReadLogsAsync(snapshot, ct), s => $"{s.Logs.Count} logs read", s => s.Logs.Count > 0);

        var verdict = RootCause.Judge(snapshot, Analyzers.Run(snapshot));
        _remedy = verdict.Root?.Remedy;
        _symptom = snapshot.Asked.Select(a => a.Name).FirstOrDefault(snapshot.Metrics.Services.ContainsKey);
        _report = ReportWriter.Write(snapshot, verdict, tools.NotSeen);
        _narrator.Report(_report, final: _remedy is null);
        return _remedy is null ? State.Ended : State.Proposing;
    }

    // The step's title is short: the reason stands in the report.
    private static string Proposal(Remedy remedy) => "Propose: " + remedy.Summary.Split(':')[0];

    private async Task<State> ProposeAsync(CancellationToken ct)
    {
        var tools = new Toolbox(_gateway, _offered, CheckingCalls, ct);
        var arguments = ToolArguments.Of([.. _remedy!.Arguments.Select(a => (a.Name, (object?)a.Value))]);
        _narrator.Begin("action", Proposal(_remedy));
        switch (await tools.AskAsync(_remedy.Tool, arguments, $"{_report!.Why} {_remedy.Summary}", ct))
        {
            case WriteAnswer.Asked asked:
                _approvalId = asked.ApprovalId;
                _narrator.Done("action", Proposal(_remedy), $"people are asked, until {Sentences.At(asked.ExpiresAt)}");
                _report = _report with { Action = new(_remedy.Tool, _remedy.Summary, asked.ApprovalId) };
                _narrator.Report(_report, final: false);
                return State.Waiting;
            case WriteAnswer.Ran:
                _executed = (_remedy.Tool, arguments);
                _narrator.Done("action", Proposal(_remedy), "allowed without approval and executed");
                _report = _report with { Action = new(_remedy.Tool, _remedy.Summary) };
                return State.Checking;
            case WriteAnswer.Refused refused:
                _narrator.Failed("action", Proposal(_remedy), refused.Why);
                return End($"Not done: {refused.Why.TrimEnd('.')}. Nothing was changed.", notice: false);
            case WriteAnswer.Unclear unclear:
                _narrator.Failed("action", Proposal(_remedy), unclear.Why);
                return End($"It can't be known whether this was asked for or ran ({unclear.Why.TrimEnd('.')}); a person should look at the approvals.", notice: true);
            default:
                return State.Ended;
        }
    }

    private async Task<State> WaitAsync(CancellationToken ct)
    {
        var patience = TimeSpan.FromSeconds(Math.Clamp(_task.ParkAfterSeconds, 0, 24 * 3600));
        var (status, lost) = await new ApprovalWait(_gateway, _time, _pace).UntilFinalAsync(_approvalId!, patience, ct);
        if (lost is not null)
            return End($"The decision could not be learned: {lost.TrimEnd('.')}. See the approval itself.", notice: true);
        if (status is not null)
            return Decided(status);
        _narrator.Parked(_approvalId!);
        return State.Ended;
    }

    private State Decided(ApprovalStatus status)
    {
        var detail = string.IsNullOrWhiteSpace(status.Detail) ? "" : $": {Plain.Line(status.Detail, 200).TrimEnd('.')}";
        if (status.State == "executed")
        {
            _executed = (status.Tool, status.Parameters);
            return State.Checking;
        }
        return End(status.State switch
        {
            "denied" => $"Denied{detail}. Nothing was changed.",
            "expired" => "Nobody decided in time. Nothing was changed.",
            "cancelled" => $"Cancelled{detail}. Nothing was changed.",
            "failed" => $"Approved, but the change failed{detail}.",
            "unknown" => $"It can't be known whether the change ran{detail}. A person must check.",
            _ => $"It ended in a state this agent does not know ({Plain.Line(status.State, 40)}). A person must check.",
        }, notice: true);
    }

    private async Task<State> CheckAsync(CancellationToken ct)
    {
        var (tool, parameters) = _executed!.Value;
        using var outOfTime = new CancellationTokenSource(_pace.EffectWithin * 2 + ToReport, _time);
        var check = new EffectCheck(new Toolbox(_gateway, _offered, CheckingCalls, outOfTime.Token), _time, _pace);
        _narrator.Begin("effect", "See whether it helped");
        var effect = await check.LookAsync(tool, parameters, ct);
        if (!effect.Seen)
        {
            _narrator.Failed("effect", "See whether it helped", effect.Sentence);
            return End($"Executed, but its effect is not seen: {effect.Sentence}", notice: true);
        }
        _narrator.Done("effect", "See whether it helped", effect.Sentence);
        _narrator.Notice($"{tool} was executed and worked. {effect.Sentence}");
        var errors = await check.ErrorsAsync(_symptom ?? effect.Workload, ct);
        return End($"Executed and seen to work. {effect.Sentence}{(errors is null ? "" : " " + errors)}", notice: false);
    }

    private State End(string outcome, bool notice)
    {
        var action = _report!.Action ?? new ProposedAction(_remedy?.Tool ?? "", _remedy?.Summary ?? "", _approvalId);
        _report = ReportWriter.Bounded(_report with { Action = action with { Outcome = outcome } });
        if (notice)
            _narrator.Notice(outcome);
        _narrator.Report(_report, final: true);
        return State.Ended;
    }

    private TimeSpan Remaining()
    {
        var remaining = _task.Deadline - _time.GetUtcNow() - ToReport;
        return remaining < TimeSpan.Zero ? TimeSpan.Zero : remaining > TimeSpan.FromHours(24) ? TimeSpan.FromHours(24) : remaining;
    }
}
