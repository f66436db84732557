using System.Threading.Channels;
using IncidentFox.Slack;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Bot.Inbound;

/// <summary>
/// What Slack is told right after a click was answered: a modal, a line only that person sees. Nothing here changes anything; what is lost with the
/// process is a line on a screen, and the person clicks again.
/// </summary>
internal sealed class AfterAnswer(ISlackClient slack, ILogger<AfterAnswer> logger) : BackgroundService
{
    private const int Workers = 4;
    private readonly Channel<Func<ISlackClient, CancellationToken, ValueTask<SlackResult<SlackDone>>>> _calls =
        Channel.CreateBounded<Func<ISlackClient, CancellationToken, ValueTask<SlackResult<SlackDone>>>>(1_000);

    /// <summary>Does it soon. When a thousand are waiting already, it is dropped and logged.</summary>
    public void Enqueue(Func<ISlackClient, CancellationToken, ValueTask<SlackResult<SlackDone>>> call)
    {
        if (!_calls.Writer.TryWrite(call))
            logger.LogWarning("Too many answers to Slack are waiting; one was dropped");
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(Enumerable.Range(0, Workers).Select(_ => WorkAsync(stoppingToken)));

    private async Task WorkAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var call in _calls.Reader.ReadAllAsync(stoppingToken))
            {
                await RunAsync(call, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Stopping.
        }
    }

    private async Task RunAsync(Func<ISlackClient, CancellationToken, ValueTask<SlackResult<SlackDone>>> call, CancellationToken stoppingToken)
    {
        try
        {
            var result = await call(slack, stoppingToken);
            if (!result.Ok)
                logger.LogWarning("Slack did not take an answer to a click: {Code} {Detail}", result.Error.Code, result.Error.Detail);
        }
        catch (Exception e) when (!stoppingToken.IsCancellationRequested)
        {
            // One answer that can't be given must not end the others.
            logger.LogError(e, "An answer to a click could not be given");
        }
    }
}
