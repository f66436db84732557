using System.Diagnostics;
using IncidentFox.Slack.BlockKit;
using IncidentFox.Slack.SocketMode;
using IncidentFox.Slack.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Slack.Tests.SocketMode;

public sealed class SocketModeTests
{
    private const string Refresh = """{"type":"disconnect","reason":"refresh_requested","debug_info":{"host":"wss-111.slack.com"}}""";

    [Fact]
    public async Task A_command_is_handled_and_acknowledged_with_its_reply()
    {
        await using var host = await SocketHost.StartAsync();
        host.Handler.Reply = () => SlackReply.Ephemeral(new SlackMessage("Started"));
        var socket = await host.Server.SocketAsync(1);
        await socket.SendAsync(SocketHost.Command("e1", "t1"));
        var acknowledgement = await socket.AcknowledgementAsync();
        Assert.Contains("\"envelope_id\":\"e1\"", acknowledgement, StringComparison.Ordinal);
        Assert.Contains("\"text\":\"Started\"", acknowledgement, StringComparison.Ordinal);
        Assert.Equal("investigate checkout", Assert.Single(host.Handler.Commands).Text);
        Assert.Equal("Bearer xapp-canary", host.Server.Calls.First().Authorization);
    }

    [Fact]
    public async Task An_envelope_delivered_on_two_connections_runs_once_and_is_acknowledged_on_both()
    {
        await using var host = await SocketHost.StartAsync(connections: 2);
        var first = await host.Server.SocketAsync(1);
        var second = await host.Server.SocketAsync(2);
        await first.SendAsync(SocketHost.Event("e1"));
        await first.AcknowledgementAsync();
        await second.SendAsync(SocketHost.Event("e1"));
        Assert.Equal("""{"envelope_id":"e1"}""", await second.AcknowledgementAsync());
        Assert.Single(host.Handler.Events);
    }

    [Fact]
    public async Task An_envelope_whose_handler_failed_is_not_acknowledged_and_runs_when_it_comes_again()
    {
        await using var host = await SocketHost.StartAsync();
        var failed = new TaskCompletionSource();
        host.Handler.Before = _ =>
        {
            failed.TrySetResult();
            throw new InvalidOperationException("down");
        };
        var socket = await host.Server.SocketAsync(1);
        await socket.SendAsync(SocketHost.Event("e1"));
        await failed.Task;
        await Eventually.TrueAsync(() => host.Ledger.Released.Contains("slack:lease:event:T0001:Ev08MFMKH6"));
        host.Handler.Before = _ => Task.CompletedTask;
        await socket.SendAsync(SocketHost.Event("e2"));
        Assert.Equal("""{"envelope_id":"e2"}""", await socket.AcknowledgementAsync());
        Assert.Single(host.Handler.Events);
    }

    [Fact]
    public async Task When_slack_asks_for_a_refresh_the_new_connection_is_open_before_the_old_one_is_closed()
    {
        await using var host = await SocketHost.StartAsync();
        var old = await host.Server.SocketAsync(1);
        await old.SendAsync(Refresh);
        var fresh = await host.Server.SocketAsync(2);
        Assert.False(old.Closed);

        // Both are served until the old one is gone.
        await old.SendAsync(SocketHost.Command("e1", "t1"));
        await old.AcknowledgementAsync();
        await fresh.SendAsync(SocketHost.Command("e2", "t2"));
        await fresh.AcknowledgementAsync();
        Assert.Equal(2, host.Handler.Commands.Count);
    }

    [Fact]
    public async Task A_connection_that_breaks_is_replaced()
    {
        await using var host = await SocketHost.StartAsync();
        (await host.Server.SocketAsync(1)).Drop();
        var next = await host.Server.SocketAsync(2);
        await next.SendAsync(SocketHost.Event("e1"));
        await next.AcknowledgementAsync();
        Assert.Single(host.Handler.Events);
    }

    [Fact]
    public async Task Opening_is_tried_again_after_slack_refused_it()
    {
        await using var host = await SocketHost.StartAsync(before: server => server.Answer("apps.connections.open", 200, """{"ok":false,"error":"internal_error"}"""));
        await host.Server.SocketAsync(1);
        Assert.Equal(2, host.Server.Calls.Count(c => c.Method == "apps.connections.open"));
    }

