using System.Net;
using IncidentFox.Workbench.Processes;

namespace IncidentFox.Workbench.Stack;

/// <summary>The product as a process of its own, as it runs in production: <c>incidentfox serve</c>.</summary>
public sealed class ProductProcess : IAsyncDisposable
{
    private readonly ChildProcess _process;

    private ProductProcess(ChildProcess process) => _process = process;

    /// <summary>Its process id.</summary>
    public int Id => _process.Id;

    /// <summary>True when it is gone.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>The last lines it wrote.</summary>
    public string Tail => _process.Tail;

    /// <summary>Starts it and waits until it says that it is ready.</summary>
    /// <param name="productPath">The product: <c>incidentfox.dll</c>.</param>
    /// <param name="role"><c>all</c>, <c>bot</c> or <c>gateway</c>.</param>
    /// <param name="configFile">Its settings.</param>
    /// <param name="httpUrl">Where its health is.</param>
    /// <param name="logFile">Where its log goes.</param>
    /// <param name="cancellationToken">Cancels.</param>
    public static async Task<ProductProcess> StartAsync(string productPath, string role, string configFile, Uri httpUrl, string logFile, CancellationToken cancellationToken)
    {
        var product = new ProductProcess(ChildProcess.Start(new ChildProcessOptions
        {
            Program = DotnetHost,
            Arguments = [productPath, "serve", "--role", role, "--config", configFile],
            WorkingDirectory = Path.GetDirectoryName(configFile)!,
            LogFile = logFile,
            StopTimeout = TimeSpan.FromSeconds(10),
        }));
        try
        {
            await product.WaitUntilReadyAsync(httpUrl, cancellationToken);
            return product;
        }
        catch
        {
            await product.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs one of its commands to the end and returns what it printed.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(string productPath, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        await using var process = ChildProcess.Start(new ChildProcessOptions
        {
            Program = DotnetHost,
            Arguments = [productPath, .. arguments],
            WorkingDirectory = Path.GetTempPath(),
            TailLines = 2_000,
        });
        await process.WaitForExitAsync(cancellationToken);
        return (process.ExitCode, process.Tail);
    }

    /// <summary>kill -9: no shutdown, no clean-up, as when the machine's memory runs out.</summary>
    public Task KillAsync(CancellationToken cancellationToken)
    {
        _process.Kill();
        return _process.WaitForExitAsync(cancellationToken);
    }

    /// <summary>SIGTERM, and patience.</summary>
    public ValueTask DisposeAsync() => _process.DisposeAsync();

    /// <summary>Completes when it is gone.</summary>
    public Task WaitForExitAsync(CancellationToken cancellationToken) => _process.WaitForExitAsync(cancellationToken);

    private static string DotnetHost => Environment.ProcessPath is { } path && Path.GetFileName(path) == "dotnet" ? path : "dotnet";

    private async Task WaitUntilReadyAsync(Uri httpUrl, CancellationToken cancellationToken)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(2) };
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        while (true)
        {
            if (_process.HasExited)
                throw new InvalidOperationException($"The product did not start (exit code {_process.ExitCode}):\n{_process.Tail}");
            try
            {
                using var answer = await http.GetAsync(new Uri(httpUrl, "/health/ready"), patience.Token);
                if (answer.StatusCode == HttpStatusCode.OK)
                    return;
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !patience.IsCancellationRequested)
            {
                // Not listening yet.
            }
            if (patience.IsCancellationRequested)
                throw new TimeoutException($"The product was not ready within 60 s:\n{_process.Tail}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), cancellationToken);
        }
    }
}
