using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Faults;
using IncidentFox.Workbench.SlackWorkspace;
using IncidentFox.Workbench.Stack;

namespace IncidentFox.Workbench.Smoke;

/// <summary>
/// The main job, headless, against the real pieces: investigate, approve, execute, audited; then what must not happen: a denial, a time-out and two
/// crashes at the worst moments.
/// </summary>
internal sealed class SmokeRun(WorkbenchStack stack, SmokeDatabase database, Transcript transcript)
{
    private const string Question = "checkout is returning 5xx";

    // What was denied is not asked again within ten minutes.
    private static readonly TimeSpan AfterDenial = TimeSpan.FromMinutes(11);

    private readonly SlackDouble _slack = stack.Slack!;
    private readonly WorkspaceSession _people = new(stack.Slack!);

    private int Changes => stack.Estate.Changes.PodsDeleted + stack.Estate.Changes.Scales + stack.Estate.Changes.OtherChanges;

    public async Task RunAsync(CancellationToken ct)
    {
        await MainJobAsync(ct);
        await DeniedAsync(ct);
        await TimedOutAsync(ct);
        await KilledBeforeExecutionAsync(ct);
        await KilledBeforeAnswerAsync(ct);
        await AuditAsync(ct);
    }

    private async Task MainJobAsync(CancellationToken ct)
    {
        transcript.Heading("The main job");
        var truth = await stack.Estate.FaultBegan.WaitAsync(ct);
        transcript.Say($"the estate is broken ({truth.Fault}): {truth.RootCause}");
        await stack.Estate.WaitForAlertAsync(ct);
        transcript.Say("Alertmanager has an alert firing");
        var (card, approval) = await ProposeAsync(truth, ct);
        transcript.Quote(MessageText.Of(_slack.State.Find(card.Channel, card.Ts)!));
        transcript.Heading("The approval card");
        transcript.Quote(MessageText.Of(approval));

        var refusal = await _people.ClickAndReadAsync(DemoPeople.Omar, approval, WorkspaceSession.Approve, ct);
        transcript.Check(Changes == 0 && refusal.Contains("somebody else", StringComparison.OrdinalIgnoreCase), $"the requester's own click is refused: {refusal}");
        refusal = await _people.ClickAndReadAsync(DemoPeople.Vera, approval, WorkspaceSession.Approve, ct);
        transcript.Check(Changes == 0, $"a viewer's click is refused: {refusal}");
        refusal = await _people.ClickAndReadAsync(DemoPeople.Xeno, approval, WorkspaceSession.Approve, ct);
        transcript.Check(Changes == 0, $"an outsider's click is refused: {refusal}");

        await ApproveAsync(approval, ct);
        await ExecutedAsync(approval, 1, ct);
        var reply = await _people.WaitForReplyAsync(card, "the outcome in the thread", t => t.Contains("done", StringComparison.OrdinalIgnoreCase), ct);
        transcript.Seen($"the thread says so: {OneLine(MessageText.Of(reply))}");
        var gone = truth.Fix!.Parameters.TryGetValue("pod", out var pod);
        if (gone)
        {
            await WorkspaceSession.UntilAsync("the pod's replacement", () => !stack.Estate.PodNames("shop").Contains(pod!), ct);
            transcript.Seen($"pod {pod} was replaced");
        }
        var notice = await _people.WaitForReplyAsync(card, "the agent's word that the effect is there", t => !t.Contains("Approved by", StringComparison.Ordinal) && t.Contains("ready", StringComparison.OrdinalIgnoreCase), ct);
        transcript.Seen($"the agent checked the effect: {OneLine(MessageText.Of(notice))}");
        await TimesAsync(ct);
    }

    private async Task DeniedAsync(CancellationToken ct)
    {
        transcript.Heading("A denied run changes nothing");
        var before = await BreakAsync(DemoFaults.MemoryLeak, ct);
        var (_, approval) = await ProposeAsync(stack.Estate.FaultTruth!, ct);
        await _people.DenyAsync(DemoPeople.Ada, approval, "Let me look at the heap first", ct);
        await _people.WaitForTextAsync(approval, "the denial on the card", t => t.Contains("Denied by", StringComparison.Ordinal), ct);
        await CompletedAsync(ct);
        transcript.Check(Changes == before, "denied; the estate is as it was");
        await database.MoveClockAsync(AfterDenial, ct);
        transcript.Say($"{AfterDenial.TotalMinutes} minutes pass on the database's clock, so that it may be asked again");
    }

