using IncidentFox.Bot.Investigations.Storage;
using IncidentFox.Bot.Sandboxes;
using IncidentFox.Core;
using IncidentFox.Core.Investigations;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Bot.Investigations;

/// <summary>Gives an investigation its sandbox. The claim in the database decides who does; whoever comes second does nothing.</summary>
internal sealed class InvestigationLauncher(
    SupervisionStore reads, InvestigationStore investigations, ISandboxDriver driver, SandboxSupervisor supervisor, SandboxConclusion conclusion,
    BotInstance instance, SandboxLimits limits, ILogger<InvestigationLauncher> logger)
{
    /// <summary>Starts it when it may start now and there is room; otherwise leaves it as it is, and the sweep comes back to it.</summary>
    public async Task LaunchAsync(InvestigationId id, CancellationToken cancellationToken)
    {
        await instance.Held.WaitAsync(cancellationToken);
        if (!supervisor.TryReserve())
            return;
        var watching = false;
        try
        {
            if (await reads.MayStartAsync(id, cancellationToken) && await investigations.TryStartAsync(id, driver.Name, cancellationToken) is { } sandbox)
                watching = await StartAsync(id, sandbox);
        }
        finally
        {
            if (!watching)
                supervisor.Release();
        }
    }

    // From the claim on there is no way back but through an end that is written down: no cancellation here.
    private async Task<bool> StartAsync(InvestigationId id, SandboxId sandbox)
    {
        var held = supervisor.Expect(id);
        try
        {
            await reads.OwnAsync(sandbox, instance.Id, CancellationToken.None);
            switch (await driver.StartAsync(new SandboxSpec(sandbox, limits), CancellationToken.None))
            {
                case SandboxStart.Started(var running):
                    await investigations.MarkRunningAsync(id, sandbox, CancellationToken.None);
                    supervisor.Watch(id, held, running);
                    return true;
                case SandboxStart.Refused(var code, var sentence):
                    logger.LogWarning("Sandbox {Sandbox} of {Investigation} was refused: {Code} {Sentence}", sandbox, id, code, sentence);
                    await investigations.EndSandboxAsync(id, sandbox, code, CancellationToken.None);
                    await conclusion.FailAsync(id, code, sentence, CancellationToken.None);
                    break;
            }
        }
        catch (Exception e)
        {
            logger.LogError(e, "Sandbox {Sandbox} of {Investigation} could not be started", sandbox, id);
            // When this fails too, the sweep finds the investigation without a holder.
            await conclusion.DrawAsync(id, sandbox, SandboxEnd.Crashed, "", CancellationToken.None);
        }
        finally
        {
            if (held.Sandbox is null)
                supervisor.Forget(id, held);
        }
        return false;
    }
}
