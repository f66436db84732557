using IncidentFox.Workbench.SlackWorkspace;
using Microsoft.Extensions.Time.Testing;

namespace IncidentFox.Workbench.Tests.SlackWorkspace;

/// <summary>A workspace and an app that know each other, on a clock that stands still until a test moves it.</summary>
public sealed class Given : IAsyncDisposable
{
    private Given(SlackDouble slack, DemoApp app, FakeTimeProvider clock) => (Slack, App, Clock) = (slack, app, clock);

    public static IReadOnlyList<string> AllEvents { get; } = ["app_mention", "app_home_opened", "message.channels"];

    public SlackDouble Slack { get; }
    public DemoApp App { get; }
    public FakeTimeProvider Clock { get; }

    public static async Task<Given> WorkspaceAsync(SlackLimits? limits = null)
    {
        var clock = new FakeTimeProvider(new DateTimeOffset(2026, 5, 4, 9, 30, 0, TimeSpan.Zero));
        var app = await DemoApp.StartAsync();
        var slack = await SlackDouble.StartAsync(new SlackDoubleOptions { Url = "http://127.0.0.1:0", AppBaseUrl = app.Url, TimeProvider = clock, Events = AllEvents, Limits = limits ?? new SlackLimits() });
        return new Given(slack, app, clock);
    }

    public async ValueTask DisposeAsync()
    {
        await Slack.DisposeAsync();
        await App.DisposeAsync();
    }
}
