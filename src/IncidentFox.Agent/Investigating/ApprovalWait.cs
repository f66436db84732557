using IncidentFox.Agent.Gateway;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Investigating;

/// <summary>Waits for people to decide. The decision is theirs and the gateway's; the agent only learns of it.</summary>
internal sealed class ApprovalWait(GatewayClient gateway, TimeProvider time, Pace pace)
{
    private const int LongestPoll = 25;

    /// <summary>The status once nothing more will happen; null when <paramref name="patience"/> ran out while people had not decided.</summary>
    public async Task<(ApprovalStatus? Status, string? Lost)> UntilFinalAsync(string approvalId, TimeSpan patience, CancellationToken ct)
    {
        var (started, silentSince) = (time.GetTimestamp(), time.GetTimestamp());
        while (true)
        {
            var asked = time.GetTimestamp();
            var wait = Math.Clamp((int)Math.Ceiling((patience - time.GetElapsedTime(started)).TotalSeconds), 1, LongestPoll);
            var reply = await gateway.GetAsync($"{Protocol.ApprovalPathPrefix}{Uri.EscapeDataString(approvalId)}?wait={wait}", ct);
            if (reply.Succeeded)
            {
                silentSince = time.GetTimestamp();
                var read = MessageCodec.Read(reply.Body, "approval_status", ContractsJson.Default.ApprovalStatus);
                if (read.Value is not { } status)
                    return (null, read.Error);
                if (status.Final)
                    return (status, null);
                // Approved or executing: the end is near, parking would only cost a second sandbox.
                if (status.State == "pending" && time.GetElapsedTime(started) >= patience)
                    return (null, null);
            }
            else if (!reply.WorthRetrying || time.GetElapsedTime(silentSince) > pace.GatewayMayBeAwayFor)
                return (null, reply.Failure());
            if (time.GetElapsedTime(asked) < pace.Retry)
                await Task.Delay(pace.Retry, time, ct);
        }
    }
}
