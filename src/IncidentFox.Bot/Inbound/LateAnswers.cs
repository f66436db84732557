using IncidentFox.Core;
using IncidentFox.Slack.BlockKit;
using Microsoft.Extensions.Caching.Memory;

namespace IncidentFox.Bot.Inbound;

/// <summary>
/// Reaches the person who asked when the channel itself can't be written to. Slack's response URLs live 30 minutes and are kept in memory only:
/// whoever has one can speak as the bot.
/// </summary>
internal sealed class LateAnswers(AfterAnswer answers) : IDisposable
{
    private static readonly TimeSpan UrlLife = TimeSpan.FromMinutes(29);
    private readonly MemoryCache _urls = new(new MemoryCacheOptions { SizeLimit = 5_000 });

    public void Remember(InvestigationId id, string? responseUrl)
    {
        if (responseUrl is not null)
            _urls.Set(id, responseUrl, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = UrlLife });
    }

    /// <summary>Tells them once, where they still can be reached.</summary>
    public void TellOnce(InvestigationId id, string sentence)
    {
        if (!_urls.TryGetValue<string>(id, out var url))
            return;
        _urls.Remove(id);
        answers.Enqueue((slack, ct) => slack.RespondAsync(url!, new SlackMessage(sentence), cancellationToken: ct));
    }

    public void Dispose() => _urls.Dispose();
}
