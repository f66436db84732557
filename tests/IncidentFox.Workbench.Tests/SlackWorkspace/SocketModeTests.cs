using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.SlackWorkspace;
using Xunit;

namespace IncidentFox.Workbench.Tests.SlackWorkspace;

public sealed class SocketModeTests
{
    [Fact]
    public async Task A_connection_says_hello_and_then_carries_commands()
    {
        await using var given = await Given.WorkspaceAsync();
        using var socket = await ConnectAsync(given);
        var running = given.Slack.RunCommandAsync(DemoPeople.Omar, "incidents", "/incidentfox help");
        var envelope = await ReadAsync(socket);
        Assert.Equal("slash_commands", envelope["type"]!.ToString());
        Assert.True(envelope["accepts_response_payload"]!.GetValue<bool>());
        Assert.Equal("/incidentfox", envelope["payload"]!["command"]!.ToString());
        await AcknowledgeAsync(socket, envelope, new JsonObject { ["text"] = "through the socket" });
        Assert.True((await running).IsAnswered);
        Assert.Equal("through the socket", Assert.Single(given.Slack.State.Ephemerals(DemoPeople.Omar)).Text);
        Assert.Empty(given.App.Requests);
    }

    [Fact]
    public async Task An_event_that_is_not_acknowledged_comes_again_and_says_so()
    {
        await using var given = await Given.WorkspaceAsync();
        using var socket = await ConnectAsync(given);
        await given.Slack.SayAsync(DemoPeople.Omar, "incidents", "hello");
        var first = await ReadAsync(socket);
        Assert.Equal(0, first["retry_attempt"]!.GetValue<int>());
        given.Clock.Advance(TimeSpan.FromSeconds(3));
        var second = await ReadAsync(socket);
        Assert.Equal((1, "http_timeout"), (second["retry_attempt"]!.GetValue<int>(), second["retry_reason"]!.ToString()));
        Assert.Equal(first["payload"]!["event_id"]!.ToString(), second["payload"]!["event_id"]!.ToString());
        await AcknowledgeAsync(socket, second);
        var done = await given.Slack.Deliveries.WaitForAsync(d => d.Attempt == 2);
        Assert.Equal((DeliveryOutcome.Answered, null), (done.Outcome, done.RetryAt));
    }

    [Fact]
    public async Task What_a_broken_connection_took_with_it_arrives_through_another()
    {
        await using var given = await Given.WorkspaceAsync();
        using var one = await ConnectAsync(given);
        using var two = await ConnectAsync(given);
        await given.Slack.SayAsync(DemoPeople.Omar, "incidents", "hello");
        var (fromOne, fromTwo) = (ReadAsync(one), ReadAsync(two));
        var first = await Task.WhenAny(fromOne, fromTwo);
        var (broken, alive, waiting) = first == fromOne ? (one, two, fromTwo) : (two, one, fromOne);
        broken.Abort();
        var again = await waiting;
        Assert.Equal((await first)["envelope_id"]!.ToString(), again["envelope_id"]!.ToString());
        await AcknowledgeAsync(alive, again);
        Assert.Equal(DeliveryOutcome.Answered, (await given.Slack.Deliveries.WaitForAsync(d => d.What == "message")).Outcome);
    }

    [Fact]
    public async Task A_connection_that_is_asked_to_go_gets_nothing_more()
    {
        await using var given = await Given.WorkspaceAsync();
        using var old = await ConnectAsync(given);
        await given.Slack.RefreshSocketsAsync();
        var goodbye = await ReadAsync(old);
        Assert.Equal(("disconnect", "refresh_requested"), (goodbye["type"]!.ToString(), goodbye["reason"]!.ToString()));
        using var fresh = await ConnectAsync(given);
        var running = given.Slack.RunCommandAsync(DemoPeople.Omar, "incidents", "/incidentfox help");
        await AcknowledgeAsync(fresh, await ReadAsync(fresh));
        Assert.True((await running).IsAnswered);
    }

    [Fact]
    public async Task A_ticket_opens_one_connection_and_needs_the_app_token()
    {
        await using var given = await Given.WorkspaceAsync();
        var refused = await given.App.CallAsync(given.Slack, "apps.connections.open", new { });
        Assert.Equal("not_allowed_token_type", refused["error"]!.ToString());
        var opened = await given.App.CallAsync(given.Slack, "apps.connections.open", new { }, given.Slack.Options.AppToken);
        using var first = new ClientWebSocket();
        await first.ConnectAsync(new Uri(opened["url"]!.ToString()), CancellationToken.None);
        using var second = new ClientWebSocket();
        await Assert.ThrowsAsync<WebSocketException>(() => second.ConnectAsync(new Uri(opened["url"]!.ToString()), CancellationToken.None));
    }

    [Fact]
    public async Task Garbage_is_not_an_acknowledgement()
    {
        await using var given = await Given.WorkspaceAsync();
        using var socket = await ConnectAsync(given);
        var running = given.Slack.RunCommandAsync(DemoPeople.Omar, "incidents", "/incidentfox help");
        var envelope = await ReadAsync(socket);
        foreach (var garbage in (string[])["", "{", "[]", "{\"envelope_id\":\"other\"}"])
        {
            await socket.SendAsync(Encoding.UTF8.GetBytes(garbage), WebSocketMessageType.Text, true, CancellationToken.None);
        }

        Assert.False(running.IsCompleted);
        await AcknowledgeAsync(socket, envelope);
        Assert.True((await running).IsAnswered);
    }

    private static async Task<ClientWebSocket> ConnectAsync(Given given)
    {
        var opened = await given.App.CallAsync(given.Slack, "apps.connections.open", new { }, given.Slack.Options.AppToken);
        var socket = new ClientWebSocket();
        await socket.ConnectAsync(new Uri(opened["url"]!.ToString()), CancellationToken.None);
        Assert.Equal("hello", (await ReadAsync(socket))["type"]!.ToString());
        return socket;
    }

    private static async Task<JsonObject> ReadAsync(ClientWebSocket socket)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var buffer = new byte[256 * 1024];
        var length = 0;
        ValueWebSocketReceiveResult part;
        do
        {
            part = await socket.ReceiveAsync(buffer.AsMemory(length), patience.Token);
            length += part.Count;
        }
        while (!part.EndOfMessage);
        return JsonNode.Parse(buffer.AsSpan(0, length))!.AsObject();
    }

    private static Task AcknowledgeAsync(ClientWebSocket socket, JsonObject envelope, JsonObject? payload = null)
    {
        var ack = new JsonObject { ["envelope_id"] = envelope["envelope_id"]!.ToString() };
        if (payload is not null) ack["payload"] = payload;
        return socket.SendAsync(Encoding.UTF8.GetBytes(ack.ToJsonString()), WebSocketMessageType.Text, true, CancellationToken.None);
    }
}
