using IncidentFox.Workbench.Estate;
using IncidentFox.Workbench.SlackWorkspace;

namespace IncidentFox.Workbench.Stack;

/// <summary>
/// The whole product on one machine: database, Slack workspace, demo estate and the product itself as a process of its own. <c>make run</c>,
/// <c>make smoke</c>, the end-to-end tests and the benchmarks all bring it up by this.
/// </summary>
public sealed class WorkbenchStack : IAsyncDisposable
{
    private readonly StackOptions _options;
    private readonly string _runtimeDirectory;
    private ProductProcess? _product;
    private ProductProcess? _gateway;

    private WorkbenchStack(StackOptions options, StackFiles files, Uri httpUrl, string runtimeDirectory) =>
        (_options, Files, HttpUrl, _runtimeDirectory) = (options, files, httpUrl, runtimeDirectory);

    /// <summary>What was written.</summary>
    public StackFiles Files { get; }

    /// <summary>Where the product listens.</summary>
    public Uri HttpUrl { get; }

    /// <summary>The database.</summary>
    public StackDatabase Database { get; private set; } = null!;

    /// <summary>The workspace; null with a real one.</summary>
    public SlackDouble? Slack { get; private set; }

    /// <summary>What is investigated.</summary>
    public DemoEstate Estate { get; private set; } = null!;

    /// <summary>The cluster of the sandboxes; null when they are on this machine.</summary>
    public SandboxCluster? Pods { get; private set; }

    /// <summary>The product's process; the bot's, when the gateway has its own.</summary>
    public ProductProcess Product => _product ?? throw new InvalidOperationException("The product is not running.");

    /// <summary>Brings everything up; on failure nothing stays behind.</summary>
    public static async Task<WorkbenchStack> StartAsync(StackOptions options, CancellationToken cancellationToken)
    {
        var files = new StackFiles(Path.Combine(options.DataDirectory, "run"));
        var stack = new WorkbenchStack(options, files, new Uri($"http://127.0.0.1:{Processes.FreePort.Find()}"), RuntimeDirectory(options));
        try
        {
            await stack.StartPartsAsync(cancellationToken);
            return stack;
        }
        catch
        {
            await stack.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the product again, after it was killed or stopped; of two processes the bot's.</summary>
    public async Task StartProductAsync(CancellationToken cancellationToken)
    {
        if (_product is { } old)
            await old.DisposeAsync();
        _product = null;
        _product = await ProductProcess.StartAsync(_options.ProductPath, Pods is null ? "all" : "bot", Files.ConfigFile, HttpUrl, Files.LogFile, cancellationToken);
    }

    /// <summary>Runs a command of the product with this configuration, e.g. <c>audit verify</c>.</summary>
    public Task<(int ExitCode, string Output)> RunCommandAsync(CancellationToken cancellationToken, params IEnumerable<string> arguments) =>
        ProductProcess.RunAsync(_options.ProductPath, [.. arguments, "--config", Files.ConfigFile], cancellationToken);

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (_product is not null)
            await _product.DisposeAsync();
        if (_gateway is not null)
            await _gateway.DisposeAsync();
        if (Pods is not null)
            await Pods.DisposeAsync();
        if (Slack is not null)
            await Slack.DisposeAsync();
        if (Estate is not null)
            await Estate.DisposeAsync();
        if (Database is not null)
            await Database.DisposeAsync();
        if (_options.Ephemeral)
        {
            Directory.Delete(_options.DataDirectory, recursive: true);
            if (Directory.Exists(_runtimeDirectory))
                Directory.Delete(_runtimeDirectory, recursive: true);
        }
    }

    private async Task StartPartsAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(_options.DataDirectory);
        _options.Say("PostgreSQL, in a folder of its own");
        var database = StackDatabase.StartAsync(Path.Combine(_options.DataDirectory, "postgres"), _options, cancellationToken);
        _options.Say("the demo estate: a shop, its Kubernetes API, Prometheus and Alertmanager");
        var estate = DemoEstate.StartAsync(new DemoEstateOptions
        {
            WorkDirectory = Path.Combine(_options.DataDirectory, "estate"),
            Fault = _options.Fault,
            HealthyFor = _options.HealthyFor,
        }, cancellationToken);
        // Both are awaited before either may throw, so that what did start is disposed of.
        await Task.WhenAll(database, estate).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (database.IsCompletedSuccessfully)
            Database = await database;
        if (estate.IsCompletedSuccessfully)
            Estate = await estate;
        await Task.WhenAll(database, estate);

        if (_options.RealSlack is null)
        {
            _options.Say("the Slack workspace");
            Slack = await SlackDouble.StartAsync(new SlackDoubleOptions
            {
                Url = $"http://127.0.0.1:{_options.SlackPort}",
                BotToken = SlackTokens.Bot,
                AppToken = SlackTokens.App,
                SigningSecret = SlackTokens.Signing,
                AppBaseUrl = HttpUrl,
                Limits = _options.SlackLimits,
                Links =
                [
                    new EstateLink("The shop", Estate.ShopUrl.AbsoluteUri),
                    new EstateLink("Prometheus (asks for a password: that is the point)", Estate.PrometheusUrl.AbsoluteUri),
                ],
            }, cancellationToken);
        }
        Files.WriteIntegrations(Estate);
        if (!_options.PrometheusCredential)
            Files.RemoveSecret("prometheus-password");
        if (_options.Pods)
            Pods = await SandboxCluster.StartAsync(_options.AgentPath, cancellationToken);
        Files.WriteConfiguration(_options, Database, HttpUrl, Slack?.ApiBaseUrl, _runtimeDirectory, Pods);
        var (exitCode, output) = await RunCommandAsync(cancellationToken, "migrate");
        if (exitCode != 0)
            throw new InvalidOperationException($"The database could not be prepared:\n{output}");
        _options.Say("IncidentFox");
        if (Pods is not null)
            _gateway = await ProductProcess.StartAsync(_options.ProductPath, "gateway", Files.ConfigFile, Pods.HealthUrl, Files.GatewayLogFile, cancellationToken);
        await StartProductAsync(cancellationToken);
    }

    // Unix socket paths end near 107 bytes: as short as it can be, and not shared with another run.
    private static string RuntimeDirectory(StackOptions options)
    {
        var root = Environment.IsPrivilegedProcess ? "/run" : Path.GetTempPath().TrimEnd('/');
        return options.Ephemeral ? $"{root}/ifx-{Guid.NewGuid().ToString("N")[..6]}" : $"{root}/incidentfox";
    }
}
