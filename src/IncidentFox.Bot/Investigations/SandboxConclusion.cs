using Hangfire;
using IncidentFox.Bot.Investigations.Storage;
using IncidentFox.Bot.Jobs;
using IncidentFox.Bot.Sandboxes;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Investigations;
using IncidentFox.Slack.BlockKit;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Bot.Investigations;

/// <summary>Carries out the verdict on a sandbox that is gone. Every step is guarded by the row it changes; doing it twice is harmless.</summary>
internal sealed class SandboxConclusion(
    SupervisionStore reads, InvestigationStore investigations, ApprovalVoting approvals, IBackgroundJobClient jobs, ILogger<SandboxConclusion> logger)
{
    private const int MaxLogTail = 300;

    // What counts as a loss, by the reason that is kept with the sandbox.
    private static readonly string[] Faults = ["crashed", "lost", "no_report", .. SandboxFault.Passing];

    public async Task DrawAsync(InvestigationId id, SandboxId sandbox, SandboxEnd end, string logTail, CancellationToken cancellationToken, SandboxFault? fault = null)
    {
        if (await reads.FindAsync(id, cancellationToken) is not { } now || now.Sandbox != sandbox)
        {
            await investigations.EndSandboxAsync(id, sandbox, "superseded", cancellationToken);
            return;
        }
        await investigations.EndSandboxAsync(id, sandbox, Reason(end, now, fault), cancellationToken);
        var losses = await reads.LossesAsync(id, Faults, cancellationToken);
        var facts = new SandboxFacts(now.State, now.ReportFinal, now.Approval, now.ApprovalState, now.SeenEnd, losses, end, fault);
        switch (SandboxVerdict.Of(facts, SlackText.Inert(logTail, MaxLogTail)))
        {
            case SandboxVerdict.Complete:
                await investigations.EndAsync(id, InvestigationState.Completed, "system", null, null, cancellationToken);
                break;
            case SandboxVerdict.Wait(var approval):
                await investigations.MarkWaitingAsync(id, sandbox, approval, cancellationToken);
                break;
            case SandboxVerdict.TryAgain:
                if (await investigations.RequeueAsync(id, sandbox, cancellationToken) && end != SandboxEnd.BotStopped)
                    Enqueue(id);
                break;
            case SandboxVerdict.Fail(var code, var sentence):
                await FailAsync(id, code, sentence, cancellationToken);
                break;
        }
    }

    /// <summary>Ends it as failed and withdraws what it asked for.</summary>
    public async Task FailAsync(InvestigationId id, string code, string sentence, CancellationToken cancellationToken)
    {
        await investigations.EndAsync(id, InvestigationState.Failed, "system", code, sentence, cancellationToken);
        await approvals.CancelForAsync(id, "system", "The investigation failed.", cancellationToken);
    }

    /// <summary>Asks for a sandbox. When jobs can't be enqueued now, the sweep does it later.</summary>
    public void Enqueue(InvestigationId id)
    {
        try
        {
            jobs.Enqueue<StartInvestigation>(job => job.RunAsync(id.Value, CancellationToken.None));
        }
        catch (BackgroundJobClientException e)
        {
            logger.LogWarning(e, "Investigation {Id} could not be enqueued; the sweep will do it", id);
        }
    }

    private static string Reason(SandboxEnd end, Supervised now, SandboxFault? fault) => end switch
    {
        _ when now.State.IsFinal() => "stopped",
        _ when now.ReportFinal => "reported",
        SandboxEnd.Finished when now.Deciding || now is { Approval: not null, SeenEnd: false } => "parked",
        SandboxEnd.Finished => "no_report",
        SandboxEnd.TimedOut => "timed_out",
        SandboxEnd.OutOfMemory => "out_of_memory",
        SandboxEnd.NotCaged => "not_caged",
        SandboxEnd.Stopped => "stopped",
        SandboxEnd.Lost => "lost",
        SandboxEnd.BotStopped => "bot_stopped",
        _ => fault?.Code ?? "crashed",
    };
}
