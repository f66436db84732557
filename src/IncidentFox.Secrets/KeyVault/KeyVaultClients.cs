using System.Collections.Concurrent;
using System.Net;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Identity;
using Azure.Security.KeyVault.Secrets;

namespace IncidentFox.Secrets.KeyVault;

/// <summary>One client per vault, all over one transport and one identity.</summary>
internal sealed class KeyVaultClients : IDisposable
{
    private readonly ConcurrentDictionary<string, SecretClient> _clients = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Uri> _addresses;
    private readonly KeyVaultOptions _options;
    private readonly HttpClient _http;
    private readonly HttpClientTransport _transport;
    private readonly TokenCredential _credential;

    public KeyVaultClients(KeyVaultOptions options, KeyVaultConnection connection)
    {
        _options = options;
        _addresses = options.Vaults.ToDictionary(v => v.Key.ToLowerInvariant(), v => new Uri(v.Value), StringComparer.Ordinal);
        _http = new HttpClient(connection.Handler?.Invoke() ?? Handler(options)) { Timeout = Timeout.InfiniteTimeSpan };
        _transport = new HttpClientTransport(_http);
        _credential = connection.Credential ?? MachineIdentity(options, _transport);
    }

    public SecretClient For(string vault) => _clients.GetOrAdd(vault, static (name, self) => self.Make(name), this);

    private SecretClient Make(string vault)
    {
        var address = _addresses.GetValueOrDefault(vault) ?? new Uri($"https://{vault}.{_options.DnsSuffix}");
        var client = new SecretClientOptions
        {
            Transport = _transport,
            RetryPolicy = new BoundedRetries(),
            Diagnostics = { IsLoggingContentEnabled = false, IsTelemetryEnabled = false },
        };
        client.Retry.NetworkTimeout = TimeSpan.FromSeconds(5);
        return new SecretClient(address, _credential, client);
    }

    // No redirects: the token goes to the vault and nowhere else. No proxy or cookies that nobody asked for.
    private static SocketsHttpHandler Handler(KeyVaultOptions options) => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = options.Proxy is not null,
        Proxy = options.Proxy is null ? null : new WebProxy(options.Proxy, BypassOnLocal: true, BypassList: [@"//169\.254\.169\.254[:/]"]),   // a managed identity's tokens come from the machine itself
        ConnectTimeout = TimeSpan.FromSeconds(5),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    };

    private static DefaultAzureCredential MachineIdentity(KeyVaultOptions options, HttpPipelineTransport transport) => new(new DefaultAzureCredentialOptions
    {
        Transport = transport,
        ExcludeInteractiveBrowserCredential = true,
        ExcludeBrokerCredential = !options.AllowDeveloperCredentials,
        ExcludeVisualStudioCredential = !options.AllowDeveloperCredentials,
        ExcludeVisualStudioCodeCredential = !options.AllowDeveloperCredentials,
        ExcludeAzureCliCredential = !options.AllowDeveloperCredentials,
        ExcludeAzurePowerShellCredential = !options.AllowDeveloperCredentials,
        ExcludeAzureDeveloperCliCredential = !options.AllowDeveloperCredentials,
    });

    public void Dispose()
    {
        _transport.Dispose();
        _http.Dispose();
    }
}

/// <summary>Two quick retries for what a network does; none where the vault says when to come back, which is the cache's business.</summary>
internal sealed class BoundedRetries() : RetryPolicy(maxRetries: 2, DelayStrategy.CreateExponentialDelayStrategy(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(1)))
{
    protected override bool ShouldRetry(HttpMessage message, Exception? exception) => !AsksForPatience(message) && base.ShouldRetry(message, exception);

    protected override async ValueTask<bool> ShouldRetryAsync(HttpMessage message, Exception? exception) =>
        !AsksForPatience(message) && await base.ShouldRetryAsync(message, exception);

    private static bool AsksForPatience(HttpMessage message) =>
        message.HasResponse && (message.Response.Status == (int)HttpStatusCode.TooManyRequests || message.Response.Headers.Contains("Retry-After"));
}
