using IncidentFox.Gateway.AgentDoor;

namespace IncidentFox.Gateway.Admission;

/// <summary>
/// Decides under a session as it is known, and again when it turns out, at the audit row, that it is another one by now. Nothing was written or sent by then.
/// </summary>
internal static class Deciding
{
    // Roles that change again and again between the look and the row.
    private const int MostDecisions = 3;

    /// <summary>Runs until one decision stood and was answered.</summary>
    /// <param name="request">Its session is the newest that was read.</param>
    /// <param name="sessions">Reads it again.</param>
    /// <param name="decide">Decides and answers; false: the session that it decided under does not stand any more, and nothing was answered.</param>
    public static async Task UntilItStandsAsync(AgentRequest request, SessionCache sessions, Func<Task<bool>> decide)
    {
        for (var decisions = 1; !await decide(); decisions++)
        {
            var (before, now) = (request.Session!, await sessions.ReadAsync(request.Sandbox, request.Aborted));
            if (now is null || now.Investigation != before.Investigation || now.Resource != before.Resource)
            {
                await request.RefuseSessionOverAsync();
                return;
            }
            if (decisions == MostDecisions)
            {
                await ToolAdmission.AuditUnavailableAsync(request);
                return;
            }
            request.Session = now;
        }
    }
}
