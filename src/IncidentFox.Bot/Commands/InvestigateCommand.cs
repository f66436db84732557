using Hangfire;
using IncidentFox.Bot.Inbound;
using IncidentFox.Bot.Jobs;
using IncidentFox.Bot.Stopping;
using IncidentFox.Core;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Safety;
using IncidentFox.Slack;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Bot.Commands;

internal sealed class InvestigateCommand(
    InvestigationStore investigations, IBackgroundJobClient jobs, Stops stops, LateAnswers late, ILogger<InvestigateCommand> logger) : ICommand
{
    public string Name => "investigate";

    public bool Admin => false;

    public string Usage => "/incidentfox investigate checkout is returning 5xx";

    public string Summary => "Looks into it and reports in this channel.";

    public IReadOnlyList<Need> Needs => [new(null, Permission.StartInvestigation)];

    public async ValueTask<SlackReply> RunAsync(CommandRequest request, CancellationToken cancellationToken)
    {
        if (request.Argument.Length == 0)
            return SlackReply.Ephemeral(HelpText.Of(this));
        if (request.Argument.Length > InvestigationStore.MaxQuestion)
            return Replies.Say($"That is {request.Argument.Length} characters; a question has at most {InvestigationStore.MaxQuestion}. Please shorten it.");
        var caller = request.Caller;
        InvestigationId id;
        try
        {
            id = await investigations.CreateAsync(
                new NewInvestigation(request.Team, caller.Person!, caller.AuditName, caller.WorkspaceId, caller.ChannelId!, request.Argument, request.DeliveryKey),
                cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState == Stops.Refusal)
        {
            var stop = (await stops.InForceAsync(request.Team, cancellationToken)).FirstOrDefault();
            return Replies.Say(stop is null
                ? "Everything was stopped a moment ago; please try again."
                : $"Nothing was started: {StopWords.InForce(stop)}");
        }
        Enqueue(id);
        late.Remember(id, request.ResponseUrl);
        return Replies.Say($"On it. Investigation {id.Short} grows in one message in this channel; stop it with /incidentfox stop {id.Short}.");
    }

    // The row is what counts: a job that can't be enqueued now is enqueued by the sweep.
    private void Enqueue(InvestigationId id)
    {
        try
        {
            jobs.Enqueue<StartInvestigation>(job => job.RunAsync(id.Value, CancellationToken.None));
        }
        catch (BackgroundJobClientException e)
        {
            logger.LogWarning(e, "Investigation {Id} could not be enqueued; the sweep will do it", id);
        }
    }
}
