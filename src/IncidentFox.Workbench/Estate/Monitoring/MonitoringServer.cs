using System.Net;
using System.Text;
using IncidentFox.Workbench.Processes;

namespace IncidentFox.Workbench.Estate.Monitoring;

/// <summary>A Prometheus program as a child: unprivileged, on loopback, asking for a password, gone with us.</summary>
internal sealed class MonitoringServer : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);
    private readonly MonitoringFolder _folder;
    private readonly ChildProcess _process;

    private MonitoringServer(MonitoringFolder folder, ChildProcess process, Uri url)
    {
        _folder = folder;
        _process = process;
        Url = url;
    }

    public Uri Url { get; }

    public static async Task<MonitoringServer> StartAsync(
        string program, string package, Func<MonitoringFolder, int, IReadOnlyList<string>> arguments,
        int port, string logFolder, BasicCredential credential, CancellationToken cancellationToken)
    {
        var path = Array.Find(["/usr/bin", "/usr/local/bin"], d => File.Exists(Path.Combine(d, program))) is { } found
            ? Path.Combine(found, program)
            : throw new InvalidOperationException($"{program} is not installed. Install it: apt-get install --no-install-recommends {package}");
        var account = SystemAccount.WeAreRoot ? SystemAccount.Find("prometheus", "nobody") : null;
        var folder = MonitoringFolder.Create(account);
        var chosen = port == 0 ? FreePort.Find() : port;
        var process = ChildProcess.Start(new()
        {
            Program = path,
            Arguments = arguments(folder, chosen),
            WorkingDirectory = folder.Root,
            Account = account,
            StopTimeout = TimeSpan.FromSeconds(5),
            LogFile = logFolder.Length == 0 ? null : Path.Combine(Directory.CreateDirectory(logFolder).FullName, $"{program}.log"),
        });
        var server = new MonitoringServer(folder, process, new($"http://127.0.0.1:{chosen}"));
        try
        {
            await server.WaitUntilReadyAsync(program, credential, cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _folder.Dispose();
    }

    private async Task WaitUntilReadyAsync(string program, BasicCredential credential, CancellationToken cancellationToken)
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false });
        http.DefaultRequestHeaders.Authorization = new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{credential.User}:{credential.Password}")));
        var clock = TimeProvider.System;
        var began = clock.GetTimestamp();
        while (!_process.HasExited && clock.GetElapsedTime(began) < StartTimeout)
        {
            try
            {
                // It listens before it can answer queries: 503 until then.
                using var response = await http.GetAsync(new Uri(Url, "/-/ready"), cancellationToken);
                if (response.StatusCode == HttpStatusCode.OK)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }

            await Task.Delay(50, cancellationToken);
        }

        throw new InvalidOperationException($"{program} did not start on {Url}. It said:\n{_process.Tail}");
    }
}