    private async Task TimedOutAsync(CancellationToken ct)
    {
        transcript.Heading("A timed-out run changes nothing");
        var before = Changes;
        var (_, approval) = await ProposeAsync(stack.Estate.FaultTruth!, ct);
        await database.MoveClockAsync(AfterDenial + TimeSpan.FromMinutes(31), ct);
        transcript.Say("31 minutes pass");
        await _people.WaitForTextAsync(approval, "the time-out on the card", t => t.Contains("Nobody decided in time", StringComparison.Ordinal), ct);
        var late = await _slack.ClickAsync(DemoPeople.Ada, approval.Channel, approval.Ts, WorkspaceSession.Approve, ct: ct);
        transcript.Say($"a late click: {late.Outcome} {late.Problem}");
        await CompletedAsync(ct);
        transcript.Check(Changes == before, "timed out; the estate is as it was");
    }

    private async Task KilledBeforeExecutionAsync(CancellationToken ct)
    {
        transcript.Heading("kill -9 between approval and execution");
        var before = Changes;
        var (_, approval) = await ProposeAsync(stack.Estate.FaultTruth!, ct);
        await using (await database.HoldClaimsAsync(ct))
        {
            await ApproveAsync(approval, ct);
            await WaitForStatusAsync("approved", ct);
            await stack.Product.KillAsync(ct);
            transcript.Check(Changes == before, "killed while approved and not yet run; nothing had run");
        }
        await stack.StartProductAsync(ct);
        transcript.Say("started again");
        await ExecutedAsync(approval, before + 1, ct);
    }

    private async Task KilledBeforeAnswerAsync(CancellationToken ct)
    {
        transcript.Heading("kill -9 after the write, before its answer");
        var before = await BreakAsync(DemoFaults.ScaledToZero, ct);
        var (_, approval) = await ProposeAsync(stack.Estate.FaultTruth!, ct);
        using var stall = stack.Estate.StallNext(r => r.Method is "DELETE" or "PATCH" && !r.Query.Contains("dryRun", StringComparison.Ordinal) && !r.Body.Contains("dryRun", StringComparison.Ordinal));
        await ApproveAsync(approval, ct);
        await stall.Reached.WaitAsync(TimeSpan.FromSeconds(20), ct);
        await stack.Product.KillAsync(ct);
        stall.Release();
        transcript.Check(Changes == before + 1, "killed after the write; its answer never came");
        await stack.StartProductAsync(ct);
        transcript.Say("started again");
        await ExecutedAsync(approval, before + 1, ct);
        var writes = stack.Estate.KubernetesRequests.Count(r => r.Method == "PATCH" && !r.Query.Contains("dryRun", StringComparison.Ordinal));
        transcript.Check(writes == 1, "the write reached the estate once, and was proven instead of sent again");
    }

    private async Task AuditAsync(CancellationToken ct)
    {
        transcript.Heading("The audit trail");
        var main = await TrailAsync(1, ct);
        transcript.Check(InOrder(main, "investigation_started", "sandbox_changed", "tool_requested", "tool_executed", "data_accessed", "approval_requested",
            "approval_refused", "approval_voted", "approval_granted", "tool_requested", "tool_executed"), "every step of the main job stands in the audit trail, in order");
        foreach (var line in main.Where(l => l.Contains("\"approval_", StringComparison.Ordinal)))
            transcript.Quote(line);
        transcript.Check(InOrder(await TrailAsync(2, ct), "investigation_started", "approval_requested", "approval_denied", "investigation_ended"), "so does the denied one, to its end");
        transcript.Check(InOrder(await TrailAsync(3, ct), "investigation_started", "approval_requested", "approval_expired", "investigation_ended"), "and the timed-out one");
        var (exitCode, verified) = await stack.RunCommandAsync(ct, "audit", "verify");
        transcript.Check(exitCode == 0, verified.Trim());
    }

    // The lines of the nth investigation, as the command prints them.
    private async Task<IReadOnlyList<string>> TrailAsync(int number, CancellationToken ct)
    {
        var id = await database.ReadAsync<string>($"select 'inv_' || replace(id::text, '-', '') from app.investigations order by created_at offset {number - 1} limit 1", ct);
        var (_, tail) = await stack.RunCommandAsync(ct, "audit", "tail", "--json", "--lines", "1000", "--investigation", id);
        return tail.Split('\n');
    }

