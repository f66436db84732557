using System.Diagnostics;
using System.Runtime.InteropServices;

namespace IncidentFox.Workbench.Processes;

public sealed record ChildProcessOptions
{
    public required string Program { get; init; }

    public required IReadOnlyList<string> Arguments { get; init; }

    public required string WorkingDirectory { get; init; }

    /// <summary>The account to run as when we are root; ignored otherwise.</summary>
    public SystemAccount? Account { get; init; }

    /// <summary>What the child gets when this process dies without stopping it.</summary>
    public PosixSignal OnParentDeath { get; init; } = PosixSignal.SIGTERM;

    /// <summary>What asks the child to stop cleanly.</summary>
    public PosixSignal StopSignal { get; init; } = PosixSignal.SIGTERM;

    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How many lines <see cref="ChildProcess.Tail"/> keeps.</summary>
    public int TailLines { get; init; } = 40;

    /// <summary>Receives the child's output, next to the tail that <see cref="ChildProcess.Tail"/> keeps.</summary>
    public string? LogFile { get; init; }
}

/// <summary>
/// A server run as a child: unprivileged, with an environment of its own (ours may hold secrets), out of the
/// terminal's process group (Ctrl+C reaches it through us, in order) and never outliving this process.
/// </summary>
public sealed class ChildProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ChildProcessOptions _options;
    private readonly Queue<string> _tail = new();
    private readonly StreamWriter? _log;
    private bool _stopped;

    private ChildProcess(Process process, ChildProcessOptions options)
    {
        _process = process;
        _options = options;
        _log = options.LogFile is null ? null : new StreamWriter(options.LogFile, append: true) { AutoFlush = true };
        process.OutputDataReceived += (_, e) => Keep(e.Data);
        process.ErrorDataReceived += (_, e) => Keep(e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    /// <summary>The last lines it wrote, for error messages.</summary>
    public string Tail
    {
        get
        {
            lock (_tail)
            {
                return string.Join('\n', _tail);
            }
        }
    }

    public static ChildProcess Start(ChildProcessOptions options)
    {
        var start = new ProcessStartInfo("/usr/bin/setsid")
        {
            WorkingDirectory = options.WorkingDirectory,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add("/usr/bin/setpriv");
        if (options.Account is { } account && SystemAccount.WeAreRoot)
        {
            start.ArgumentList.Add($"--reuid={account.UserId}");
            start.ArgumentList.Add($"--regid={account.GroupId}");
            start.ArgumentList.Add("--clear-groups");
        }

        start.ArgumentList.Add("--no-new-privs");
        start.ArgumentList.Add($"--pdeathsig={options.OnParentDeath.ToString()[3..]}");
        start.ArgumentList.Add("--");
        start.ArgumentList.Add(options.Program);
        foreach (var argument in options.Arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment.Clear();
        start.Environment["PATH"] = "/usr/local/bin:/usr/bin:/bin";
        start.Environment["LANG"] = "C.UTF-8";
        start.Environment["TZ"] = "UTC";
        var process = SpawnThread.Run(() => Process.Start(start))
            ?? throw new InvalidOperationException($"Cannot start {options.Program}.");
        process.StandardInput.Close();
        return new(process, options);
    }

    /// <summary>Runs a program to its end; its output is the error when it fails.</summary>
    public static async Task RunAsync(ChildProcessOptions options, CancellationToken cancellationToken)
    {
        await using var child = Start(options);
        await child.WaitForExitAsync(cancellationToken);
        if (child.ExitCode != 0)
        {
            throw new InvalidOperationException($"{options.Program} ended with {child.ExitCode}:\n{child.Tail}");
        }
    }

    /// <summary>kill -9.</summary>
    public void Kill() => _process.Kill();

    public Task WaitForExitAsync(CancellationToken cancellationToken) => _process.WaitForExitAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_stopped)
        {
            return;
        }

        _stopped = true;
        if (!_process.HasExited)
        {
            Signals.Send(_process.Id, _options.StopSignal);
            using var patience = new CancellationTokenSource(_options.StopTimeout);
            try
            {
                await _process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill(entireProcessTree: true);
                await _process.WaitForExitAsync(CancellationToken.None);
            }
        }

        _process.Dispose();
        if (_log is not null)
        {
            await _log.DisposeAsync();
        }
    }

    private void Keep(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_tail)
        {
            _tail.Enqueue(line);
            if (_tail.Count > _options.TailLines)
            {
                _tail.Dequeue();
            }

            if (!_stopped)
            {
                _log?.WriteLine(line);
            }
        }
    }
}
