using IncidentFox.Benchmarks.Measuring;
using IncidentFox.Core.Policy;

namespace IncidentFox.Benchmarks.Approvals;

/// <summary>From the time an escalation step is due to its audit row, with 300 steps due within a minute. What Slack shows of it follows at Slack's pace.</summary>
internal sealed class Escalations(FigureSheet sheet, SeededApprovals approvals)
{
    private const int Count = 300;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    public async Task RunAsync(CancellationToken ct)
    {
        FigureSheet.Say($"{Count} escalation steps");
        if (!Approver.TryParse("role:admin", out var admins))
            throw new InvalidOperationException("role:admin is no approver.");
        for (var i = 0; i < Count; i++)
            await approvals.AskAsync(new Workflow { TimeoutMinutes = 60, Escalation = [new EscalationStep(0.3m + (0.8m * i / Count), [admins], null)] }, ct);
        var began = TimeProvider.System.GetTimestamp();
        IReadOnlyList<double> late;
        do
        {
            if (TimeProvider.System.GetElapsedTime(began) > Patience)
                throw new TimeoutException($"Not every one of {Count} escalation steps was taken within {Patience.TotalMinutes} minutes.");
            await Task.Delay(500, ct);
            late = await approvals.QueryAsync<double>(
                """
                select extract(epoch from e.at - a.created_at - make_interval(secs => (a.terms #>> '{escalation,0,after_minutes}')::float8 * 60))::float8 * 1000
                  from app.approvals a join app.audit_events e on e.approval_id = a.id and e.event_type = 'approval_escalated'
                 where a.investigation_id = @Value
                """, new { approvals.Investigation.Value }, ct);
        }
        while (late.Count < Count);
        await approvals.ForgetCardsAsync(ct);
        await approvals.NewInvestigationAsync(ct);
        sheet.Quantiles("escalation_lateness_p99_ms", late, 0.99);
        sheet.Median("escalation_lateness_p50_ms", late, isContext: true);
    }
}
