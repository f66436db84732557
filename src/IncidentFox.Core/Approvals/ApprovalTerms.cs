using IncidentFox.Core.Identity;
using IncidentFox.Core.Policy;

namespace IncidentFox.Core.Approvals;

/// <summary>The terms that were frozen with an approval, and where it stands.</summary>
/// <param name="State">Now.</param>
/// <param name="CreatedAt">When people were asked; escalation counts from here.</param>
/// <param name="ExpiresAt">When silence denies.</param>
/// <param name="Resource">Whose it is.</param>
/// <param name="Workflow">How many, who, and who else after a while: as policy said when it was asked.</param>
public readonly record struct ApprovalTerms(
    ApprovalState State, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt, Resource Resource, Workflow Workflow)
{
    /// <summary>Distinct people needed. Nothing lowers it, escalation included.</summary>
    public int RequiredApprovers => Workflow.RequiredApprovers;

    /// <summary>The lowest role whose vote counts where nobody is named.</summary>
    public Role ApproverRole => Workflow.ApproverRole;

    /// <summary>When an escalation step begins to count.</summary>
    public DateTimeOffset DueAt(EscalationStep step) => CreatedAt.AddMinutes((double)step.AfterMinutes);

    /// <summary>Whom the steps that are due by then have added.</summary>
    public IEnumerable<Approver> AddedBy(DateTimeOffset now)
    {
        foreach (var step in Workflow.Escalation)
        {
            if (DueAt(step) <= now)
            {
                foreach (var approver in step.Approvers)
                    yield return approver;
            }
        }
    }
}
