using IncidentFox.Slack.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace IncidentFox.Slack.Tests.WebApi;

internal sealed class ClientHarness : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    private ClientHarness(FakeSlackServer server, FakeTimeProvider clock, ServiceProvider services)
    {
        Server = server;
        Clock = clock;
        _services = services;
        Client = services.GetRequiredService<ISlackClient>();
    }

    public FakeSlackServer Server { get; }

    public FakeTimeProvider Clock { get; }

    public ISlackClient Client { get; }

    public static async Task<ClientHarness> StartAsync(Func<Uri, SlackOptions>? options = null)
    {
        var server = await FakeSlackServer.StartAsync();
        var clock = new FakeTimeProvider(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
        var services = new ServiceCollection();
        services.AddSingleton<TimeProvider>(clock);
        services.AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance);
        services.AddSingleton(typeof(ILogger<>), typeof(NullLogger<>));
        services.AddSlack(options?.Invoke(server.ApiBaseUrl) ?? Options(server.ApiBaseUrl));
        return new ClientHarness(server, clock, services.BuildServiceProvider());
    }

    public static SlackOptions Options(Uri apiBaseUrl) => new()
    {
        ApiBaseUrl = apiBaseUrl,
        BotToken = new("xoxb-canary"),
        SigningSecret = new(SlackHost.Secret),
        MaxResponseBytes = 64 * 1024,
    };

    /// <summary>Lets the fake time pass until the call is done, and says how much it took.</summary>
    public async Task<(T Result, TimeSpan Took)> PassTimeAsync<T>(ValueTask<T> call)
    {
        var running = call.AsTask();
        var started = Clock.GetUtcNow();
        while (!running.IsCompleted)
        {
            await Task.WhenAny(running, Task.Delay(20));
            if (!running.IsCompleted)
            {
                Clock.Advance(TimeSpan.FromMilliseconds(250));
            }
        }

        return (await running, Clock.GetUtcNow() - started);
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await Server.DisposeAsync();
    }
}
