using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Nodes;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Storage;
using IncidentFox.Gateway.Sending;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Gateway.Execution;

/// <summary>
/// Counts quorums and runs approved calls, each once: woken by the database, with a poll that finds what a wake-up missed. Any number of gateways may
/// run one; a claim in the database decides who sends.
/// </summary>
public sealed class ApprovalExecutor(
    ApprovalExecution approvals, FrozenCallRunner runner, ExecutionOutputs outputs, PolicySource policy, SandboxSessions sessions,
    InstanceLock instance, DatabaseSignals signals, TimeProvider time, ILogger<ApprovalExecutor> logger) : BackgroundService
{
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);
    private const int Batch = 50;
    private readonly ConcurrentDictionary<ApprovalId, Task> _running = new();

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var wake = new SemaphoreSlim(0, 1);
        using var subscription = signals.Subscribe("approval", _ =>
        {
            if (wake.CurrentCount == 0)
                TryRelease(wake);
        });
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                // Not awaited: a target that takes its time must not hold up what others wait for.
                await StartRoundAsync(stoppingToken);
                await wake.WaitAsync(Poll, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
            {
                logger.LogWarning("Looking for approved calls failed ({Reason}); trying again", e.Message);
                await Task.Delay(Poll, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        await Task.WhenAll(_running.Values);
    }

    /// <summary>One round: everything that is ready now, to its end.</summary>
    public async Task WorkAsync(CancellationToken cancellationToken) => await Task.WhenAll(await StartRoundAsync(cancellationToken));

    private async Task<IReadOnlyList<Task>> StartRoundAsync(CancellationToken cancellationToken)
    {
        var started = new List<Task>();
        foreach (var (id, state) in await approvals.FindWorkAsync(Batch, cancellationToken))
        {
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_running.TryAdd(id, done.Task))
                started.Add(RunAsync(id, state, done, cancellationToken));
        }
        return started;
    }

    private async Task RunAsync(ApprovalId id, ApprovalState state, TaskCompletionSource done, CancellationToken cancellationToken)
    {
        try
        {
            await AdvanceAsync(id, state, cancellationToken);
        }
        finally
        {
            _running.TryRemove(id, out _);
            done.SetResult();
        }
    }

    private async Task AdvanceAsync(ApprovalId id, ApprovalState state, CancellationToken cancellationToken)
    {
        try
        {
            if (state is ApprovalState.Pending or ApprovalState.Approved && await TightenedAsync(id, cancellationToken) is { } reason)
                await approvals.RefuseAsync(id, reason, cancellationToken);
            else if (state is not ApprovalState.Pending || await approvals.GrantAsync(id, cancellationToken))
                await ExecuteAsync(id, cancellationToken);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
        {
            logger.LogWarning("Approval {Approval} could not be advanced ({Reason}); trying again", id, e.Message);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Stopping: whoever looks next goes on from what the database says.
        }
        catch (InvalidOperationException e)
        {
            // A frozen call that can't be read or does not match its digest: nothing is sent, and somebody must look.
            logger.LogError(e, "Approval {Approval} can't be run", id);
            await EndUnreadableAsync(id, state, cancellationToken);
        }
    }

    private async Task EndUnreadableAsync(ApprovalId id, ApprovalState state, CancellationToken cancellationToken)
    {
        const string Reason = "What was frozen can't be read, or is not what was approved; nothing is sent. Look into the database's integrity before asking again.";
        try
        {
            if (state == ApprovalState.Executing)
                await approvals.GiveUpAsync(id, Reason, cancellationToken);
            else
                await approvals.RefuseAsync(id, Reason, cancellationToken);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException or OperationCanceledException)
        {
            logger.LogWarning("Approval {Approval} could not be ended ({Reason}); trying again", id, e.Message);
        }
    }

    // Policy is evaluated again, and may only tighten: what was agreed under looser terms does not run.
    private async Task<string?> TightenedAsync(ApprovalId id, CancellationToken cancellationToken)
    {
        if (await approvals.ReadFrozenAsync(id, cancellationToken) is not { } read)
            return null;
        var (frozen, terms, investigation, alone) = read;
        // As the database has it now, and not as it was a few seconds ago.
        await policy.RefreshAsync(cancellationToken);
        var role = await sessions.LowestRequesterRoleAsync(investigation, terms.Resource, cancellationToken);
        return ToolDecider.Decide(policy.For(terms.Resource.Org, terms.Resource.Team), ToolFacts.Of(frozen.Call, runner.OtherNames(terms.Resource.Team, frozen.Call), role, time.GetUtcNow())) switch
        {
            ToolDecision.Deny deny => $"Policy denies this now: {deny.Reason}",
            ToolDecision.NeedsApproval { Workflow.BreakGlass: false } when alone => "Policy does not let anybody act alone any more.",
            ToolDecision.NeedsApproval { Workflow: var now } => now.WhyStricterThan(terms.Workflow),
            _ => null,
        };
    }

    private async Task ExecuteAsync(ApprovalId id, CancellationToken cancellationToken)
    {
        if (instance.Name is not { } owner || await approvals.ClaimAsync(id, owner, cancellationToken) is not { } execution)
            return;
        var started = Stopwatch.GetTimestamp();
        using var lost = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var done = new CancellationTokenSource();
        var renewing = RenewAsync(id, owner, lost, done.Token);
        try
        {
            var context = new SendContext
            {
                Org = execution.Resource.Org,
                Team = execution.Resource.Team,
                Investigation = execution.Investigation,
                Approval = id,
                UserId = "system",
                CorrelationId = $"exec-{id}-{execution.Attempt}",
            };
            var outcome = await runner.RunAsync(execution, context, lost.Token);
            if (outcome.Output is { } output)
                outputs.Put(id, output);
            // The outcome is known: it is written down even when we are being stopped.
            await approvals.FinishAsync(execution, owner, outcome.State, outcome.Sentence, Stopwatch.GetElapsedTime(started), outcome.Details, CancellationToken.None);
            logger.LogInformation("Approval {Approval} of {Tool}: {Outcome}", id, execution.Frozen.Call.Tool, outcome.State);
        }
        catch (OperationCanceledException) when (lost.IsCancellationRequested)
        {
            // Stopped or lost the claim in the middle: the row stays 'executing', and whoever claims it next proves what happened.
            logger.LogWarning("Approval {Approval}: interrupted while running; the next gateway proves whether it ran", id);
        }
        catch (Exception e) when (e is not (NpgsqlException or TimeoutException or IOException))
        {
            // A bug, and nobody knows how far it came: said so, and not tried again.
            logger.LogError(e, "Approval {Approval}: failed in the middle of running", id);
            await approvals.FinishAsync(execution, owner, ApprovalState.Unknown,
                "The gateway failed while it ran this: either it ran, or it did not. Look at the target yourself before you ask again; nothing more is sent.",
                Stopwatch.GetElapsedTime(started), new JsonObject { ["code"] = "gateway_error", ["attempt"] = execution.Attempt }, CancellationToken.None);
        }
        finally
        {
            await done.CancelAsync();
            await renewing;
        }
    }

    private async Task RenewAsync(ApprovalId id, string owner, CancellationTokenSource lost, CancellationToken done)
    {
        var renewed = time.GetTimestamp();
        while (!done.IsCancellationRequested)
        {
            await Task.Delay(ApprovalExecution.Lease / 3, time, done).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (done.IsCancellationRequested)
                return;
            try
            {
                if (instance.Name != owner || !await approvals.RenewAsync(id, owner, CancellationToken.None))
                {
                    await lost.CancelAsync();
                    return;
                }
                renewed = time.GetTimestamp();
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
            {
                logger.LogWarning("Approval {Approval}: the claim could not be renewed ({Reason})", id, e.Message);
                // Others may take it for abandoned from now on.
                if (time.GetElapsedTime(renewed) >= ApprovalExecution.Lease * 2 / 3)
                {
                    await lost.CancelAsync();
                    return;
                }
            }
        }
    }

    private static void TryRelease(SemaphoreSlim wake)
    {
        try
        {
            wake.Release();
        }
        catch (Exception e) when (e is SemaphoreFullException or ObjectDisposedException)
        {
            // Two wake-ups at once are one; one while stopping is none.
        }
    }
}