    [Fact]
    public async Task An_address_that_is_not_slacks_is_not_connected_to()
    {
        await using var host = await SocketHost.StartAsync(before: server => server.Answer("apps.connections.open", 200, """{"ok":true,"url":"wss://evil.example/link"}"""));
        await host.Server.SocketAsync(1);
        Assert.Equal(2, host.Server.Calls.Count(c => c.Method == "apps.connections.open"));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"type":7}""")]
    [InlineData("""{"type":"events_api"}""")]
    public async Task Garbage_is_refused_and_the_connection_goes_on(string garbage)
    {
        await using var host = await SocketHost.StartAsync();
        var socket = await host.Server.SocketAsync(1);
        await socket.SendAsync(garbage);
        await socket.SendAsync(SocketHost.Event("e1"));
        await socket.AcknowledgementAsync();
        await Eventually.TrueAsync(() => !host.Handler.Refusals.IsEmpty);
        Assert.Equal("socket_mode", host.Handler.Refusals.First().Path);
        Assert.Single(host.Handler.Events);
    }

    [Fact]
    public async Task A_malformed_envelope_is_acknowledged_so_that_it_does_not_come_back()
    {
        await using var host = await SocketHost.StartAsync();
        var socket = await host.Server.SocketAsync(1);
        await socket.SendAsync("""{"envelope_id":"e1","type":"slash_commands","payload":{"command":"nonsense"},"accepts_response_payload":true}""");
        Assert.Equal("""{"envelope_id":"e1"}""", await socket.AcknowledgementAsync());
        Assert.Equal(SlackRefusalReasons.Malformed, Assert.Single(host.Handler.Refusals).Reason);
    }

    [Fact]
    public async Task It_stops_within_five_seconds_even_when_a_handler_hangs()
    {
        var host = await SocketHost.StartAsync();
        var entered = new TaskCompletionSource();
        host.Handler.Before = async token =>
        {
            entered.SetResult();
            await Task.Delay(Timeout.Infinite, token);
        };
        await (await host.Server.SocketAsync(1)).SendAsync(SocketHost.Event("e1"));
        await entered.Task;
        var watch = Stopwatch.StartNew();
        await host.StopAsync();
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), watch.Elapsed.ToString());
        await host.DisposeAsync();
    }

    [Fact]
    public void Waiting_grows_and_is_capped_and_spread()
    {
        Assert.Equal(TimeSpan.FromSeconds(0.5), Backoff.After(1, 0));
        Assert.Equal(TimeSpan.FromSeconds(1), Backoff.After(1, 1));
        Assert.Equal(TimeSpan.FromSeconds(8), Backoff.After(4, 1));
        Assert.Equal(TimeSpan.FromSeconds(60), Backoff.After(1000, 1));
    }

    private sealed class SocketHost : IAsyncDisposable
    {
        private readonly IHost _host;

        private SocketHost(IHost host, FakeSlackServer server, RecordingHandler handler, MemoryLedger ledger)
        {
            _host = host;
            Server = server;
            Handler = handler;
            Ledger = ledger;
        }

        public FakeSlackServer Server { get; }

        public RecordingHandler Handler { get; }

        public MemoryLedger Ledger { get; }

        public static async Task<SocketHost> StartAsync(int connections = 1, Action<FakeSlackServer>? before = null)
        {
            var server = await FakeSlackServer.StartAsync();
            before?.Invoke(server);
            server.AnswerSocketAddress();
            var handler = new RecordingHandler();
            var ledger = new MemoryLedger(TimeProvider.System);
            var builder = Host.CreateEmptyApplicationBuilder(null);
            builder.Services.AddLogging(logging => logging.ClearProviders());
            builder.Services.AddSingleton<ISlackHandler>(handler);
            builder.Services.AddSingleton<ISlackRefusals>(handler);
            builder.Services.AddSingleton<ISlackRequestLedger>(ledger);
            builder.Services.AddSlack(new SlackOptions
            {
                ApiBaseUrl = server.ApiBaseUrl,
                BotToken = new("xoxb-canary"),
                AppToken = new("xapp-canary"),
                SocketConnections = connections,
            });
            var host = builder.Build();
            await host.StartAsync();
            return new SocketHost(host, server, handler, ledger);
        }

        public static string Command(string envelopeId, string trigger) =>
            $$"""
            {"envelope_id":"{{envelopeId}}","type":"slash_commands","accepts_response_payload":true,"payload":{"command":"/incidentfox","text":"investigate checkout",
             "user_id":"U1","user_name":"olga","channel_id":"C1","channel_name":"incidents","team_id":"T1","trigger_id":"{{trigger}}","response_url":"https://hooks.slack.com/commands/1/2"} }
            """;

        public static string Event(string envelopeId) =>
            $$"""{"envelope_id":"{{envelopeId}}","type":"events_api","accepts_response_payload":false,"retry_attempt":0,"payload":{{Samples.Mention()}}}""";

        public Task StopAsync() => _host.StopAsync();

        public async ValueTask DisposeAsync()
        {
            await _host.StopAsync();
            _host.Dispose();
            await Server.DisposeAsync();
        }
    }
}
