using Hangfire;
using IncidentFox.Bot.Cards;

namespace IncidentFox.Bot.Jobs;

/// <summary>A reminder or a step of escalation is due. The id says which approval woke us; whatever is due by the database's clock is written down and told.</summary>
/// <remarks>Three tries at short distance: the one-second sweep does the same thing anyway.</remarks>
[AutomaticRetry(Attempts = 3, DelaysInSeconds = [1, 5, 15], OnAttemptsExceeded = AttemptsExceededAction.Delete)]
internal sealed class TellApprovers(ApprovalNoticeSender notices)
{
    /// <summary>Runs.</summary>
    public async Task RunAsync(Guid id, CancellationToken cancellationToken)
    {
        await notices.RecordAsync(cancellationToken);
        await notices.PostAsync(cancellationToken);
    }
}
