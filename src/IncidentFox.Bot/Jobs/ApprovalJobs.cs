using Hangfire;
using IncidentFox.Core.Approvals;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Bot.Jobs;

/// <summary>One job for each moment at which something becomes due with an approval. A job that can't be enqueued, or is lost, costs a second: the sweep.</summary>
internal sealed class ApprovalJobs(IBackgroundJobClient jobs, ILogger<ApprovalJobs> logger)
{
    private const int MostReminders = 20;

    /// <summary>Schedules the deadline, the steps of escalation and the reminders of an approval that was just seen.</summary>
    public void Schedule(Approval approval)
    {
        try
        {
            jobs.Schedule<ExpireApproval>(job => job.RunAsync(approval.Id.Value, CancellationToken.None), Left(approval, approval.ExpiresAt));
            foreach (var at in Moments(approval))
                jobs.Schedule<TellApprovers>(job => job.RunAsync(approval.Id.Value, CancellationToken.None), Left(approval, at));
        }
        catch (BackgroundJobClientException e)
        {
            logger.LogWarning(e, "The jobs of approval {Id} could not be scheduled; the sweep will see what is due", approval.Id);
        }
    }

    /// <summary>When channels are told something, before the deadline.</summary>
    internal static IReadOnlyList<DateTimeOffset> Moments(Approval approval)
    {
        var steps = approval.Workflow.Escalation.Select(approval.Terms.DueAt);
        var reminders = approval.Workflow.ReminderMinutes is { } every and > 0
            ? Enumerable.Range(1, MostReminders).Select(n => approval.CreatedAt.AddMinutes((double)(every * n)))
            : [];
        return [.. steps.Concat(reminders).Where(at => at < approval.ExpiresAt).Order()];
    }

    private static TimeSpan Left(Approval approval, DateTimeOffset at) => at > approval.AsOf ? at - approval.AsOf : TimeSpan.Zero;
}
