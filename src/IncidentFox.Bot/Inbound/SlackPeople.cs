using IncidentFox.Core.Identity;
using IncidentFox.Slack;
using Microsoft.Extensions.Caching.Memory;

namespace IncidentFox.Bot.Inbound;

/// <summary>Whether a Slack account may decide anything: never a guest, a bot, a deactivated account or somebody of another workspace.</summary>
internal readonly record struct Standing(bool Good, string? Reason)
{
    public static Standing Fine => new(true, null);

    public static Standing Bad(string reason) => new(false, reason);
}

/// <summary>Asks Slack who somebody is. Good answers are believed for a short while; without an answer nobody decides.</summary>
internal sealed class SlackPeople(ISlackClient slack, BotOptions options, TimeProvider time) : IDisposable
{
    // Slack waits three seconds for the answer to a click; the rest of the path needs its share.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1.5);
    private readonly MemoryCache _good = new(new MemoryCacheOptions { SizeLimit = 10_000 });

    /// <summary>May this account of this workspace decide?</summary>
    public async Task<Standing> StandingAsync(string workspaceId, string userId, CancellationToken cancellationToken)
    {
        var key = IdentityStore.SlackSubject(workspaceId, userId);
        if (_good.TryGetValue<DateTimeOffset>(key, out var until) && time.GetUtcNow() < until)
            return Standing.Fine;
        var standing = await AskAsync(workspaceId, userId, cancellationToken);
        if (standing.Good)
        {
            _good.Set(key, time.GetUtcNow() + options.SlackUserCache,
                new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = options.SlackUserCache + TimeSpan.FromSeconds(1) });
        }
        return standing;
    }

    public void Dispose() => _good.Dispose();

    private async Task<Standing> AskAsync(string workspaceId, string userId, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        SlackResult<SlackUser> answer;
        try
        {
            answer = await slack.GetUserAsync(userId, either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            answer = new SlackError("timeout", 0, null, CanRetry: true, SlackDelivery.NotDelivered);
        }
        return answer.Ok
            ? Judge(answer.Value, workspaceId)
            : Standing.Bad("Slack could not be asked who you are, so nothing was decided. Please try again in a moment.");
    }

    internal static Standing Judge(SlackUser user, string workspaceId) => user switch
    {
        { IsStranger: true } => Standing.Bad("You are from another Slack workspace; only people of this workspace decide here."),
        { TeamId: { } team } when team != workspaceId => Standing.Bad("You are from another Slack workspace; only people of this workspace decide here."),
        { TeamId: null } => Standing.Bad("Slack does not say which workspace you belong to, so you can't decide here."),
        // Slack's own bot says that it is none.
        { IsBot: true } or { Id: "USLACKBOT" } => Standing.Bad("Bots don't decide."),
        { IsDeleted: true } => Standing.Bad("This account is deactivated."),
        { IsRestricted: true } => Standing.Bad("Guests of this workspace don't decide. Ask a full member of the team."),
        _ => Standing.Fine,
    };
}
