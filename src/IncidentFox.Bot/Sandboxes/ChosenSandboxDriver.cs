using IncidentFox.Core;
using IncidentFox.Core.Sandboxes;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Bot.Sandboxes;

/// <summary>The local driver as part of a host: chosen and cleaned up before anything else starts, disposed with the host.</summary>
internal sealed class ChosenSandboxDriver(LocalSandboxOptions options, ISandboxDoor door, TimeProvider time, ILogger logger)
    : ISandboxDriver, IHostedLifecycleService, IAsyncDisposable
{
    private ISandboxDriver? chosen;

    public string Name => Driver.Name;

    private ISandboxDriver Driver => chosen ?? throw new InvalidOperationException("Sandboxes are chosen when the host starts, and it has not started.");

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        chosen = await LocalSandboxes.ChooseAsync(options, door, time, logger, cancellationToken) switch
        {
            LocalSandboxChoice.Chosen(var driver) => driver,
            LocalSandboxChoice.Refused refused => throw new InvalidOperationException(refused.Sentence),
            _ => throw new InvalidOperationException("Unknown choice."),
        };
        var reaped = await chosen.ReapAsync(cancellationToken);
        logger.LogInformation("Sandboxes are isolated by {Driver}; {Count} left by an earlier process were removed", chosen.Name, reaped.Count);
    }

    public Task<SandboxStart> StartAsync(SandboxSpec spec, CancellationToken ct) => Driver.StartAsync(spec, ct);

    public Task<IReadOnlyList<SandboxId>> ReapAsync(CancellationToken ct) => Driver.ReapAsync(ct);

    public async ValueTask DisposeAsync()
    {
        if (chosen is IAsyncDisposable disposable)
        {
            await disposable.DisposeAsync();
        }
    }

    Task IHostedService.StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    Task IHostedService.StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
