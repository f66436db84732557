using Hangfire;
using IncidentFox.Core.Approvals;

namespace IncidentFox.Bot.Jobs;

/// <summary>An approval's deadline. The id says which deadline woke us; the statement expires everything that is due by the database's clock.</summary>
/// <remarks>Three tries at short distance: the one-second sweep does the same thing anyway.</remarks>
[AutomaticRetry(Attempts = 3, DelaysInSeconds = [1, 5, 15], OnAttemptsExceeded = AttemptsExceededAction.Delete)]
internal sealed class ExpireApproval(ApprovalVoting voting)
{
    /// <summary>Runs.</summary>
    public Task RunAsync(Guid id, CancellationToken cancellationToken) => voting.ExpireDueAsync(cancellationToken);
}
