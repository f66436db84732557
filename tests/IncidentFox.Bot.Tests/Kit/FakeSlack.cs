using System.Collections.Concurrent;
using System.Globalization;
using IncidentFox.Slack;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Tests.Kit;

/// <summary>Slack as the bot sees it: remembers what is shown where, and fails when told to.</summary>
internal sealed class FakeSlack : ISlackClient
{
    private readonly Lock _gate = new();
    private readonly List<Shown> _messages = [];
    private readonly ConcurrentDictionary<string, ConcurrentQueue<SlackError>> _failures = new();
    private int _ts = 1;

    public ConcurrentDictionary<string, SlackUser> Users { get; } = new();

    public List<SlackChannel> Channels { get; } = [];

    public ConcurrentQueue<(string ChannelId, string UserId, string Text)> Ephemerals { get; } = new();

    public ConcurrentQueue<(string Url, string Text)> Responses { get; } = new();

    public ConcurrentQueue<ModalView> Modals { get; } = new();

    public ConcurrentQueue<(string UserId, string Json)> Homes { get; } = new();

    /// <summary>Every write, in order: method and channel.</summary>
    public ConcurrentQueue<string> Calls { get; } = new();

    /// <summary>Set: every call fails with it.</summary>
    public SlackError? Down { get; set; }

    /// <summary>What is shown now.</summary>
    public IReadOnlyList<Shown> Messages
    {
        get
        {
            lock (_gate)
                return [.. _messages];
        }
    }

    public static SlackError Error(string code, TimeSpan? retryAfter = null, SlackDelivery delivery = SlackDelivery.NotDelivered) =>
        new(code, 200, retryAfter, retryAfter is not null, delivery);

    public void FailNext(string method, SlackError error) => _failures.GetOrAdd(method, _ => new()).Enqueue(error);

    public void Delete(string ts)
    {
        lock (_gate)
            _messages.RemoveAll(m => m.Ts == ts);
    }

    public ValueTask<SlackResult<PostedMessage>> PostMessageAsync(string channelId, SlackMessage message, string? threadTs = null, CancellationToken cancellationToken = default)
    {
        if (Failure("post", channelId) is { } error)
        {
            if (error.Delivery == SlackDelivery.Unknown)
                Add(channelId, message, threadTs);
            return new(error);
        }
        return new(new PostedMessage(channelId, Add(channelId, message, threadTs)));
    }

    public ValueTask<SlackResult<PostedMessage>> UpdateMessageAsync(string channelId, string ts, SlackMessage message, CancellationToken cancellationToken = default)
    {
        if (Failure("update", channelId) is { } error)
            return new(error);
        lock (_gate)
        {
            var at = _messages.FindIndex(m => m.ChannelId == channelId && m.Ts == ts);
            if (at < 0)
                return new(Error("message_not_found"));
            _messages[at] = _messages[at] with { Message = message, Updates = _messages[at].Updates + 1 };
        }
        return new(new PostedMessage(channelId, ts));
    }

    public ValueTask<SlackResult<SlackDone>> PostEphemeralAsync(string channelId, string userId, SlackMessage message, string? threadTs = null, CancellationToken cancellationToken = default)
    {
        if (Failure("ephemeral", channelId) is { } error)
            return new(error);
        Ephemerals.Enqueue((channelId, userId, message.Text));
        return new(SlackDone.Instance);
    }

    public ValueTask<SlackResult<SlackDone>> OpenViewAsync(string triggerId, SlackView view, CancellationToken cancellationToken = default)
    {
        if (Failure("open", triggerId) is { } error)
            return new(error);
        Modals.Enqueue((ModalView)view);
        return new(SlackDone.Instance);
    }

    public ValueTask<SlackResult<SlackDone>> PublishHomeAsync(string userId, HomeView view, CancellationToken cancellationToken = default)
    {
        if (Failure("home", userId) is { } error)
            return new(error);
        Homes.Enqueue((userId, SlackJson.Serialize(view)));
        return new(SlackDone.Instance);
    }

    public ValueTask<SlackResult<SlackUser>> GetUserAsync(string userId, CancellationToken cancellationToken = default)
    {
        if (Failure("user", userId) is { } error)
            return new(error);
        return Users.TryGetValue(userId, out var user) ? new(user) : new(Error("user_not_found"));
    }

    public ValueTask<SlackResult<IReadOnlyList<SlackChannel>>> ListChannelsAsync(CancellationToken cancellationToken = default)
    {
        if (Failure("list", "") is { } error)
            return new(error);
        IReadOnlyList<SlackChannel> channels = [.. Channels];
        return new(Ok(channels));
    }

    public ValueTask<SlackResult<IReadOnlyList<string>>> ListUserGroupMembersAsync(string userGroupId, CancellationToken cancellationToken = default) =>
        new(Ok<IReadOnlyList<string>>([]));

    public List<SlackUserGroup> UserGroups { get; } = [];

    public ValueTask<SlackResult<IReadOnlyList<SlackUserGroup>>> ListUserGroupsAsync(CancellationToken cancellationToken = default) =>
        Failure("groups", "") is { } error ? new(error) : new(Ok<IReadOnlyList<SlackUserGroup>>([.. UserGroups]));

    public ValueTask<SlackResult<SlackIdentity>> AuthTestAsync(CancellationToken cancellationToken = default) =>
        Failure("auth", "") is { } error ? new(error) : new(new SlackIdentity("T1", "acme", "UBOT", "B1", null, "https://acme.slack.com/"));

    public ValueTask<SlackResult<string>> GetPermalinkAsync(string channelId, string ts, CancellationToken cancellationToken = default) =>
        Failure("permalink", channelId) is { } error ? new(error) : new($"https://acme.slack.com/archives/{channelId}/p{ts.Replace(".", "")}");

    public ValueTask<SlackResult<SlackDone>> RespondAsync(string responseUrl, SlackMessage message, bool replaceOriginal = false, CancellationToken cancellationToken = default)
    {
        if (Failure("respond", responseUrl) is { } error)
            return new(error);
        Responses.Enqueue((responseUrl, message.Text));
        return new(SlackDone.Instance);
    }

    private static SlackResult<T> Ok<T>(T value)
        where T : class => typeof(SlackResult<T>).GetMethod("op_Implicit", [typeof(T)])!.Invoke(null, [value]) as SlackResult<T> ?? throw new InvalidOperationException();

    private string Add(string channelId, SlackMessage message, string? threadTs)
    {
        var ts = string.Create(CultureInfo.InvariantCulture, $"1763800000.{Interlocked.Increment(ref _ts):000000}");
        lock (_gate)
            _messages.Add(new Shown(channelId, ts, threadTs, message, 0));
        return ts;
    }

    private SlackError? Failure(string method, string where)
    {
        Calls.Enqueue($"{method} {where}");
        if (Down is { } down)
            return down;
        return _failures.TryGetValue(method, out var queue) && queue.TryDequeue(out var error) ? error : null;
    }

    internal sealed record Shown(string ChannelId, string Ts, string? ThreadTs, SlackMessage Message, int Updates)
    {
        public string Json => SlackJson.Serialize(Message);
    }
}
