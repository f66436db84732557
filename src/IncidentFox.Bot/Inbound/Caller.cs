using System.Text.Json.Nodes;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;

namespace IncidentFox.Bot.Inbound;

/// <summary>Who calls, from where: what the database says, never what the request claims beyond its signed ids.</summary>
/// <param name="WorkspaceId">The person's Slack workspace.</param>
/// <param name="UserId">Their Slack id there.</param>
/// <param name="ChannelId">Where they are; null outside channels.</param>
/// <param name="Person">Null when the product does not know them.</param>
/// <param name="Owner">Whose the channel is; null when it belongs to no team.</param>
public sealed record Caller(string WorkspaceId, string UserId, string? ChannelId, Principal? Person, ChannelOwner? Owner)
{
    /// <summary>For the audit trail.</summary>
    public string AuditName => Person?.AuditName ?? Identity;

    /// <summary>The identity they came with.</summary>
    public string Identity => IdentityStore.SlackSubject(WorkspaceId, UserId);
}

/// <summary>Looks callers up and writes down when one may not do what they ask.</summary>
public sealed class Callers(IdentityStore identities, People people, AuditLog audit)
{
    /// <summary>Who is it?</summary>
    public async Task<Caller> FindAsync(string workspaceId, string userId, string? channelId, CancellationToken cancellationToken)
    {
        var person = await identities.FindSlackUserAsync(workspaceId, userId, cancellationToken);
        if (person is not null)
            await people.NoteUseAsync(person.Person, cancellationToken);
        var owner = channelId is null ? null : await identities.FindChannelAsync(workspaceId, channelId, cancellationToken);
        return new Caller(workspaceId, userId, channelId, person, owner);
    }

    /// <summary>Somebody who may be named by the caller; null when the product does not know them.</summary>
    public Task<Principal?> FindPersonAsync(string workspaceId, string userId, CancellationToken cancellationToken) =>
        identities.FindSlackUserAsync(workspaceId, userId, cancellationToken);

    /// <summary>Appends <c>access_denied</c>.</summary>
    public Task RecordDenialAsync(Caller caller, Resource? resource, string what, string reason, CancellationToken cancellationToken) =>
        audit.AppendAsync(new AuditEvent
        {
            EventType = AuditEventTypes.AccessDenied,
            OrgId = resource?.Org.Value,
            TeamId = resource?.Team.Value,
            UserId = caller.AuditName,
            Status = "denied",
            Details = new JsonObject { ["what"] = what, ["identity"] = caller.Identity, ["channel"] = caller.ChannelId, ["reason"] = reason },
        }, cancellationToken);
}
