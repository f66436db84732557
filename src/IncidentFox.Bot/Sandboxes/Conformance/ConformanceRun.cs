using System.Globalization;
using System.Net;
using IncidentFox.Core;

namespace IncidentFox.Bot.Sandboxes.Conformance;

/// <summary>A sandbox of the suite that has ended.</summary>
internal sealed record Ended(SandboxId Id, SandboxExit Exit, ActReports Reports)
{
    /// <summary>How it ended, in words.</summary>
    public string How => Exit.Fault?.Sentence
        ?? string.Create(CultureInfo.InvariantCulture, $"the sandbox ended with {Exit.Kind}{(Exit.ExitCode is { } code ? $" ({code})" : "")}");
}

/// <summary>One run of the suite: starts sandboxes through the driver's port, knows all of them, and keeps what several checks look at.</summary>
internal sealed class ConformanceRun(IConformanceSite site) : IAsyncDisposable
{
    /// <summary>Where a sandbox listens for others, if it has an address. None of the ports that every agent tries on itself.</summary>
    public const int Port = 18080;

    // With these nothing can be checked at all; with the others something was seen.
    private static readonly string[] NoSandbox = ["image_pull_failed", "unschedulable", "sandbox_misconfigured", "slow_start"];

    private readonly List<SandboxId> started = [];
    private readonly List<ISandbox> running = [];
    private Task<Ended>? look;

    public IConformanceSite Site => site;

    /// <summary>Every sandbox that was started.</summary>
    public IReadOnlyCollection<SandboxId> Started => started;

    /// <summary>A sandbox that tried to get out, to write, to find secrets, and knocked at its door: several checks look at the same one.</summary>
    public Task<Ended> LookAsync(CancellationToken ct) => look ??= LookOnceAsync(ct);

    /// <summary>From its start to its end.</summary>
    public async Task<Ended> RunAsync(SandboxLimits limits, CancellationToken ct, params IReadOnlyList<string> acts) => await EndAsync(await StartAsync(limits, ct, acts), ct);

    /// <exception cref="CannotCheckException">There is no sandbox to be had.</exception>
    public async Task<ISandbox> StartAsync(SandboxLimits limits, CancellationToken ct, params IReadOnlyList<string> acts)
    {
        var id = SandboxId.New();
        started.Add(id);
        return await site.Driver.StartAsync(new(id, limits) { Acts = acts }, ct) switch
        {
            SandboxStart.Started(var sandbox) => Remember(sandbox),
            SandboxStart.Refused refused => throw new CannotCheckException(refused.Sentence),
            _ => throw new InvalidOperationException("Unknown start."),
        };
    }

    public async Task<Ended> EndAsync(ISandbox sandbox, CancellationToken ct)
    {
        var exit = await sandbox.Exited.WaitAsync(ct);
        running.Remove(sandbox);
        return exit.Fault is { } fault && NoSandbox.Contains(fault.Code) ? throw new CannotCheckException(fault.Sentence) : new(sandbox.Id, exit, ActReports.Parse(exit.LogTail));
    }

    public async Task<Ended> StopAsync(ISandbox sandbox, CancellationToken ct)
    {
        await sandbox.StopAsync(CancellationToken.None);
        return await EndAsync(sandbox, ct);
    }

    /// <summary>However it ends, no sandbox outlives it.</summary>
    public async ValueTask DisposeAsync() => await Task.WhenAll(running.Select(s => s.StopAsync(CancellationToken.None)));

    private ISandbox Remember(ISandbox sandbox)
    {
        running.Add(sandbox);
        return sandbox;
    }

    private async Task<Ended> LookOnceAsync(CancellationToken ct)
    {
        var other = await StartAsync(site.Limits, ct, $"listen={Port}", "wait");
        var address = await site.AddressOfAsync(other.Id, ct);
        IPEndPoint[] targets = [.. site.OutOfReach, .. address is null ? Array.Empty<IPEndPoint>() : [new IPEndPoint(address, Port)]];
        var ended = await RunAsync(
            site.Limits, ct,
            $"reach={string.Join(',', targets.Select(t => t.ToString()))}", "look", $"write={string.Join(',', ReadOnlyCheck.Paths)}", "knock");
        await StopAsync(other, ct);
        return ended;
    }
}
