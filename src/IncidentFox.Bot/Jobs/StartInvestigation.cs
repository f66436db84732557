using Hangfire;
using IncidentFox.Bot.Investigations;
using IncidentFox.Core;

namespace IncidentFox.Bot.Jobs;

/// <summary>Gives a queued or waiting investigation its sandbox. Safe to run twice: starting is one guarded claim.</summary>
/// <remarks>Never retried by Hangfire: the sweep enqueues whatever is still queued, so that a failed try and a lost job are the same case.</remarks>
[AutomaticRetry(Attempts = 0, OnAttemptsExceeded = AttemptsExceededAction.Delete)]
internal sealed class StartInvestigation(InvestigationLauncher launcher)
{
    /// <summary>Runs.</summary>
    public Task RunAsync(Guid id, CancellationToken cancellationToken) => launcher.LaunchAsync(new InvestigationId(id), cancellationToken);
}
