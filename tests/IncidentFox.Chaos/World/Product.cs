using IncidentFox.Workbench.Processes;
using IncidentFox.Workbench.Stack;

namespace IncidentFox.Chaos.World;

/// <summary>One process of the product, <c>incidentfox serve</c>, that comes back whenever it is killed.</summary>
internal sealed class Product(string name, string role, string configFile) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly SemaphoreSlim _turn = new(1);
    private ChildProcess? _process;
    private volatile bool _up;
    private bool _over;

    public string Name => name;

    /// <summary>How often it was killed.</summary>
    public int Kills { get; private set; }

    /// <summary>True from when it is ready until it is killed.</summary>
    public bool IsUp => _up;

    public bool Is(int processId) => _process is { HasExited: false } running && running.Id == processId;

    public async Task StartAsync(CancellationToken ct)
    {
        await _turn.WaitAsync(ct);
        try
        {
            await StartUntilReadyAsync(ct);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>kill -9; it is up again some seconds later. A kill while it starts waits until it is up: a process that never runs tests nothing.</summary>
    public async Task KillAsync(TimeSpan pause, Func<bool>? unless = null)
    {
        await _turn.WaitAsync();
        var comingBack = false;
        try
        {
            if (_over || unless?.Invoke() == true)
                return;
            _up = false;
            _process!.Kill();
            Kills++;
            await _process.WaitForExitAsync(CancellationToken.None);
            _ = ComeBackAsync(pause);
            comingBack = true;
        }
        finally
        {
            if (!comingBack)
                _turn.Release();
        }
    }

    /// <summary>Completes when it is up.</summary>
    public Task UpAsync() => KillAsync(TimeSpan.Zero, unless: () => true);

    public async ValueTask DisposeAsync()
    {
        await _turn.WaitAsync();
        _over = true;
        if (_process is not null)
            await _process.DisposeAsync();
    }

    private async Task ComeBackAsync(TimeSpan pause)
    {
        try
        {
            await Task.Delay(pause);
            await StartUntilReadyAsync(CancellationToken.None);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task StartUntilReadyAsync(CancellationToken ct)
    {
        var began = TimeProvider.System.GetTimestamp();
        var said = "";
        while (true)
        {
            if (_process is { } old)
                await old.DisposeAsync();
            _process = ChildProcess.Start(new ChildProcessOptions
            {
                Program = "dotnet",
                Arguments = [Installed.Product, "serve", "--role", role, "--config", configFile],
                WorkingDirectory = Path.GetDirectoryName(configFile)!,
                LogFile = Path.ChangeExtension(configFile, ".log"),
                TailLines = 100,
                OnParentDeath = System.Runtime.InteropServices.PosixSignal.SIGTERM,
                StopTimeout = TimeSpan.FromSeconds(10),
            });
            // One whose database sessions are cut while it starts ends, and is started again as a supervisor would.
            while (!_process.HasExited && !_process.Tail.Contains("ready on", StringComparison.Ordinal) && TimeProvider.System.GetElapsedTime(began) < Patience)
                await Task.Delay(50, ct);
            if (!_process.HasExited && _process.Tail.Contains("ready on", StringComparison.Ordinal))
            {
                _up = true;
                return;
            }
            if (_process.HasExited)
                await _process.WaitForExitAsync(ct);
            said = _process.Tail.Length > 0 ? _process.Tail : said;
            if (Kills == 0 || TimeProvider.System.GetElapsedTime(began) >= Patience)
                throw new TimeoutException($"{name} was not ready within {Patience.TotalSeconds} s:\n{said}");
        }
    }
}
