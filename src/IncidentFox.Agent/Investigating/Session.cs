using System.Net;
using System.Text.Json.Serialization.Metadata;
using IncidentFox.Agent.Cage;
using IncidentFox.Agent.Gateway;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Investigating;

/// <summary>How a session ended: an exit code and what to say on standard error.</summary>
internal readonly record struct Ending(int Code, string? Said);

/// <summary>One life of the agent: show that it is caged, take the task, work on it, end.</summary>
internal sealed class Session(GatewayClient gateway, TimeProvider time, IReadOnlyList<CageTarget> cage, Pace? pace = null, Settling? settling = null)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Pace _pace = pace ?? new Pace();

    public async Task<Ending> RunAsync(CancellationToken ct)
    {
        var probes = settling is null ? await CageProbes.TryAsync(cage, ct) : await CageProbes.SettleAsync(cage, settling, time, ct);
        var hello = new AgentHello { AgentVersion = typeof(Session).Assembly.GetName().Version?.ToString(3) ?? "0", Cage = probes };
        var welcome = await TalkAsync(() => gateway.PostAsync(Protocol.HelloPath, MessageCodec.Write(hello, ContractsJson.Default.AgentHello), ct), "welcome", ContractsJson.Default.AgentWelcome, ct);
        if (welcome.Message is null)
            return probes.Any(p => p.Reached) ? new(ExitCodes.NotCaged, $"this sandbox is not a cage: reached {string.Join(", ", probes.Where(p => p.Reached).Select(p => p.Target))}; {welcome.Ending.Said}") : welcome.Ending;

        var task = await TalkAsync(() => gateway.GetAsync(Protocol.TaskPath, ct), "task", ContractsJson.Default.AgentTask, ct);
        if (task.Message is null)
            return task.Ending;
        var tools = await TalkAsync(() => gateway.GetAsync(Protocol.ToolsPath, ct), "tool_list", ContractsJson.Default.ToolList, ct);
        return tools.Message is null ? tools.Ending : await WorkAsync(task.Message, tools.Message, ct);
    }

    private async Task<Ending> WorkAsync(AgentTask task, ToolList tools, CancellationToken ct)
    {
        using var unheard = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var events = new EventStream(gateway, time, _pace);
        var pump = PumpAsync(events, unheard, ct);
        try
        {
            await new Investigation(task, tools.Tools, gateway, events, time, _pace).RunAsync(unheard.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            // The gateway stopped listening; the pump knows why.
        }
        finally
        {
            events.Complete();
        }
        return await pump is { } failed ? EndingOf(failed) : new(ExitCodes.Done, null);
    }

    // Nobody listens any more: no reason to go on.
    private static async Task<GatewayReply?> PumpAsync(EventStream events, CancellationTokenSource unheard, CancellationToken ct)
    {
        var failed = await events.PumpAsync(ct);
        if (failed is not null)
            await unheard.CancelAsync();
        return failed;
    }

    // Asks until there is an answer of that type: 204 means "not yet", no answer means "try again" for a minute.
    private async Task<(T? Message, Ending Ending)> TalkAsync<T>(Func<Task<GatewayReply>> ask, string type, JsonTypeInfo<T> info, CancellationToken ct) where T : Message
    {
        var silentSince = time.GetTimestamp();
        var wait = _pace.Retry;
        while (true)
        {
            var asked = time.GetTimestamp();
            var reply = await ask();
            if (reply is { Succeeded: true, Status: not HttpStatusCode.NoContent })
            {
                var (message, error) = MessageCodec.Read(reply.Body, type, info);
                return (message, error is null ? default : new(ExitCodes.Refused, error));
            }
            if (reply.Succeeded)
                (silentSince, wait) = (time.GetTimestamp(), _pace.Retry);
            else if (!reply.WorthRetrying || time.GetElapsedTime(silentSince) > _pace.GatewayMayBeAwayFor)
                return (null, EndingOf(reply));
            if (time.GetElapsedTime(asked) < Pause)
                await Task.Delay(wait, time, ct);
            if (!reply.Succeeded)
                wait = wait * 2 < _pace.LongestRetry ? wait * 2 : _pace.LongestRetry;
        }
    }

    private static Ending EndingOf(GatewayReply reply) =>
        new(reply.Untrusted ? ExitCodes.GatewayUntrusted : reply.WorthRetrying ? ExitCodes.GatewayGone : ExitCodes.Refused, reply.Failure());
}

/// <summary>How patient the agent is.</summary>
internal sealed record Pace
{
    /// <summary>Between two tries of something that failed; doubles, up to <see cref="LongestRetry"/>, while no answer comes.</summary>
    public TimeSpan Retry { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Between two tries at most.</summary>
    public TimeSpan LongestRetry { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Between two looks at the effect of an action.</summary>
    public TimeSpan Look { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long an action may take to show its effect.</summary>
    public TimeSpan EffectWithin { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long the gateway may be away, e.g. while it is restarted.</summary>
    public TimeSpan GatewayMayBeAwayFor { get; init; } = TimeSpan.FromSeconds(60);
}
