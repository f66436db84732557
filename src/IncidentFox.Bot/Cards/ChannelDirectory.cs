using IncidentFox.Slack;

namespace IncidentFox.Bot.Cards;

/// <summary>What became of a channel's name.</summary>
/// <param name="Id">Its id; null when there is none, or Slack could not be asked.</param>
/// <param name="Error">Why Slack could not be asked.</param>
internal readonly record struct ResolvedChannel(string? Id, SlackError? Error);

/// <summary>Channel ids by name, as Slack lists the channels that the bot can see. Cached for a few minutes.</summary>
internal sealed class ChannelDirectory(ISlackClient slack, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Fresh = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan AskAgainForUnknown = TimeSpan.FromSeconds(30);
    private readonly SemaphoreSlim _turn = new(1);
    private Dictionary<string, string> _ids = [];
    private DateTimeOffset _listed = DateTimeOffset.MinValue;

    /// <summary>An id stays as it is; <c>#name</c> is looked up.</summary>
    public async Task<ResolvedChannel> ResolveAsync(string channel, CancellationToken cancellationToken)
    {
        if (IsId(channel))
            return new(channel, null);
        var name = channel.TrimStart('#').ToLowerInvariant();
        await _turn.WaitAsync(cancellationToken);
        try
        {
            var age = time.GetUtcNow() - _listed;
            if (_ids.TryGetValue(name, out var known) && age < Fresh)
                return new(known, null);
            if (age < AskAgainForUnknown)
                return default;
            var listed = await slack.ListChannelsAsync(cancellationToken);
            if (!listed.Ok)
                return new(null, listed.Error);
            _ids = listed.Value.Where(c => !c.IsArchived).GroupBy(c => c.Name.ToLowerInvariant()).ToDictionary(g => g.Key, g => g.First().Id);
            _listed = time.GetUtcNow();
            return new(_ids.GetValueOrDefault(name), null);
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    private static bool IsId(string channel) =>
        channel.Length is >= 2 and <= 32 && channel[0] is 'C' or 'G' && channel.All(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c));
}