    private async Task<(Message Card, Message Approval)> ProposeAsync(FaultTruth truth, CancellationToken ct)
    {
        var last = _people.Last(DemoPeople.Approvals);
        var started = transcript.Elapsed;
        var (ack, card) = await _people.InvestigateAsync(DemoPeople.Omar, Question, ct);
        transcript.Seen($"/incidentfox investigate {Question}: acknowledged in {ack.Elapsed.TotalMilliseconds:0} ms");
        var approval = await _people.WaitForApprovalAsync(last, ct);
        var fix = truth.Fix!;
        var text = MessageText.Of(approval);
        transcript.Check(fix.Parameters.Values.All(v => text.Contains(v, StringComparison.Ordinal)), $"the card asks for {fix.Tool} of {string.Join(", ", fix.Parameters.Values)}");
        var report = await _people.WaitForTextAsync(card, "the report", t => t.Contains("Why", StringComparison.Ordinal), ct);
        var target = fix.Parameters.TryGetValue("pod", out var pod) ? pod : fix.Parameters["deployment"];
        transcript.Check(MessageText.Of(report).Contains(target, StringComparison.Ordinal), $"the report names the true cause, {target}, after {(transcript.Elapsed - started).TotalSeconds:0.0} s");
        return (card, approval);
    }

    // The documented policy asks for one admin to restart a pod and for two to scale a deployment.
    private async Task ApproveAsync(Message approval, CancellationToken ct)
    {
        await _slack.ClickAsync(DemoPeople.Ada, approval.Channel, approval.Ts, WorkspaceSession.Approve, ct: ct);
        transcript.Seen("Ada (admin) clicks Approve");
        if (MessageText.Of(approval).Contains("Needs 2", StringComparison.Ordinal))
        {
            await _slack.ClickAsync(DemoPeople.Ben, approval.Channel, approval.Ts, WorkspaceSession.Approve, ct: ct);
            transcript.Seen("Ben (admin) clicks Approve");
        }
    }

    private async Task ExecutedAsync(Message approval, int changes, CancellationToken ct)
    {
        var card = await _people.WaitForTextAsync(approval, "the execution on the card", t => t.Contains("Done", StringComparison.Ordinal), ct);
        transcript.Check(!MessageText.HasButton(card, WorkspaceSession.Approve), "the card says that it ran, and has no buttons any more");
        transcript.Check(Changes == changes, "the estate changed exactly once");
    }

    // The latest investigation: the one that the step began.
    private async Task CompletedAsync(CancellationToken ct)
    {
        const string Status = "select status from app.investigations order by created_at desc limit 1";
        await WorkspaceSession.UntilAsync("the investigation's end", () => database.ReadAsync<string>(Status, ct).GetAwaiter().GetResult() is "completed" or "failed" or "stopped", ct);
        transcript.Check(await database.ReadAsync<string>(Status, ct) == "completed", "the investigation is completed");
    }

    private Task WaitForStatusAsync(string status, CancellationToken ct) => WorkspaceSession.UntilAsync($"the approval to be {status}", () =>
        database.ReadAsync<string>("select status from app.approvals order by created_at desc limit 1", ct).GetAwaiter().GetResult() == status, ct);

    private async Task<int> BreakAsync(string fault, CancellationToken ct)
    {
        await stack.Estate.SeedAsync(fault);
        await stack.Estate.WaitForSymptomAsync(ct);
        transcript.Say($"the estate breaks again: {stack.Estate.FaultTruth!.RootCause}");
        return Changes;
    }

    private async Task TimesAsync(CancellationToken ct) => transcript.Seen("from command: " + await database.ReadAsync<string>(
        """
        select format('sandbox started %s ms, caged %s ms, task %s ms, agent''s first instruction %s ms',
                      round(extract(epoch from s.created_at - i.created_at) * 1000), round(extract(epoch from s.caged_at - i.created_at) * 1000),
                      round(extract(epoch from s.task_at - i.created_at) * 1000), round(extract(epoch from s.first_call_at - i.created_at) * 1000)) || ', by ' || s.driver
          from app.sandboxes s join app.investigations i on i.id = s.investigation_id order by s.created_at limit 1
        """, ct));

    private static bool InOrder(IReadOnlyList<string> lines, params ReadOnlySpan<string> wanted)
    {
        var types = lines.Select(l => (string)JsonNode.Parse(l)!["event_type"]!).ToList();
        var at = 0;
        foreach (var type in types)
        {
            if (at < wanted.Length && type == wanted[at])
                at++;
        }
        return at == wanted.Length ? true : throw new SmokeException($"the audit trail lacks {wanted[at]} after step {at}: {string.Join(' ', types)}");
    }

    private static string OneLine(string text) => string.Join(' ', text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
}
